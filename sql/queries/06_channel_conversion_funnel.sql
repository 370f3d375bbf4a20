-- title: Conversion funnel by channel
-- question: At which step does each channel lose its visitors?
-- grain: one row a channel and step of the funnel
-- definitions: step = visit, product_view, add_to_cart, checkout_start, purchase, reached in this order within one session;
--   channel = the session's channel, unknown where it has none; sessions = sessions that reached the step;
--   step_conversion_rate = share of the sessions of the step before, null for the visit and where that step has none;
--   overall_conversion_rate = share of the channel's visits; both half up at four decimals;
--   is_worst_step = the channel's lowest step_conversion_rate, of equals the earliest step
with channels as (
  select coalesce(channel, 'unknown') as channel, funnel_step, count(*) as sessions
  from fact_session
  group by coalesce(channel, 'unknown'), funnel_step
),

steps as (
  select 1 as step_no, cast('visit' as varchar(16)) as step
  union all
  select 2 as step_no, cast('product_view' as varchar(16)) as step
  union all
  select 3 as step_no, cast('add_to_cart' as varchar(16)) as step
  union all
  select 4 as step_no, cast('checkout_start' as varchar(16)) as step
  union all
  select 5 as step_no, cast('purchase' as varchar(16)) as step
),

reached as (
  select
    channels.channel,
    steps.step_no,
    steps.step,
    cast(sum(case when channels.funnel_step >= steps.step_no then channels.sessions else 0 end) as bigint) as sessions,
    cast(sum(case when channels.funnel_step >= steps.step_no - 1 then channels.sessions else 0 end) as bigint)
      as sessions_before,
    cast(sum(channels.sessions) as bigint) as visits
  from channels
  cross join steps
  group by channels.channel, steps.step_no, steps.step
),

measured as (
  select
    channel,
    step_no,
    step,
    sessions,
    case
      when step_no > 1
        then cast(floor(10000 * cast(sessions as double precision) / nullif(sessions_before, 0) + 0.5) as bigint)
    end as step_conversion_minor,
    cast(floor(10000 * cast(sessions as double precision) / nullif(visits, 0) + 0.5) as bigint) as overall_conversion_minor
  from reached
),

ranked as (
  select
    channel,
    step_no,
    step,
    sessions,
    step_conversion_minor,
    overall_conversion_minor,
    row_number() over (
      partition by channel order by step_conversion_minor asc nulls last, step_no asc nulls last
    ) as worst_place
  from measured
)

select
  cast(channel as varchar(16)) as channel,
  cast(step_no as bigint) as step_no,
  step,
  sessions,
  cast(0.0001 * step_conversion_minor as decimal(18, 4)) as step_conversion_rate,
  cast(0.0001 * overall_conversion_minor as decimal(18, 4)) as overall_conversion_rate,
  worst_place = 1 as is_worst_step
from ranked
order by channel asc nulls last, step_no asc nulls last
