-- One row: the records that have arrived, and those left out. A duplicate agrees with the kept event in type, version,
-- time and person (sealed columns differ at each sealing); another event under the same id counts as superseded.
-- inputs: raw.events, clean.events
with
candidates as (
  select source_shard, source_sequence, event_id, event_type, event_version, occurred_at, subject_id, anonymous_subject_id
  from clean_events
  union all
  select source_shard, source_sequence, event_id, event_type, event_version, occurred_at, subject_id, anonymous_subject_id
  from raw_events
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
arrivals as (
  select source_shard, source_sequence from raw_events
  except
  select source_shard, source_sequence from clean_events
),
left_out as (
  select source_shard, source_sequence from candidates
  except
  select source_shard, source_sequence from kept
),
compared as (
  select
    left_out.source_shard,
    left_out.source_sequence,
    bool_or(
      candidates.event_type is not distinct from kept.event_type
      and candidates.event_version is not distinct from kept.event_version
      and candidates.occurred_at is not distinct from kept.occurred_at
      and candidates.subject_id is not distinct from kept.subject_id
      and candidates.anonymous_subject_id is not distinct from kept.anonymous_subject_id
    ) as is_duplicate
  from left_out
  join candidates
    on candidates.source_shard = left_out.source_shard
    and candidates.source_sequence = left_out.source_sequence
  join kept
    on kept.event_id = candidates.event_id
    and kept.occurred_on = cast(candidates.occurred_at as date)
  group by left_out.source_shard, left_out.source_sequence
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
