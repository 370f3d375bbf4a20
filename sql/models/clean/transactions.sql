-- One row a transaction line, as it arrived last; where the same content came again, its first arrival.
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
numbered as (
  select
    *,
    -- The same number for the same content: NULLs are peers here, as they would not be under `=`.
    dense_rank() over (
      partition by transaction_id, line_no
      order by
        subject_id asc nulls first,
        product_id asc nulls first,
        quantity asc nulls first,
        unit_price asc nulls first,
        amount asc nulls first,
        discount asc nulls first,
        currency asc nulls first,
        channel asc nulls first,
        country asc nulls first,
        payment_method asc nulls first,
        ordered_at asc nulls first
    ) as content_no
  from candidates
),
compared as (
  select
    *,
    lag(content_no) over (
      partition by transaction_id, line_no
      order by arrived_at asc nulls last, source_file asc nulls last, source_line asc nulls last
    ) as content_before
  from numbered
),
changes as (
  select
    *,
    row_number() over (
      partition by transaction_id, line_no
      order by arrived_at desc nulls last, source_file desc nulls last, source_line desc nulls last
    ) as newest_no
  from compared
  where content_before is null or content_before <> content_no
),
final as (
  select * from changes
  where newest_no = 1
)
select * from final
