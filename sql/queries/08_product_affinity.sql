-- title: Product affinity
-- question: Which products are bought together more often than chance would have it?
-- grain: one row a pair of products, product_a before product_b
-- definitions: basket = the distinct products of a transaction's lines with a quantity above 0; orders = baskets;
--   orders_a, orders_b, orders_together = orders with the one product, the other, both;
--   support_rate = orders_together / all orders; a pair is shown from a support of 0.5 % on;
--   confidence_a_to_b = orders_together / orders_a, confidence_b_to_a = orders_together / orders_b;
--   lift = support_rate / (share of orders with a x share of orders with b), 1 where the two are independent;
--   all half up at four decimals; names are those of the products' current versions
with baskets as (
  select distinct transaction_id, product_id
  from fact_sales
  where quantity > 0
),

all_orders as (
  select count(distinct transaction_id) as orders
  from baskets
),

products as (
  select product_id, count(*) as orders
  from baskets
  group by product_id
),

pairs as (
  select first_basket.product_id as product_a, second_basket.product_id as product_b, count(*) as orders_together
  from baskets as first_basket
  inner join baskets as second_basket
    on second_basket.transaction_id = first_basket.transaction_id and second_basket.product_id > first_basket.product_id
  group by first_basket.product_id, second_basket.product_id
),

supported as (
  select
    pairs.product_a,
    pairs.product_b,
    products_a.orders as orders_a,
    products_b.orders as orders_b,
    pairs.orders_together,
    all_orders.orders
  from pairs
  cross join all_orders
  inner join products as products_a on products_a.product_id = pairs.product_a
  inner join products as products_b on products_b.product_id = pairs.product_b
  where 200 * pairs.orders_together >= all_orders.orders
),

measured as (
  select
    product_a,
    product_b,
    orders_a,
    orders_b,
    orders_together,
    cast(floor(10000 * cast(orders_together as double precision) / nullif(orders, 0) + 0.5) as bigint) as support_minor,
    cast(floor(10000 * cast(orders_together as double precision) / nullif(orders_a, 0) + 0.5) as bigint) as a_to_b_minor,
    cast(floor(10000 * cast(orders_together as double precision) / nullif(orders_b, 0) + 0.5) as bigint) as b_to_a_minor,
    cast(
      floor(10000 * cast(orders_together as double precision) * orders / nullif(orders_a * orders_b, 0) + 0.5) as bigint
    ) as lift_minor
  from supported
)

select
  measured.product_a,
  measured.product_b,
  names_a.product_name as product_a_name,
  names_b.product_name as product_b_name,
  cast(measured.orders_a as bigint) as orders_a,
  cast(measured.orders_b as bigint) as orders_b,
  cast(measured.orders_together as bigint) as orders_together,
  cast(0.0001 * measured.support_minor as decimal(18, 4)) as support_rate,
  cast(0.0001 * measured.a_to_b_minor as decimal(18, 4)) as confidence_a_to_b,
  cast(0.0001 * measured.b_to_a_minor as decimal(18, 4)) as confidence_b_to_a,
  cast(0.0001 * measured.lift_minor as decimal(18, 4)) as lift
from measured
left join dim_product_current as names_a on names_a.product_id = measured.product_a
left join dim_product_current as names_b on names_b.product_id = measured.product_b
order by
  measured.lift_minor desc nulls last,
  measured.orders_together desc nulls last,
  measured.product_a asc nulls last,
  measured.product_b asc nulls last
