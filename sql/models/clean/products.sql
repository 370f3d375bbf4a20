-- One row a version of a product: what was last said of it for one time (updated_at, else arrival).
-- inputs: raw.products, clean.products
-- key: product_id, updated_at is null, coalesce(updated_at, arrived_at)
with
arrived as (
  select * from raw_products
),
published as (
  select * from clean_products
),
candidates as (
  select * from published
  union all
  select * from arrived
),
newest as (
  select max(arrived_at) as arrived_at
  from candidates
),
numbered as (
  select
    *,
    coalesce(updated_at, arrived_at) as version_at,
    -- The same number for the same content: NULLs are peers here, as they would not be under `=`.
    dense_rank() over (
      partition by product_id
      order by
        product_name asc nulls first,
        category asc nulls first,
        brand asc nulls first,
        price asc nulls first,
        cost asc nulls first,
        deleted_at asc nulls first
    ) as content_no
  from candidates
),
latest as (
  select
    *,
    row_number() over (
      partition by product_id, updated_at is null, version_at
      order by arrived_at desc nulls last, source_file desc nulls last, source_line desc nulls last
    ) as newest_no
  from numbered
),
compared as (
  select
    *,
    -- What the rows without updated_at said before this one. Only they are compared with each other: the result must be the
    -- same when the rows come in over several runs, and the rows that are left out can then be no part of it.
    lag(content_no) over (
      partition by product_id, updated_at is null
      order by arrived_at asc nulls last, source_file asc nulls last, source_line asc nulls last
    ) as content_before
  from latest
  where newest_no = 1
),
final as (
  select compared.*
  from compared
  cross join newest
  where
    updated_at is not null
    -- A full file without updated_at repeats the rows that have not changed: they are no versions.
    or content_before is null
    or content_before <> content_no
    -- A row that is repaired or released stands where it arrived: these then say what came back behind it.
    or compared.arrived_at > newest.arrived_at - interval '30' day
)
select * from final
