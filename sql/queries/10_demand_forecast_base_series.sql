-- title: Demand forecast base series
-- question: How much of each category is wanted each day, set beside what a forecast would start from?
-- grain: one row a category and day, from the category's first sale to the as-of date, days without sales included
-- definitions: category = that of the product's current version, unknown where it has none;
--   demand = lines that are not returns: what is brought back was wanted first;
--   demand_units = their quantities, demand_amount = their amounts, orders = their transactions;
--   units_week_before, units_year_before = demand_units 7 and 364 days before, on the same weekday;
--   mean_units_7_days, mean_units_28_days = mean of the days before this one, which is never part of it;
--   mean_units_weekday = mean of the same weekday in the four weeks before; means are rounded half up at four decimals;
--   all are null where the category's series does not reach back so far; iso_weekday = 1 for Monday to 7 for Sunday
with as_of as (
  select max(as_of_on) as as_of_on
  from load_state
),

demand as (
  select
    coalesce(dim_product_current.category, 'unknown') as category,
    fact_sales.ordered_on as date_on,
    count(distinct fact_sales.transaction_id) as orders,
    cast(sum(fact_sales.quantity) as bigint) as demand_units,
    cast(sum(fact_sales.amount) as decimal(18, 4)) as demand_amount
  from fact_sales
  left join dim_product_current on dim_product_current.product_id = fact_sales.product_id
  where not fact_sales.is_return
  group by coalesce(dim_product_current.category, 'unknown'), fact_sales.ordered_on
),

categories as (
  select category, min(date_on) as first_on
  from demand
  group by category
),

-- The days of demand stand in for days that dim_date might lack: no demand is lost.
days as (
  select date_on
  from dim_date
  where date_on <= (select as_of_on from as_of)
  union
  select date_on
  from demand
),

series as (
  select
    categories.category,
    days.date_on,
    coalesce(demand.orders, 0) as orders,
    coalesce(demand.demand_units, 0) as demand_units,
    coalesce(demand.demand_amount, 0) as demand_amount
  from categories
  inner join days on days.date_on >= categories.first_on
  left join demand on demand.category = categories.category and demand.date_on = days.date_on
),

-- The series has no gaps, so that so many rows before are so many days before.
trailing_days as (
  select
    category,
    date_on,
    orders,
    demand_units,
    demand_amount,
    row_number() over (partition by category order by date_on asc nulls last) - 1 as days_before,
    lag(demand_units, 7) over (partition by category order by date_on asc nulls last) as units_week_before,
    lag(demand_units, 14) over (partition by category order by date_on asc nulls last) as units_2_weeks_before,
    lag(demand_units, 21) over (partition by category order by date_on asc nulls last) as units_3_weeks_before,
    lag(demand_units, 28) over (partition by category order by date_on asc nulls last) as units_4_weeks_before,
    lag(demand_units, 364) over (partition by category order by date_on asc nulls last) as units_year_before,
    sum(demand_units) over (
      partition by category order by date_on asc nulls last rows between 7 preceding and 1 preceding
    ) as units_7_days,
    sum(demand_units) over (
      partition by category order by date_on asc nulls last rows between 28 preceding and 1 preceding
    ) as units_28_days
  from series
),

measured as (
  select
    category,
    date_on,
    orders,
    demand_units,
    demand_amount,
    units_week_before,
    units_year_before,
    case
      when days_before >= 7 then cast(floor(10000 * cast(units_7_days as double precision) / 7 + 0.5) as bigint)
    end as mean_7_days_minor,
    case
      when days_before >= 28 then cast(floor(10000 * cast(units_28_days as double precision) / 28 + 0.5) as bigint)
    end as mean_28_days_minor,
    cast(
      floor(
        10000 * cast(
          units_week_before + units_2_weeks_before + units_3_weeks_before + units_4_weeks_before as double precision
        ) / 4 + 0.5
      ) as bigint
    ) as mean_weekday_minor
  from trailing_days
)

select
  cast(measured.category as varchar(8192)) as category,
  measured.date_on,
  dim_date.iso_weekday,
  cast(measured.orders as bigint) as orders,
  cast(measured.demand_units as bigint) as demand_units,
  cast(measured.demand_amount as decimal(18, 4)) as demand_amount,
  cast(measured.units_week_before as bigint) as units_week_before,
  cast(measured.units_year_before as bigint) as units_year_before,
  cast(0.0001 * measured.mean_7_days_minor as decimal(18, 4)) as mean_units_7_days,
  cast(0.0001 * measured.mean_28_days_minor as decimal(18, 4)) as mean_units_28_days,
  cast(0.0001 * measured.mean_weekday_minor as decimal(18, 4)) as mean_units_weekday
from measured
left join dim_date on dim_date.date_on = measured.date_on
order by measured.date_on desc nulls last, measured.category asc nulls last
