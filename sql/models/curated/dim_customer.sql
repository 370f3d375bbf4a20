-- One row a version of a customer (SCD type 2), from valid_from up to, not including, valid_to.
-- A customer that facts name and no customer row describes is one inferred version, so that no fact is lost.
-- inputs: clean.customers, raw.transactions, raw.events, curated.dim_customer
-- key: customer_version_key
with
stated as (
  select
    subject_id,
    country,
    city,
    acquisition_channel,
    birth_decade,
    signup_month,
    deleted_at,
    updated_at,
    arrived_at,
    source_file,
    source_line,
    coalesce(updated_at, arrived_at) as version_at,
    dense_rank() over (
      partition by subject_id
      order by
        country asc nulls first,
        city asc nulls first,
        acquisition_channel asc nulls first,
        birth_decade asc nulls first,
        signup_month asc nulls first,
        deleted_at asc nulls first
    ) as statement_no
  from clean_customers
),
repeated as (
  select
    subject_id,
    country,
    city,
    acquisition_channel,
    birth_decade,
    signup_month,
    deleted_at,
    updated_at,
    arrived_at,
    version_at,
    statement_no,
    lag(statement_no) over (
      partition by subject_id, updated_at is null
      order by arrived_at asc nulls last, source_file asc nulls last, source_line asc nulls last
    ) as statement_before
  from stated
),
changed as (
  select
    subject_id,
    country,
    city,
    acquisition_channel,
    birth_decade,
    signup_month,
    deleted_at,
    version_at,
    -- A row may arrive at the very time for which another one speaks: then the later to arrive holds.
    row_number() over (
      partition by subject_id, version_at
      order by arrived_at desc nulls last, updated_at asc nulls last
    ) as latest_no
  from repeated
  -- A full file without updated_at repeats what it said before: that takes back nothing that an update has said since.
  where updated_at is not null or statement_before is null or statement_before <> statement_no
),
customers as (
  select
    subject_id,
    country,
    city,
    acquisition_channel,
    birth_decade,
    signup_month,
    deleted_at,
    version_at
  from changed
  where latest_no = 1
),
mentioned as (
  -- Of raw records: whom one has named stays known when another takes its place, whether or not both came with one run.
  select subject_id from raw_transactions
  union
  select subject_id from raw_events
  union
  select subject_id from curated_dim_customer
),
spans as (
  select
    subject_id,
    version_at,
    deleted_at,
    -- What is first known of a customer is taken to have held before.
    case
      when lag(version_at) over (partition by subject_id order by version_at asc nulls last) is null
        then timestamp '1900-01-01 00:00:00'
      else version_at
    end as opened_at,
    lead(version_at) over (partition by subject_id order by version_at asc nulls last) as closed_at,
    -- The same number for the same content: NULLs are peers here, as they would not be under `=`.
    dense_rank() over (
      partition by subject_id
      order by
        country asc nulls first,
        city asc nulls first,
        acquisition_channel asc nulls first,
        birth_decade asc nulls first,
        signup_month asc nulls first
    ) as content_no
  from customers
),
states as (
  select
    subject_id,
    version_at,
    content_no,
    coalesce(deleted_at <= opened_at, false) as is_deleted,
    opened_at as state_at
  from spans
  union all
  -- A deletion that was announced and then taken back by a later row never happened.
  select subject_id, version_at, content_no, true as is_deleted, deleted_at as state_at
  from spans
  where deleted_at > timestamp '1900-01-01 00:00:00' and (closed_at is null or deleted_at < closed_at)
),
ranked as (
  select
    subject_id,
    version_at,
    content_no,
    is_deleted,
    state_at,
    row_number() over (
      partition by subject_id, state_at
      order by version_at desc nulls last, is_deleted desc nulls last
    ) as newest_no
  from states
),
compared as (
  select
    subject_id,
    version_at,
    content_no,
    is_deleted,
    state_at,
    lag(content_no) over (partition by subject_id order by state_at asc nulls last) as content_before,
    lag(is_deleted) over (partition by subject_id order by state_at asc nulls last) as deleted_before
  from ranked
  where newest_no = 1
),
versions as (
  select
    subject_id,
    version_at,
    is_deleted,
    row_number() over (partition by subject_id order by state_at asc nulls last) as version_no,
    state_at as valid_from,
    lead(state_at) over (partition by subject_id order by state_at asc nulls last) as next_from
  from compared
  where content_before is null or content_before <> content_no or deleted_before <> is_deleted
),
known as (
  select
    versions.subject_id,
    customers.country,
    customers.city,
    customers.acquisition_channel,
    customers.birth_decade,
    customers.signup_month,
    versions.version_no,
    versions.next_from is null as is_current,
    versions.is_deleted,
    false as is_inferred,
    versions.valid_from,
    coalesce(versions.next_from, timestamp '9999-12-31 00:00:00') as valid_to
  from versions
  join customers
    on customers.subject_id = versions.subject_id
    and customers.version_at = versions.version_at
),
undescribed as (
  select subject_id from mentioned
  where subject_id is not null
  except
  select subject_id from customers
),
inferred as (
  select
    subject_id,
    null as country,
    null as city,
    null as acquisition_channel,
    null as birth_decade,
    null as signup_month,
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
    subject_id,
    country,
    city,
    acquisition_channel,
    birth_decade,
    signup_month,
    version_no,
    is_current,
    is_deleted,
    is_inferred,
    valid_from,
    valid_to
  from known
  union all
  select
    subject_id,
    country,
    city,
    acquisition_channel,
    birth_decade,
    signup_month,
    version_no,
    is_current,
    is_deleted,
    is_inferred,
    valid_from,
    valid_to
  from inferred
)
select
  cast(md5(subject_id || '|' || iso_time(valid_from)) as varchar(32)) as customer_version_key,
  cast(subject_id as varchar(36)) as subject_id,
  cast(country as varchar(2)) as country,
  cast(city as varchar(400)) as city,
  cast(acquisition_channel as varchar(16)) as acquisition_channel,
  cast(birth_decade as bigint) as birth_decade,
  cast(version_no as bigint) as version_no,
  cast(is_current as boolean) as is_current,
  cast(is_deleted as boolean) as is_deleted,
  cast(is_inferred as boolean) as is_inferred,
  cast(signup_month as date) as signup_month,
  cast(valid_from as timestamp) as valid_from,
  cast(valid_to as timestamp) as valid_to
from final
