-- title: Customer lifetime value
-- question: Who are the most valuable customers, and how much of the revenue comes from them?
-- grain: one row a customer with at least one sales line
-- definitions: revenue = sum of amounts, net of returns; units = sum of quantities, net of returns;
--   order = transaction with a line that is not a return, placed on the first such line's day;
--   average_order_value = revenue / orders, half up at four decimals, null without an order;
--   revenue_quintile = 1 + floor(5 x customers with less revenue / customers), so that equal values are in one quintile;
--   segment = top, high, middle, low, lowest for the quintiles 5 to 1;
--   cumulative_revenue_rate = share of all customers' revenue that this customer and those above bring, null when that is 0;
--   tenure_days = days from the first order to the as-of date; sales without a customer are left out
with as_of as (
  select max(as_of_on) as as_of_on
  from load_state
),

sales as (
  select
    subject_id,
    cast(sum(quantity) as bigint) as units,
    cast(sum(amount) as decimal(18, 4)) as revenue
  from fact_sales
  where subject_id is not null
  group by subject_id
),

orders as (
  select subject_id, transaction_id, min(ordered_on) as ordered_on
  from fact_sales
  where subject_id is not null and not is_return
  group by subject_id, transaction_id
),

customer_orders as (
  select subject_id, count(*) as orders, min(ordered_on) as first_order_on, max(ordered_on) as last_order_on
  from orders
  group by subject_id
),

ranked as (
  select
    subject_id,
    units,
    revenue,
    rank() over (order by revenue desc nulls last) as revenue_rank,
    rank() over (order by revenue asc nulls last) - 1 as customers_below,
    count(*) over () as customers,
    sum(revenue) over () as total_revenue,
    sum(revenue) over (
      order by revenue desc nulls last, subject_id asc nulls last rows between unbounded preceding and current row
    ) as cumulative_revenue
  from sales
),

-- Money as whole ten-thousandths: integers divide alike on every engine.
counted as (
  select
    ranked.subject_id,
    ranked.units,
    ranked.revenue,
    ranked.revenue_rank,
    ranked.customers_below,
    ranked.customers,
    coalesce(customer_orders.orders, 0) as orders,
    customer_orders.first_order_on,
    customer_orders.last_order_on,
    cast(cast(10000 as decimal(19, 0)) * ranked.revenue as bigint) as revenue_minor,
    cast(cast(10000 as decimal(19, 0)) * cast(ranked.total_revenue as decimal(18, 4)) as bigint) as total_minor,
    cast(cast(10000 as decimal(19, 0)) * cast(ranked.cumulative_revenue as decimal(18, 4)) as bigint) as cumulative_minor
  from ranked
  left join customer_orders on customer_orders.subject_id = ranked.subject_id
),

measured as (
  select
    subject_id,
    units,
    revenue,
    revenue_rank,
    orders,
    first_order_on,
    last_order_on,
    cast(1 + floor(cast(5 * customers_below as double precision) / nullif(customers, 0)) as bigint) as revenue_quintile,
    cast(floor(cast(revenue_minor as double precision) / nullif(orders, 0) + 0.5) as bigint) as average_minor,
    cast(floor(10000 * cast(cumulative_minor as double precision) / nullif(total_minor, 0) + 0.5) as bigint)
      as cumulative_rate_minor
  from counted
)

select
  measured.subject_id,
  cast(
    case measured.revenue_quintile
      when 5 then 'top'
      when 4 then 'high'
      when 3 then 'middle'
      when 2 then 'low'
      else 'lowest'
    end as varchar(16)
  ) as segment,
  cast(measured.revenue_rank as bigint) as revenue_rank,
  measured.revenue_quintile,
  cast(measured.orders as bigint) as orders,
  measured.units,
  measured.revenue,
  cast(0.0001 * measured.average_minor as decimal(18, 4)) as average_order_value,
  cast(0.0001 * measured.cumulative_rate_minor as decimal(18, 4)) as cumulative_revenue_rate,
  cast(as_of.as_of_on - measured.first_order_on as bigint) as tenure_days,
  measured.first_order_on,
  measured.last_order_on
from measured
cross join as_of
order by measured.revenue_rank asc nulls last, measured.subject_id asc nulls last
