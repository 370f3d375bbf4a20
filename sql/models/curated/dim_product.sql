-- One row a version of a product (SCD type 2), from valid_from up to, not including, valid_to.
-- A product that facts name and no product row describes is one inferred version, so that no fact is lost.
-- inputs: clean.products, raw.transactions, raw.events, curated.dim_product
-- key: product_version_key
with
stated as (
  select
    product_id,
    product_name,
    category,
    brand,
    price,
    cost,
    deleted_at,
    updated_at,
    arrived_at,
    source_file,
    source_line,
    coalesce(updated_at, arrived_at) as version_at,
    dense_rank() over (
      partition by product_id
      order by
        product_name asc nulls first,
        category asc nulls first,
        brand asc nulls first,
        price asc nulls first,
        cost asc nulls first,
        deleted_at asc nulls first
    ) as statement_no
  from clean_products
),
repeated as (
  select
    product_id,
    product_name,
    category,
    brand,
    price,
    cost,
    deleted_at,
    updated_at,
    arrived_at,
    version_at,
    statement_no,
    lag(statement_no) over (
      partition by product_id, updated_at is null
      order by arrived_at asc nulls last, source_file asc nulls last, source_line asc nulls last
    ) as statement_before
  from stated
),
changed as (
  select
    product_id,
    product_name,
    category,
    brand,
    price,
    cost,
    deleted_at,
    version_at,
    -- A row may arrive at the very time for which another one speaks: then the later to arrive holds.
    row_number() over (
      partition by product_id, version_at
      order by arrived_at desc nulls last, updated_at asc nulls last
    ) as latest_no
  from repeated
  -- A full file without updated_at repeats what it said before: that takes back nothing that an update has said since.
  where updated_at is not null or statement_before is null or statement_before <> statement_no
),
products as (
  select
    product_id,
    product_name,
    category,
    brand,
    price,
    cost,
    deleted_at,
    version_at
  from changed
  where latest_no = 1
),
mentioned as (
  -- Of raw records: what one has named stays known when another takes its place, whether or not both came with one run.
  select product_id from raw_transactions
  union
  select product_id from raw_events
  union
  select product_id from curated_dim_product
),
spans as (
  select
    product_id,
    version_at,
    deleted_at,
    -- What is first known of a product is taken to have held before.
    case
      when lag(version_at) over (partition by product_id order by version_at asc nulls last) is null
        then timestamp '1900-01-01 00:00:00'
      else version_at
    end as opened_at,
    lead(version_at) over (partition by product_id order by version_at asc nulls last) as closed_at,
    -- The same number for the same content: NULLs are peers here, as they would not be under `=`.
    dense_rank() over (
      partition by product_id
      order by
        product_name asc nulls first,
        category asc nulls first,
        brand asc nulls first,
        price asc nulls first,
        cost asc nulls first
    ) as content_no
  from products
),
states as (
  select
    product_id,
    version_at,
    content_no,
    coalesce(deleted_at <= opened_at, false) as is_deleted,
    opened_at as state_at
  from spans
  union all
  -- A deletion that was announced and then taken back by a later row never happened.
  select product_id, version_at, content_no, true as is_deleted, deleted_at as state_at
  from spans
  where deleted_at > timestamp '1900-01-01 00:00:00' and (closed_at is null or deleted_at < closed_at)
),
ranked as (
  select
    product_id,
    version_at,
    content_no,
    is_deleted,
    state_at,
    row_number() over (
      partition by product_id, state_at
      order by version_at desc nulls last, is_deleted desc nulls last
    ) as newest_no
  from states
),
compared as (
  select
    product_id,
    version_at,
    content_no,
    is_deleted,
    state_at,
    lag(content_no) over (partition by product_id order by state_at asc nulls last) as content_before,
    lag(is_deleted) over (partition by product_id order by state_at asc nulls last) as deleted_before
  from ranked
  where newest_no = 1
),
versions as (
  select
    product_id,
    version_at,
    is_deleted,
    row_number() over (partition by product_id order by state_at asc nulls last) as version_no,
    state_at as valid_from,
    lead(state_at) over (partition by product_id order by state_at asc nulls last) as next_from
  from compared
  where content_before is null or content_before <> content_no or deleted_before <> is_deleted
),
known as (
  select
    versions.product_id,
    products.product_name,
    products.category,
    products.brand,
    products.price,
    products.cost,
    versions.version_no,
    versions.next_from is null as is_current,
    versions.is_deleted,
    false as is_inferred,
    versions.valid_from,
    coalesce(versions.next_from, timestamp '9999-12-31 00:00:00') as valid_to
  from versions
  join products
    on products.product_id = versions.product_id
    and products.version_at = versions.version_at
),
undescribed as (
  select product_id from mentioned
  where product_id is not null
  except
  select product_id from products
),
inferred as (
  select
    product_id,
    null as product_name,
    null as category,
    null as brand,
    null as price,
    null as cost,
    1 as version_no,
    true as is_current,
    false as is_deleted,
    true as is_inferred,
    timestamp '1900-01-01 00:00:00' as valid_from,
    timestamp '9999-12-31 00:00:00' as valid_to
  from undescribed
),
final as (
  select
    product_id,
    product_name,
    category,
    brand,
    price,
    cost,
    version_no,
    is_current,
    is_deleted,
    is_inferred,
    valid_from,
    valid_to
  from known
  union all
  select
    product_id,
    product_name,
    category,
    brand,
    price,
    cost,
    version_no,
    is_current,
    is_deleted,
    is_inferred,
    valid_from,
    valid_to
  from inferred
)
select
  cast(md5(product_id || '|' || iso_time(valid_from)) as varchar(32)) as product_version_key,
  cast(product_id as varchar(64)) as product_id,
  cast(product_name as varchar(8192)) as product_name,
  cast(category as varchar(8192)) as category,
  cast(brand as varchar(8192)) as brand,
  cast(price as decimal(18, 4)) as price,
  cast(cost as decimal(18, 4)) as cost,
  cast(version_no as bigint) as version_no,
  cast(is_current as boolean) as is_current,
  cast(is_deleted as boolean) as is_deleted,
  cast(is_inferred as boolean) as is_inferred,
  cast(valid_from as timestamp) as valid_from,
  cast(valid_to as timestamp) as valid_to
from final
