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
    cast(occurred_at as date) as occurred_on,
    0 as arrived
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
    1 as arrived
  from raw_events
),
events as (
  select occurred_on, event_id, count(*) as candidate_count, sum(arrived) as arrived_count
  from candidates
  group by occurred_on, event_id
),
-- Nearly every event comes once: only the others are looked at record by record.
repeated as (
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
    candidates.arrived
  from candidates
  join events
    on events.occurred_on = candidates.occurred_on
    and events.event_id = candidates.event_id
  where events.candidate_count > 1
),
arrivals as (
  select source_shard, source_sequence from repeated
  where arrived = 1
  except
  select source_shard, source_sequence from repeated
  where arrived = 0
),
kept as (
  select
    source_shard,
    source_sequence,
    event_id,
    event_type,
    event_version,
    occurred_at,
    subject_id,
    anonymous_subject_id,
    occurred_on
  from result
),
left_out as (
  select source_shard, source_sequence from repeated
  except
  select source_shard, source_sequence from kept
),
compared as (
  select
    left_out.source_shard,
    left_out.source_sequence,
    bool_or(
      repeated.event_type is not distinct from kept.event_type
      and repeated.event_version is not distinct from kept.event_version
      and repeated.occurred_at is not distinct from kept.occurred_at
      and repeated.subject_id is not distinct from kept.subject_id
      and repeated.anonymous_subject_id is not distinct from kept.anonymous_subject_id
    ) as is_duplicate
  from left_out
  join repeated
    on repeated.source_shard = left_out.source_shard
    and repeated.source_sequence = left_out.source_sequence
  join kept
    on kept.event_id = repeated.event_id
    and kept.occurred_on = repeated.occurred_on
  group by left_out.source_shard, left_out.source_sequence
),
final as (
  select
    (select coalesce(sum(arrived_count), 0) from events where candidate_count = 1)
    + (select count(*) from arrivals) as raw_rows,
    (select count(*) from compared where is_duplicate) as duplicate_rows,
    (select count(*) from compared where not is_duplicate) as superseded_rows
)
select
  cast(raw_rows as bigint) as raw_rows,
  cast(duplicate_rows as bigint) as duplicate_rows,
  cast(superseded_rows as bigint) as superseded_rows
from final
