-- One row a session. Channel, campaign, page, device and person are those of its first event that has one.
-- funnel_step is the furthest step reached in order: 1 visit, 2 product view, 3 cart, 4 checkout, 5 purchase.
-- inputs: curated.fact_event
-- partition: started_on
-- key: session_key
with
events as (
  select
    session_key,
    visitor_id,
    subject_id,
    event_type,
    channel,
    campaign,
    page,
    device_family,
    is_success,
    occurred_on,
    occurred_at,
    row_number() over (
      partition by session_key
      order by occurred_at asc nulls last, event_id asc nulls last
    ) as event_no
  from curated_fact_event
  where session_key is not null
),
sessions as (
  select
    session_key,
    visitor_id,
    min_by(subject_id, case when subject_id is not null then event_no end) as subject_id,
    min_by(channel, case when channel is not null then event_no end) as channel,
    min_by(campaign, case when campaign is not null then event_no end) as campaign,
    min_by(page, case when page is not null then event_no end) as landing_page,
    min_by(device_family, case when device_family is not null then event_no end) as device_family,
    count(*) as event_count,
    sum(case when event_type = 'page_view' then 1 else 0 end) as page_view_count,
    bool_or(event_type = 'login' and is_success) as has_login,
    bool_or(event_type = 'purchase') as has_purchase,
    occurred_on as started_on,
    min(occurred_at) as started_at,
    max(occurred_at) as ended_at
  from events
  group by session_key, visitor_id, occurred_on
),
views as (
  select session_key, min(occurred_at) as viewed_at
  from events
  where event_type = 'product_view'
  group by session_key
),
carts as (
  select events.session_key, min(events.occurred_at) as carted_at
  from events
  join views on views.session_key = events.session_key
  where events.event_type = 'add_to_cart' and events.occurred_at >= views.viewed_at
  group by events.session_key
),
checkouts as (
  select events.session_key, min(events.occurred_at) as checked_out_at
  from events
  join carts on carts.session_key = events.session_key
  where events.event_type = 'checkout_start' and events.occurred_at >= carts.carted_at
  group by events.session_key
),
purchases as (
  select events.session_key, min(events.occurred_at) as purchased_at
  from events
  join checkouts on checkouts.session_key = events.session_key
  where events.event_type = 'purchase' and events.occurred_at >= checkouts.checked_out_at
  group by events.session_key
),
final as (
  select
    sessions.session_key,
    sessions.visitor_id,
    sessions.subject_id,
    sessions.channel,
    sessions.campaign,
    sessions.landing_page,
    sessions.device_family,
    sessions.event_count,
    sessions.page_view_count,
    case
      when purchases.purchased_at is not null then 5
      when checkouts.checked_out_at is not null then 4
      when carts.carted_at is not null then 3
      when views.viewed_at is not null then 2
      else 1
    end as funnel_step,
    sessions.has_login,
    sessions.has_purchase,
    sessions.started_on,
    sessions.started_at,
    sessions.ended_at
  from sessions
  left join views on views.session_key = sessions.session_key
  left join carts on carts.session_key = sessions.session_key
  left join checkouts on checkouts.session_key = sessions.session_key
  left join purchases on purchases.session_key = sessions.session_key
)
select
  cast(session_key as varchar(32)) as session_key,
  cast(visitor_id as varchar(36)) as visitor_id,
  cast(subject_id as varchar(36)) as subject_id,
  cast(channel as varchar(16)) as channel,
  cast(campaign as varchar(8192)) as campaign,
  cast(landing_page as varchar(8192)) as landing_page,
  cast(device_family as varchar(64)) as device_family,
  cast(event_count as bigint) as event_count,
  cast(page_view_count as bigint) as page_view_count,
  cast(funnel_step as bigint) as funnel_step,
  seconds_between(started_at, ended_at) as duration_s,
  cast(has_login as boolean) as has_login,
  cast(has_purchase as boolean) as has_purchase,
  cast(started_on as date) as started_on,
  cast(started_at as timestamp) as started_at,
  cast(ended_at as timestamp) as ended_at
from final
