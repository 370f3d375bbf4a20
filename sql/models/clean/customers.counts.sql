-- One row: the rows that have arrived, and those left out. A duplicate repeats the version that holds at its own
-- version time; any other is superseded by it.
-- inputs: raw.customers, clean.customers
with
arrived as (
  select * from raw_customers
),
published as (
  select * from clean_customers
),
kept as (
  select * from result
),
candidates as (
  select * from published
  union all
  select * from arrived
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
    (
      candidates.country is not distinct from kept.country
      and candidates.city is not distinct from kept.city
      and candidates.birth_decade is not distinct from kept.birth_decade
      and candidates.signup_month is not distinct from kept.signup_month
      and candidates.acquisition_channel is not distinct from kept.acquisition_channel
      and candidates.deleted_at is not distinct from kept.deleted_at
    ) as is_duplicate,
    row_number() over (
      partition by left_out.source_file, left_out.source_line
      order by coalesce(kept.updated_at, kept.arrived_at) desc nulls last
    ) as nearest_no
  from left_out
  join candidates
    on candidates.source_file = left_out.source_file
    and candidates.source_line = left_out.source_line
  join kept
    on kept.subject_id = candidates.subject_id
    and (kept.updated_at is null) = (candidates.updated_at is null)
    and coalesce(kept.updated_at, kept.arrived_at) <= coalesce(candidates.updated_at, candidates.arrived_at)
),
final as (
  select
    (select count(*) from arrivals) as raw_rows,
    (select count(*) from compared where nearest_no = 1 and is_duplicate) as duplicate_rows,
    (select count(*) from compared where nearest_no = 1 and not is_duplicate) as superseded_rows
)
select
  cast(raw_rows as bigint) as raw_rows,
  cast(duplicate_rows as bigint) as duplicate_rows,
  cast(superseded_rows as bigint) as superseded_rows
from final
