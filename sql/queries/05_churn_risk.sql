-- title: Churn risk
-- question: Which customers have stayed away for longer than usual, and what are they worth?
-- grain: one row a customer with at least one order
-- definitions: order = transaction with a line that is not a return, placed on the first such line's day;
--   order_days = distinct days with an order; gap = days from one order day to the next;
--   usual_gap_days = the customer's mean gap, or, where they have fewer than three order days, the mean gap of all
--   customers, since one gap is no habit (has_own_gap tells), and null where nobody ever came back;
--   recency_days = days from the last order to the as-of date; gap_ratio = recency_days / usual gap; both half up at
--   four decimals; risk = active up to a ratio of 1, cooling up to 2, at_risk up to 3, churned above, unknown without a usual
--   gap: of those who buy at random moments 37 %, 14 % and 5 % stay away for longer than 1, 2 and 3 usual gaps;
--   revenue = sum of amounts, net of returns; sales without a customer are left out;
--   those who may still be won back come first: at_risk, cooling, churned, active, unknown, each by revenue
with as_of as (
  select max(as_of_on) as as_of_on
  from load_state
),

orders as (
  select subject_id, transaction_id, min(ordered_on) as ordered_on
  from fact_sales
  where subject_id is not null and not is_return
  group by subject_id, transaction_id
),

customers as (
  select
    subject_id,
    count(*) as orders,
    count(distinct ordered_on) as order_days,
    count(distinct ordered_on) - 1 as gaps,
    cast(max(ordered_on) - min(ordered_on) as bigint) as span_days,
    max(ordered_on) as last_order_on
  from orders
  group by subject_id
),

all_customers as (
  select cast(sum(gaps) as bigint) as gaps, cast(sum(span_days) as bigint) as span_days
  from customers
),

customer_revenue as (
  select subject_id, cast(sum(amount) as decimal(18, 4)) as revenue
  from fact_sales
  where subject_id is not null
  group by subject_id
),

-- The usual gap as a fraction, span_days / gaps, so that nothing is rounded before it is compared.
rhythms as (
  select
    customers.subject_id,
    customers.orders,
    customer_revenue.revenue,
    case when customers.order_days >= 3 then customers.gaps else all_customers.gaps end as gaps,
    case when customers.order_days >= 3 then customers.span_days else all_customers.span_days end as span_days,
    cast(as_of.as_of_on - customers.last_order_on as bigint) as recency_days,
    customers.order_days >= 3 as has_own_gap,
    customers.last_order_on
  from customers
  cross join all_customers
  cross join as_of
  inner join customer_revenue on customer_revenue.subject_id = customers.subject_id
),

measured as (
  select
    subject_id,
    orders,
    revenue,
    recency_days,
    cast(floor(10000 * cast(span_days as double precision) / nullif(gaps, 0) + 0.5) as bigint) as usual_gap_minor,
    cast(floor(10000 * cast(recency_days * gaps as double precision) / nullif(span_days, 0) + 0.5) as bigint)
      as gap_ratio_minor,
    case
      when gaps = 0 then 5
      when recency_days * gaps <= span_days then 4
      when recency_days * gaps <= 2 * span_days then 2
      when recency_days * gaps <= 3 * span_days then 1
      else 3
    end as risk_order,
    has_own_gap,
    last_order_on
  from rhythms
)

select
  subject_id,
  cast(
    case risk_order
      when 1 then 'at_risk'
      when 2 then 'cooling'
      when 3 then 'churned'
      when 4 then 'active'
      else 'unknown'
    end as varchar(16)
  ) as risk,
  cast(orders as bigint) as orders,
  revenue,
  recency_days,
  cast(0.0001 * usual_gap_minor as decimal(18, 4)) as usual_gap_days,
  cast(0.0001 * gap_ratio_minor as decimal(18, 4)) as gap_ratio,
  has_own_gap,
  last_order_on
from measured
order by risk_order asc nulls last, revenue desc nulls last, subject_id asc nulls last
