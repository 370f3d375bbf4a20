-- One row a version of a customer: what was last said of it for one time (updated_at, else arrival).
-- inputs: raw.customers, clean.customers
-- key: subject_id, coalesce(updated_at, arrived_at)
with
arrived as (
  select * from raw_customers
),
published as (
  select * from clean_customers
),
candidates as (
  select * from published
  union all
  select * from arrived
),
numbered as (
  select
    *,
    coalesce(updated_at, arrived_at) as version_at,
    -- The same number for the same content: NULLs are peers here, as they would not be under `=`.
    dense_rank() over (
      partition by subject_id
      order by
        country asc nulls first,
        city asc nulls first,
        birth_decade asc nulls first,
        signup_month asc nulls first,
        acquisition_channel asc nulls first,
        deleted_at asc nulls first
    ) as content_no
  from candidates
),
latest as (
  select
    *,
    row_number() over (
      partition by subject_id, version_at
      order by arrived_at desc nulls last, source_file desc nulls last, source_line desc nulls last
    ) as newest_no
  from numbered
),
compared as (
  select
    *,
    -- What the rows without updated_at said before this one. Only they are compared, since the result must be the same
    -- when the rows come in over several runs, and the rows that are left out can then be no part of it.
    lag(content_no) over (
      partition by subject_id, updated_at is null
      order by arrived_at asc nulls last, source_file asc nulls last, source_line asc nulls last
    ) as content_before
  from latest
  where newest_no = 1
),
final as (
  -- A full file without updated_at repeats the rows that have not changed: they are no versions.
  select * from compared
  where updated_at is not null or content_before is null or content_before <> content_no
)
select * from final
