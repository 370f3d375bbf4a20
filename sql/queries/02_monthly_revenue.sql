-- title: Monthly revenue
-- question: How much is sold each month, and is it more than in the month before?
-- grain: one row a month from the first sale to the as-of date, months without sales included
-- definitions: revenue = sum of amounts, net of returns, in the month of the sale or return; units likewise;
--   returns_amount = what was paid back for returns, already taken off the revenue;
--   orders = transactions whose first line that is not a return was placed in the month;
--   customers = distinct customers of these orders, guests not counted;
--   growth_rate = (revenue - previous_revenue) / previous_revenue, half up at four decimals, null unless the month before
--   had revenue above 0; is_complete_month = the month ended on or before the as-of date
with as_of as (
  select
    max(as_of_on) as as_of_on,
    cast(date_trunc('month', max(as_of_on) + interval '1' day) as date) as incomplete_from_on
  from load_state
),

sales_months as (
  select
    cast(date_trunc('month', ordered_on) as date) as month_on,
    cast(sum(quantity) as bigint) as units,
    cast(sum(amount) as decimal(18, 4)) as revenue,
    cast(-sum(case when is_return then amount else 0 end) as decimal(18, 4)) as returns_amount
  from fact_sales
  group by cast(date_trunc('month', ordered_on) as date)
),

orders as (
  select transaction_id, min(subject_id) as subject_id, cast(date_trunc('month', min(ordered_on)) as date) as month_on
  from fact_sales
  where not is_return
  group by transaction_id
),

order_months as (
  select month_on, count(*) as orders, count(distinct subject_id) as customers
  from orders
  group by month_on
),

-- The months of sales stand in for days that dim_date might lack: no revenue is lost.
months as (
  select month_on
  from dim_date
  where date_on >= (select min(month_on) from sales_months) and date_on <= (select as_of_on from as_of)
  union
  select month_on
  from sales_months
),

filled as (
  select
    months.month_on,
    coalesce(order_months.orders, 0) as orders,
    coalesce(order_months.customers, 0) as customers,
    coalesce(sales_months.units, 0) as units,
    coalesce(sales_months.revenue, 0) as revenue,
    coalesce(sales_months.returns_amount, 0) as returns_amount
  from months
  left join sales_months on sales_months.month_on = months.month_on
  left join order_months on order_months.month_on = months.month_on
),

compared as (
  select
    month_on,
    orders,
    customers,
    units,
    revenue,
    returns_amount,
    lag(revenue) over (order by month_on asc nulls last) as previous_revenue
  from filled
),

-- Money as whole ten-thousandths: integers divide alike on every engine.
counted as (
  select
    month_on,
    orders,
    customers,
    units,
    revenue,
    returns_amount,
    previous_revenue,
    cast(cast(10000 as decimal(19, 0)) * (revenue - previous_revenue) as bigint) as growth_minor,
    case when previous_revenue > 0 then cast(cast(10000 as decimal(19, 0)) * previous_revenue as bigint) end as previous_minor
  from compared
),

measured as (
  select
    month_on,
    orders,
    customers,
    units,
    revenue,
    returns_amount,
    previous_revenue,
    cast(floor(10000 * cast(growth_minor as double precision) / nullif(previous_minor, 0) + 0.5) as bigint)
      as growth_rate_minor
  from counted
)

select
  measured.month_on,
  cast(measured.orders as bigint) as orders,
  cast(measured.customers as bigint) as customers,
  cast(measured.units as bigint) as units,
  cast(measured.revenue as decimal(18, 4)) as revenue,
  cast(measured.returns_amount as decimal(18, 4)) as returns_amount,
  cast(measured.previous_revenue as decimal(18, 4)) as previous_revenue,
  cast(0.0001 * measured.growth_rate_minor as decimal(18, 4)) as growth_rate,
  coalesce(measured.month_on < as_of.incomplete_from_on, false) as is_complete_month
from measured
cross join as_of
order by measured.month_on asc nulls last
