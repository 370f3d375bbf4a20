-- One row a transaction line: the only source of revenue. Price, discount and amount are in the reporting currency, by the
-- rate of the day of the order, or of the last day before it that has one.
-- inputs: clean.transactions, reference.rates
-- partition: ordered_on
-- key: sale_key
with
sales as (
  select * from clean_transactions
),
rates as (
  select
    currency,
    cast(valid_on as date) as valid_on,
    -- Wider than its digits: DuckDB gives the product the width of the wider factor.
    cast(rate as decimal(19, 10)) as rate
  from reference_rates
),
paid as (
  select distinct currency, ordered_on
  from sales
),
quoted as (
  select
    paid.currency,
    paid.ordered_on,
    rates.rate,
    row_number() over (
      partition by paid.currency, paid.ordered_on
      order by rates.valid_on desc nulls last
    ) as newest_no
  from paid
  join rates
    on rates.currency = paid.currency
    and rates.valid_on <= paid.ordered_on
),
final as (
  select
    sales.transaction_id,
    sales.line_no,
    sales.subject_id,
    sales.product_id,
    sales.quantity,
    sales.unit_price * quoted.rate as unit_price,
    sales.discount * quoted.rate as discount,
    sales.amount * quoted.rate as amount,
    sales.currency,
    sales.channel,
    sales.country,
    sales.payment_method,
    sales.ordered_on,
    sales.ordered_at
  from sales
  -- The door lets no sale in without a rate: one that had none would show as an amount that is missing.
  left join quoted
    on quoted.currency = sales.currency
    and quoted.ordered_on = sales.ordered_on
    and quoted.newest_no = 1
)
select
  cast(md5(transaction_id || '|' || cast(line_no as varchar(20))) as varchar(32)) as sale_key,
  cast(transaction_id as varchar(64)) as transaction_id,
  cast(subject_id as varchar(36)) as subject_id,
  cast(product_id as varchar(64)) as product_id,
  cast(channel as varchar(16)) as channel,
  cast(country as varchar(2)) as country,
  cast(payment_method as varchar(16)) as payment_method,
  cast(currency as varchar(3)) as currency,
  cast(line_no as bigint) as line_no,
  cast(quantity as bigint) as quantity,
  cast(unit_price as decimal(18, 4)) as unit_price,
  cast(discount as decimal(18, 4)) as discount,
  cast(amount as decimal(18, 4)) as amount,
  quantity < 0 as is_return,
  cast(ordered_on as date) as ordered_on,
  cast(ordered_at as timestamp) as ordered_at
from final
