-- One row: the records that have arrived, and those left out. A duplicate agrees with the kept event in type, version,
-- time and person (sealed columns differ at each sealing); another event under the same id counts as superseded.
-- inputs: raw.events, clean.events
with
candidates as (
  select
    source_shard,
    source_sequence,
    event_id,
    event_type,
    event_version,
    occurred_at,
    subject_id,
    anonymous_subject_id,
    occurred_on,
    false as is_arrival
  from clean_events
  union all
  select
    source_shard,
    source_sequence,
    event_id,
    event_type,
    event_version,
    occurred_at,
    subject_id,
    anonymous_subject_id,
    cast(occurred_at as date) as occurred_on,
    true as is_arrival
  from raw_events
),
-- Apart from the candidates: ids are grouped without whole records being held for it.
ids as (
  select occurred_on, event_id from clean_events
  union all
  select cast(occurred_at as date) as occurred_on, event_id from raw_events
),
-- Nearly every event comes once: only the records of the others are compared.
repeated as (
  select occurred_on, event_id
  from ids
  group by occurred_on, event_id
  having count(*) > 1
),
rivals as (
  select
    candidates.source_shard,
    candidates.source_sequence,
    candidates.event_id,
    candidates.event_type,
    candidates.event_version,
    candidates.occurred_at,
    candidates.subject_id,
    candidates.anonymous_subject_id,
    candidates.occurred_on,
    candidates.is_arrival
  from candidates
  join repeated
    on repeated.occurred_on = candidates.occurred_on
    and repeated.event_id = candidates.event_id
),
kept as (
  select
    result.source_shard,
    result.source_sequence,
    result.event_id,
    result.event_type,
    result.event_version,
    result.occurred_at,
    result.subject_id,
    result.anonymous_subject_id,
    result.occurred_on
  from result
  join repeated
    on repeated.occurred_on = result.occurred_on
    and repeated.event_id = result.event_id
),
-- A batch that was written twice gives a record twice, and what is published may come again.
arrivals as (
  select source_shard, source_sequence from rivals
  where is_arrival
  except
  select source_shard, source_sequence from rivals
  where not is_arrival
),
left_out as (
  select source_shard, source_sequence from rivals
  except
  select source_shard, source_sequence from kept
),
compared as (
  select
    left_out.source_shard,
    left_out.source_sequence,
    bool_or(
      rivals.event_type is not distinct from kept.event_type
      and rivals.event_version is not distinct from kept.event_version
      and rivals.occurred_at is not distinct from kept.occurred_at
      and rivals.subject_id is not distinct from kept.subject_id
      and rivals.anonymous_subject_id is not distinct from kept.anonymous_subject_id
    ) as is_duplicate
  from left_out
  join rivals
    on rivals.source_shard = left_out.source_shard
    and rivals.source_sequence = left_out.source_sequence
  join kept
    on kept.event_id = rivals.event_id
    and kept.occurred_on = rivals.occurred_on
  group by left_out.source_shard, left_out.source_sequence
),
final as (
  select
    (select count(*) from raw_events)
    - (select count(*) from rivals where is_arrival)
    + (select count(*) from arrivals) as raw_rows,
    (select count(*) from compared where is_duplicate) as duplicate_rows,
    (select count(*) from compared where not is_duplicate) as superseded_rows
)
select
  cast(raw_rows as bigint) as raw_rows,
  cast(duplicate_rows as bigint) as duplicate_rows,
  cast(superseded_rows as bigint) as superseded_rows
from final
