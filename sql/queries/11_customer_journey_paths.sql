-- title: Customer journey paths
-- question: Through which channels do visitors come before they buy, and which paths lead to a purchase?
-- grain: one row a path
-- definitions: journey = a visitor's sessions in order, up to and with the first that has a purchase: the next session,
--   and one that begins more than 30 days after the one before, begins another journey;
--   path = the channels of a journey's first four sessions, unknown where a session has none, and ... where more follow;
--   converted_journeys = journeys that end in a purchase, those that may still go on not among them;
--   journey_rate = share of all journeys, conversion_rate = converted_journeys / journeys,
--   converted_rate = share of all converted journeys, null where there are none;
--   mean_days_to_purchase = mean days from the first to the last session of converted journeys, null without these;
--   all rounded half up at four decimals
with sessions as (
  select
    visitor_id,
    session_key,
    coalesce(channel, 'unknown') as channel,
    case when has_purchase then 1 else 0 end as purchase,
    lag(case when has_purchase then 1 else 0 end) over (
      partition by visitor_id order by started_at asc nulls last, session_key asc nulls last
    ) as purchase_before,
    lag(started_on) over (partition by visitor_id order by started_at asc nulls last, session_key asc nulls last)
      as started_before_on,
    started_on,
    started_at
  from fact_session
),

numbered as (
  select
    visitor_id,
    session_key,
    channel,
    purchase,
    sum(
      case
        when started_before_on is null or purchase_before = 1 then 1
        when started_on > cast(started_before_on + interval '30' day as date) then 1
        else 0
      end
    ) over (
      partition by visitor_id
      order by started_at asc nulls last, session_key asc nulls last
      rows between unbounded preceding and current row
    ) as journey_no,
    started_on,
    started_at
  from sessions
),

steps as (
  select
    visitor_id,
    journey_no,
    row_number() over (
      partition by visitor_id, journey_no order by started_at asc nulls last, session_key asc nulls last
    ) as step_no,
    channel,
    purchase,
    started_on
  from numbered
),

journeys as (
  select
    visitor_id,
    journey_no,
    max(case when step_no = 1 then channel end)
      || coalesce(' > ' || max(case when step_no = 2 then channel end), '')
      || coalesce(' > ' || max(case when step_no = 3 then channel end), '')
      || coalesce(' > ' || max(case when step_no = 4 then channel end), '')
      || case when count(*) > 4 then ' > ...' else '' end as path,
    max(purchase) as purchases,
    max(purchase) * cast(max(started_on) - min(started_on) as bigint) as days_to_purchase
  from steps
  group by visitor_id, journey_no
),

paths as (
  select
    path,
    count(*) as journeys,
    cast(sum(purchases) as bigint) as converted_journeys,
    cast(sum(days_to_purchase) as bigint) as days_to_purchase
  from journeys
  group by path
),

totals as (
  select
    path,
    journeys,
    converted_journeys,
    days_to_purchase,
    cast(sum(journeys) over () as bigint) as all_journeys,
    cast(sum(converted_journeys) over () as bigint) as all_converted
  from paths
),

measured as (
  select
    path,
    journeys,
    converted_journeys,
    cast(floor(10000 * cast(journeys as double precision) / nullif(all_journeys, 0) + 0.5) as bigint)
      as journey_rate_minor,
    cast(floor(10000 * cast(converted_journeys as double precision) / nullif(journeys, 0) + 0.5) as bigint)
      as conversion_rate_minor,
    cast(floor(10000 * cast(converted_journeys as double precision) / nullif(all_converted, 0) + 0.5) as bigint)
      as converted_rate_minor,
    cast(floor(10000 * cast(days_to_purchase as double precision) / nullif(converted_journeys, 0) + 0.5) as bigint)
      as mean_days_minor
  from totals
)

select
  cast(path as varchar(128)) as path,
  cast(journeys as bigint) as journeys,
  cast(0.0001 * journey_rate_minor as decimal(18, 4)) as journey_rate,
  converted_journeys,
  cast(0.0001 * conversion_rate_minor as decimal(18, 4)) as conversion_rate,
  cast(0.0001 * converted_rate_minor as decimal(18, 4)) as converted_rate,
  cast(0.0001 * mean_days_minor as decimal(18, 4)) as mean_days_to_purchase
from measured
order by journeys desc nulls last, path asc nulls last
