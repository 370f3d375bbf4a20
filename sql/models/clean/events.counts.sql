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
    true as is_arrival
  from raw_events
),
published as (
  select source_shard, source_sequence from clean_events
),
kept_records as (
  select source_shard, source_sequence from result
),
kept_events as (
  select event_id, event_type, event_version, occurred_at, subject_id, anonymous_subject_id, occurred_on from result
),
kept_arrivals as (
  select kept_records.source_shard, kept_records.source_sequence
  from kept_records
  left join published
    on published.source_shard = kept_records.source_shard
    and published.source_sequence = kept_records.source_sequence
  where published.source_sequence is null
),
-- Few: nearly every record is kept.
left_out as (
  select
    candidates.source_shard,
    candidates.source_sequence,
    candidates.event_id,
    candidates.event_type,
    candidates.event_version,
    candidates.occurred_at,
    candidates.subject_id,
    candidates.anonymous_subject_id,
    candidates.is_arrival
  from candidates
  left join kept_records
    on kept_records.source_shard = candidates.source_shard
    and kept_records.source_sequence = candidates.source_sequence
  where kept_records.source_sequence is null
),
compared as (
  select
    left_out.source_shard,
    left_out.source_sequence,
    bool_and(left_out.is_arrival) as is_arrival,
    bool_or(
      left_out.event_type is not distinct from kept_events.event_type
      and left_out.event_version is not distinct from kept_events.event_version
      and left_out.occurred_at is not distinct from kept_events.occurred_at
      and left_out.subject_id is not distinct from kept_events.subject_id
      and left_out.anonymous_subject_id is not distinct from kept_events.anonymous_subject_id
    ) as is_duplicate
  from left_out
  join kept_events
    on kept_events.event_id = left_out.event_id
    and kept_events.occurred_on = cast(left_out.occurred_at as date)
  group by left_out.source_shard, left_out.source_sequence
),
final as (
  select
    (select count(*) from kept_arrivals) + (select count(*) from compared where is_arrival) as raw_rows,
    (select count(*) from compared where is_duplicate) as duplicate_rows,
    (select count(*) from compared where not is_duplicate) as superseded_rows
)
select
  cast(raw_rows as bigint) as raw_rows,
  cast(duplicate_rows as bigint) as duplicate_rows,
  cast(superseded_rows as bigint) as superseded_rows
from final
