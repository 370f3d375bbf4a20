-- One row a transaction line: the only source of revenue.
-- inputs: clean.transactions
-- partition: ordered_on
-- key: sale_key
with
final as (
  select * from clean_transactions
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
