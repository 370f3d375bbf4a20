-- One row a day on which a line that has arrived was ordered, or stood before its date was corrected.
-- inputs: raw.transactions, clean.transactions
with
arrived as (
  select transaction_id, line_no, cast(ordered_at as date) as ordered_on
  from raw_transactions
),
published as (
  select transaction_id, line_no, ordered_on
  from clean_transactions
),
moved as (
  select published.ordered_on
  from published
  join arrived
    on arrived.transaction_id = published.transaction_id
    and arrived.line_no = published.line_no
  where arrived.ordered_on <> published.ordered_on
),
final as (
  select ordered_on as touched_on from arrived
  union
  select ordered_on as touched_on from moved
)
select touched_on from final
