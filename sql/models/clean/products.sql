-- One row a version of a product: what was last said of it for one time (updated_at, else arrival).
-- inputs: raw.products, clean.products
-- key: product_id, coalesce(updated_at, arrived_at)
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
compared as (
  select
    *,
    lag(content_no) over (
      partition by product_id, version_at
      order by arrived_at asc nulls last, source_file asc nulls last, source_line asc nulls last
    ) as content_before
  from numbered
),
changes as (
  select
    *,
    row_number() over (
      partition by product_id, version_at
      order by arrived_at desc nulls last, source_file desc nulls last, source_line desc nulls last
    ) as newest_no
  from compared
  where content_before is null or content_before <> content_no
),
versions as (
  select
    *,
    lag(content_no) over (partition by product_id order by version_at asc nulls last) as version_before
  from changes
  where newest_no = 1
),
final as (
  -- A full file without updated_at repeats the rows that have not changed: they are no versions.
  select * from versions
  where updated_at is not null or version_before is null or version_before <> content_no
)
select * from final
