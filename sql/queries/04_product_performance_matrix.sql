-- title: Product performance matrix
-- question: Which products sell well and earn well, and which do only one of the two, or neither?
-- grain: one row a product with at least one sales line
-- definitions: revenue = sum of amounts, units = sum of quantities, both net of returns;
--   orders = transactions with a line of the product that is not a return;
--   margin = revenue - units x the product's cost at the time of each line, null where one of these costs is unknown;
--   margin_rate = margin / revenue, null unless revenue is above 0; revenue_rate = share of all products' revenue, null
--   when that is 0; return_rate = units returned / units sold, null where none were sold; all half up at four decimals;
--   matrix_class = star (revenue and margin_rate are high), plowhorse (revenue alone), puzzle (margin_rate alone), dog
--   (neither), after Kasavana and Smith's menu engineering, and unrated without a margin_rate;
--   high = fewer than half of the rated products have more; name and category are those of the current version
with sales as (
  select
    fact_sales.product_id,
    fact_sales.transaction_id,
    fact_sales.quantity,
    fact_sales.amount,
    fact_sales.is_return,
    dim_product.cost
  from fact_sales
  left join dim_product
    on dim_product.product_id = fact_sales.product_id
    and dim_product.valid_from <= fact_sales.ordered_at
    and dim_product.valid_to > fact_sales.ordered_at
),

products as (
  select
    product_id,
    count(distinct case when not is_return then transaction_id end) as orders,
    cast(sum(quantity) as bigint) as units,
    cast(sum(case when is_return then 0 else quantity end) as bigint) as sold_units,
    cast(-sum(case when is_return then quantity else 0 end) as bigint) as returned_units,
    cast(sum(amount) as decimal(18, 4)) as revenue,
    cast(case when count(*) = count(cost) then sum(amount - quantity * cost) end as decimal(18, 4)) as margin
  from sales
  group by product_id
),

-- Money as whole ten-thousandths: integers divide alike on every engine.
counted as (
  select
    product_id,
    orders,
    units,
    sold_units,
    returned_units,
    revenue,
    margin,
    cast(cast(10000 as decimal(19, 0)) * revenue as bigint) as revenue_minor,
    cast(cast(10000 as decimal(19, 0)) * cast(sum(revenue) over () as decimal(18, 4)) as bigint) as total_minor,
    cast(cast(10000 as decimal(19, 0)) * margin as bigint) as margin_minor
  from products
),

measured as (
  select
    product_id,
    orders,
    units,
    revenue,
    margin,
    revenue_minor,
    cast(floor(10000 * cast(revenue_minor as double precision) / nullif(total_minor, 0) + 0.5) as bigint)
      as revenue_rate_minor,
    case
      when revenue_minor > 0
        then cast(floor(10000 * cast(margin_minor as double precision) / nullif(revenue_minor, 0) + 0.5) as bigint)
    end as margin_rate_minor,
    cast(floor(10000 * cast(returned_units as double precision) / nullif(sold_units, 0) + 0.5) as bigint)
      as return_rate_minor
  from counted
),

-- Products without a margin rate have a partition of their own, so that they count for no other.
compared as (
  select
    product_id,
    orders,
    units,
    revenue,
    margin,
    revenue_rate_minor,
    margin_rate_minor,
    return_rate_minor,
    count(*) over (partition by case when margin_rate_minor is null then 0 else 1 end) as products,
    rank() over (
      partition by case when margin_rate_minor is null then 0 else 1 end order by revenue_minor desc nulls last
    ) - 1 as more_revenue,
    rank() over (
      partition by case when margin_rate_minor is null then 0 else 1 end order by margin_rate_minor desc nulls last
    ) - 1 as more_margin
  from measured
),

ranked as (
  select
    product_id,
    orders,
    units,
    revenue,
    margin,
    revenue_rate_minor,
    margin_rate_minor,
    return_rate_minor,
    2 * more_revenue < products as has_high_revenue,
    2 * more_margin < products as has_high_margin
  from compared
)

select
  ranked.product_id,
  dim_product_current.product_name,
  dim_product_current.category,
  cast(
    case
      when ranked.margin_rate_minor is null then 'unrated'
      when ranked.has_high_revenue and ranked.has_high_margin then 'star'
      when ranked.has_high_revenue then 'plowhorse'
      when ranked.has_high_margin then 'puzzle'
      else 'dog'
    end as varchar(16)
  ) as matrix_class,
  cast(ranked.orders as bigint) as orders,
  ranked.units,
  ranked.revenue,
  cast(0.0001 * ranked.revenue_rate_minor as decimal(18, 4)) as revenue_rate,
  ranked.margin,
  cast(0.0001 * ranked.margin_rate_minor as decimal(18, 4)) as margin_rate,
  cast(0.0001 * ranked.return_rate_minor as decimal(18, 4)) as return_rate
from ranked
left join dim_product_current on dim_product_current.product_id = ranked.product_id
order by ranked.revenue desc nulls last, ranked.product_id asc nulls last
