-- title: RFM segmentation
-- question: Who buys recently, often and for much, and whom are we about to lose?
-- grain: one row a customer with at least one order
-- definitions: order = transaction with a line that is not a return, placed on the first such line's day;
--   recency_days = days from the last order to the as-of date; frequency = orders;
--   monetary = sum of amounts, net of returns;
--   each score = 1 + floor(5 x customers who do worse / customers), 1 to 5, so that equal values have equal scores;
--   rfm_cell = the scores for recency (R), frequency (F) and monetary (M) as three digits;
--   segment = the first that applies of: champions (R, F and M at least 4), loyal (R at least 3, F at least 4),
--   promising (R at least 4), at_risk (R at most 2, F or M at least 4), hibernating (R at most 2), regular (all others);
--   sales without a customer are left out
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

customer_orders as (
  select subject_id, count(*) as frequency, max(ordered_on) as last_order_on
  from orders
  group by subject_id
),

customer_revenue as (
  select subject_id, cast(sum(amount) as decimal(18, 4)) as monetary
  from fact_sales
  where subject_id is not null
  group by subject_id
),

customers as (
  select
    customer_orders.subject_id,
    cast(as_of.as_of_on - customer_orders.last_order_on as bigint) as recency_days,
    customer_orders.frequency,
    customer_revenue.monetary
  from customer_orders
  cross join as_of
  inner join customer_revenue on customer_revenue.subject_id = customer_orders.subject_id
),

ranked as (
  select
    subject_id,
    recency_days,
    frequency,
    monetary,
    count(*) over () as customers,
    rank() over (order by recency_days desc nulls first) - 1 as less_recent,
    rank() over (order by frequency asc nulls first) - 1 as less_frequent,
    rank() over (order by monetary asc nulls first) - 1 as less_monetary
  from customers
),

scored as (
  select
    subject_id,
    recency_days,
    frequency,
    monetary,
    cast(1 + floor(cast(5 * less_recent as double precision) / nullif(customers, 0)) as bigint) as recency_score,
    cast(1 + floor(cast(5 * less_frequent as double precision) / nullif(customers, 0)) as bigint) as frequency_score,
    cast(1 + floor(cast(5 * less_monetary as double precision) / nullif(customers, 0)) as bigint) as monetary_score
  from ranked
)

select
  subject_id,
  cast(
    case
      when recency_score >= 4 and frequency_score >= 4 and monetary_score >= 4 then 'champions'
      when recency_score >= 3 and frequency_score >= 4 then 'loyal'
      when recency_score >= 4 then 'promising'
      when recency_score <= 2 and (frequency_score >= 4 or monetary_score >= 4) then 'at_risk'
      when recency_score <= 2 then 'hibernating'
      else 'regular'
    end as varchar(16)
  ) as segment,
  cast(100 * recency_score + 10 * frequency_score + monetary_score as varchar(3)) as rfm_cell,
  recency_days,
  cast(frequency as bigint) as frequency,
  monetary,
  recency_score,
  frequency_score,
  monetary_score
from scored
order by recency_score desc nulls last, frequency_score desc nulls last, monetary desc nulls last, subject_id asc nulls last
