-- One row: the rows that have arrived, and those left out: duplicates repeat the kept line, the rest it supersedes.
-- inputs: raw.transactions, clean.transactions
with
arrived as (
  select * from raw_transactions
),
published as (
  select * from clean_transactions
),
kept as (
  select * from result
),
candidates as (
  select
    source_file,
    source_line,
    transaction_id,
    line_no,
    subject_id,
    product_id,
    quantity,
    unit_price,
    amount,
    discount,
    currency,
    channel,
    country,
    payment_method,
    ordered_at
  from published
  union all
  select
    source_file,
    source_line,
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
    ordered_at
  from arrived
),
arrivals as (
  select source_file, source_line from arrived
  except
  select source_file, source_line from published
),
left_out as (
  select source_file, source_line from candidates
  except
  select source_file, source_line from kept
),
compared as (
  select
    left_out.source_file,
    left_out.source_line,
    bool_or(
      candidates.subject_id is not distinct from kept.subject_id
      and candidates.product_id is not distinct from kept.product_id
      and candidates.quantity is not distinct from kept.quantity
      and candidates.unit_price is not distinct from kept.unit_price
      and candidates.amount is not distinct from kept.amount
      and candidates.discount is not distinct from kept.discount
      and candidates.currency is not distinct from kept.currency
      and candidates.channel is not distinct from kept.channel
      and candidates.country is not distinct from kept.country
      and candidates.payment_method is not distinct from kept.payment_method
      and candidates.ordered_at is not distinct from kept.ordered_at
    ) as is_duplicate
  from left_out
  join candidates
    on candidates.source_file = left_out.source_file
    and candidates.source_line = left_out.source_line
  join kept
    on kept.transaction_id = candidates.transaction_id
    and kept.line_no = candidates.line_no
  group by left_out.source_file, left_out.source_line
),
final as (
  select
    (select count(*) from arrivals) as raw_rows,
    (select count(*) from compared where is_duplicate) as duplicate_rows,
    (select count(*) from compared where not is_duplicate) as superseded_rows
)
select
  cast(raw_rows as bigint) as raw_rows,
  cast(duplicate_rows as bigint) as duplicate_rows,
  cast(superseded_rows as bigint) as superseded_rows
from final
