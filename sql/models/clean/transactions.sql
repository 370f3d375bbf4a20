-- One row a transaction line, as it arrived last.
-- inputs: raw.transactions, clean.transactions
-- partition: ordered_on
-- key: transaction_id, line_no
with
arrived as (
  select
    transaction_id,
    line_no,
    subject_id,
    product_id,
    quantity,
    unit_price,
    cast(
      coalesce(amount, cast(quantity as decimal(9, 0)) * unit_price - coalesce(discount, 0)) as decimal(18, 4)
    ) as amount,
    cast(coalesce(discount, 0) as decimal(18, 4)) as discount,
    currency,
    channel,
    country,
    payment_method,
    ordered_at,
    source_file,
    source_line,
    arrived_at,
    unknown_field_count,
    redrive_count,
    cast(ordered_at as date) as ordered_on
  from raw_transactions
),
published as (
  select * from clean_transactions
),
candidates as (
  select * from published
  union all
  select * from arrived
),
latest as (
  select
    *,
    row_number() over (
      partition by transaction_id, line_no
      order by arrived_at desc nulls last, source_file desc nulls last, source_line desc nulls last
    ) as newest_no
  from candidates
),
final as (
  select * from latest
  where newest_no = 1
)
select * from final
