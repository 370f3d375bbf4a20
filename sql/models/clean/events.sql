-- One row an event: of the records with one event id on one day, the first to arrive.
-- inputs: raw.events, clean.events
-- partition: occurred_on
-- day: cast(occurred_at as date)
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
-- Apart from the candidates: ids are grouped without whole records being held for it.
ids as (
  select occurred_on, event_id from clean_events
  union all
  select cast(occurred_at as date) as occurred_on, event_id from raw_events
),
repeated as (
  select occurred_on, event_id
  from ids
  group by occurred_on, event_id
  having count(*) > 1
),
marked as (
  select candidates.*, repeated.event_id is not null as is_repeated
  from candidates
  left join repeated
    on repeated.occurred_on = candidates.occurred_on
    and repeated.event_id = candidates.event_id
),
-- Nearly every event comes once: only the others are sorted by their arrival.
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
  from marked
  where is_repeated
),
final as (
  select *, 1 as arrival_no from marked
  where not is_repeated
  union all
  select * from ranked
  where arrival_no = 1
)
select * from final
