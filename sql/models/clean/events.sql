-- One row an event: of the records with one event id on one day, the first to arrive.
-- inputs: raw.events, clean.events
-- partition: occurred_on
-- key: occurred_on, event_id
with
arrived as (
  select *, cast(occurred_at as date) as occurred_on
  from raw_events
),
published as (
  select * from clean_events
),
candidates as (
  select * from published
  union all
  select * from arrived
),
ranked as (
  select
    *,
    row_number() over (
      partition by occurred_on, event_id
      order by
        arrived_at asc nulls last,
        source_shard asc nulls last,
        -- Sequence numbers are decimal text without leading zeros: the shorter is the smaller.
        length(source_sequence) asc nulls last,
        source_sequence asc nulls last
    ) as arrival_no
  from candidates
),
final as (
  select * from ranked
  where arrival_no = 1
)
select * from final
