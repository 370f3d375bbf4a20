-- One row an event. A session is what one visitor does on one UTC day without a gap of more than thirty minutes.
-- inputs: clean.events
-- partition: occurred_on
-- key: event_key
with
events as (
  select * from clean_events
),
visits as (
  select
    event_id,
    occurred_on,
    occurred_at,
    coalesce(anonymous_subject_id, subject_id) as visitor_id
  from events
  -- What a service reports is no visit, even where it names a person.
  where event_type not in ('log', 'metric', 'transaction')
),
gaps as (
  select
    event_id,
    occurred_on,
    occurred_at,
    visitor_id,
    lag(occurred_at) over (
      partition by occurred_on, visitor_id
      order by occurred_at asc nulls last, event_id asc nulls last
    ) as previous_at
  from visits
  where visitor_id is not null
),
starts as (
  select
    event_id,
    occurred_on,
    occurred_at,
    visitor_id,
    case
      when previous_at is null or occurred_at > previous_at + interval '30' minute
        then occurred_at
    end as started_at
  from gaps
),
sessions as (
  select
    event_id,
    occurred_on,
    visitor_id,
    -- The latest start so far is the present session's.
    md5(
      visitor_id || '|' || iso_time(
        max(started_at) over (
          partition by occurred_on, visitor_id
          order by occurred_at asc nulls last, event_id asc nulls last
          rows between unbounded preceding and current row
        )
      )
    ) as session_key
  from starts
),
final as (
  select
    events.event_id,
    events.event_type,
    sessions.visitor_id,
    events.subject_id,
    events.anonymous_subject_id,
    sessions.session_key,
    events.channel,
    events.campaign,
    events.experiment,
    events.variant,
    events.page,
    events.referrer,
    events.device_family,
    events.product_id,
    events.order_id,
    events.search_query,
    events.button_id,
    events.form_id,
    events.service,
    events.log_level,
    events.currency,
    events.quantity,
    events.item_count,
    events.result_count,
    events.duration_ms,
    events.duration_s,
    events.price,
    events.amount,
    events.cpu_percent,
    events.latency_ms,
    -- A login that does not say succeeded.
    case when events.event_type = 'login' then coalesce(events.is_success, true) end as is_success,
    events.occurred_on,
    events.occurred_at
  from events
  left join sessions
    on sessions.occurred_on = events.occurred_on
    and sessions.event_id = events.event_id
)
select
  cast(md5(cast(occurred_on as varchar(10)) || '|' || event_id) as varchar(32)) as event_key,
  cast(event_id as varchar(36)) as event_id,
  cast(event_type as varchar(64)) as event_type,
  cast(visitor_id as varchar(36)) as visitor_id,
  cast(subject_id as varchar(36)) as subject_id,
  cast(anonymous_subject_id as varchar(36)) as anonymous_subject_id,
  cast(session_key as varchar(32)) as session_key,
  cast(channel as varchar(16)) as channel,
  cast(campaign as varchar(8192)) as campaign,
  cast(experiment as varchar(64)) as experiment,
  cast(variant as varchar(64)) as variant,
  cast(page as varchar(8192)) as page,
  cast(referrer as varchar(8192)) as referrer,
  cast(device_family as varchar(64)) as device_family,
  cast(product_id as varchar(64)) as product_id,
  cast(order_id as varchar(64)) as order_id,
  cast(search_query as varchar(8192)) as search_query,
  cast(button_id as varchar(64)) as button_id,
  cast(form_id as varchar(64)) as form_id,
  cast(service as varchar(64)) as service,
  cast(log_level as varchar(16)) as log_level,
  cast(currency as varchar(3)) as currency,
  cast(quantity as bigint) as quantity,
  cast(item_count as bigint) as item_count,
  cast(result_count as bigint) as result_count,
  cast(duration_ms as bigint) as duration_ms,
  cast(duration_s as bigint) as duration_s,
  cast(price as decimal(18, 4)) as price,
  cast(amount as decimal(18, 4)) as amount,
  cast(cpu_percent as double) as cpu_percent,
  cast(latency_ms as double) as latency_ms,
  cast(is_success as boolean) as is_success,
  cast(occurred_on as date) as occurred_on,
  cast(occurred_at as timestamp) as occurred_at
from final
