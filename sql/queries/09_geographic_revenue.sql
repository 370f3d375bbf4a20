-- title: Geographic revenue
-- question: Where does the revenue come from, and where does it grow?
-- grain: one row a country and city with at least one sales line
-- definitions: country = the sale's; city = where the customer lived at the time of the sale, unknown for guests, for
--   customers without a city, and for those who lived in another country;
--   revenue = sum of amounts, units = sum of quantities, both net of returns;
--   orders = transactions with a line that is not a return there; customers = distinct customers of these lines;
--   revenue_rate = share of all revenue, null when that is 0; country_revenue = revenue of all the country's cities;
--   growth_rate = (recent - before) / before, of the revenue in the 90 days up to the as-of date and in the 90 days
--   before these, null unless that is above 0; rates are rounded half up at four decimals
with as_of as (
  select
    cast(max(as_of_on) - interval '90' day as date) as recent_after_on,
    cast(max(as_of_on) - interval '180' day as date) as before_after_on
  from load_state
),

sales as (
  select
    fact_sales.country,
    case when dim_customer.country = fact_sales.country then coalesce(dim_customer.city, 'unknown') else 'unknown' end
      as city,
    fact_sales.transaction_id,
    fact_sales.subject_id,
    fact_sales.quantity,
    fact_sales.amount,
    fact_sales.is_return,
    fact_sales.ordered_on
  from fact_sales
  left join dim_customer
    on dim_customer.subject_id = fact_sales.subject_id
    and dim_customer.valid_from <= fact_sales.ordered_at
    and dim_customer.valid_to > fact_sales.ordered_at
),

cities as (
  select
    sales.country,
    sales.city,
    count(distinct case when not sales.is_return then sales.transaction_id end) as orders,
    count(distinct case when not sales.is_return then sales.subject_id end) as customers,
    cast(sum(sales.quantity) as bigint) as units,
    cast(sum(sales.amount) as decimal(18, 4)) as revenue,
    cast(sum(case when sales.ordered_on > as_of.recent_after_on then sales.amount else 0 end) as decimal(18, 4))
      as recent_revenue,
    cast(
      sum(
        case
          when sales.ordered_on > as_of.before_after_on and sales.ordered_on <= as_of.recent_after_on then sales.amount
          else 0
        end
      ) as decimal(18, 4)
    ) as revenue_before
  from sales
  cross join as_of
  group by sales.country, sales.city
),

totals as (
  select
    country,
    city,
    orders,
    customers,
    units,
    revenue,
    recent_revenue,
    revenue_before,
    cast(sum(revenue) over (partition by country) as decimal(18, 4)) as country_revenue,
    cast(sum(revenue) over () as decimal(18, 4)) as total_revenue
  from cities
),

-- Money as whole ten-thousandths: integers divide alike on every engine.
counted as (
  select
    country,
    city,
    orders,
    customers,
    units,
    revenue,
    country_revenue,
    cast(cast(10000 as decimal(19, 0)) * revenue as bigint) as revenue_minor,
    cast(cast(10000 as decimal(19, 0)) * total_revenue as bigint) as total_minor,
    cast(cast(10000 as decimal(19, 0)) * (recent_revenue - revenue_before) as bigint) as growth_minor,
    case when revenue_before > 0 then cast(cast(10000 as decimal(19, 0)) * revenue_before as bigint) end as before_minor
  from totals
),

measured as (
  select
    country,
    city,
    orders,
    customers,
    units,
    revenue,
    country_revenue,
    cast(floor(10000 * cast(revenue_minor as double precision) / nullif(total_minor, 0) + 0.5) as bigint)
      as revenue_rate_minor,
    cast(floor(10000 * cast(growth_minor as double precision) / nullif(before_minor, 0) + 0.5) as bigint)
      as growth_rate_minor
  from counted
)

select
  country,
  cast(city as varchar(400)) as city,
  cast(orders as bigint) as orders,
  cast(customers as bigint) as customers,
  units,
  revenue,
  cast(0.0001 * revenue_rate_minor as decimal(18, 4)) as revenue_rate,
  cast(0.0001 * growth_rate_minor as decimal(18, 4)) as growth_rate,
  country_revenue
from measured
order by country_revenue desc nulls last, country asc nulls last, revenue desc nulls last, city asc nulls last
