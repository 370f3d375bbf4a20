-- title: Feature use and engagement
-- question: How many people use each feature, how often do they come back to it, and is that changing?
-- grain: one row a month and feature in use, measured on the month's last day, or on the as-of date before it ends
-- definitions: user = visitor_id, the browser or device, else the person; what no visitor did is left out;
--   feature = the event's type, of a button click its button, of a form its form, and any for all features together;
--   daily_active_users = mean number of distinct users a day over the 28 days up to measured_on;
--   weekly_active_users, monthly_active_users = distinct users in the 7 and the 28 days up to measured_on: whole weeks;
--   stickiness_rate = daily_active_users / monthly_active_users: the share of its days on which a user comes;
--   adoption_rate = monthly_active_users / those of any feature; uses = events in the 28 days;
--   means and rates are rounded half up at four decimals, each from the counts
with as_of as (
  select max(as_of_on) as as_of_on
  from load_state
),

events as (
  select
    visitor_id,
    case
      when event_type = 'button_click' then coalesce('button ' || button_id, 'button_click')
      when event_type = 'form_submit' then coalesce('form ' || form_id, 'form_submit')
      else event_type
    end as feature,
    occurred_on
  from fact_event
  where visitor_id is not null
),

user_days as (
  select feature, visitor_id, occurred_on, count(*) as uses
  from events
  group by feature, visitor_id, occurred_on
  union all
  select 'any' as feature, visitor_id, occurred_on, count(*) as uses
  from events
  group by visitor_id, occurred_on
),

months as (
  select max(date_on) as measured_on
  from dim_date
  where date_on >= (select min(occurred_on) from user_days) and date_on <= (select as_of_on from as_of)
  group by month_on
),

features as (
  select
    months.measured_on,
    user_days.feature,
    count(distinct case
      when user_days.occurred_on > cast(months.measured_on - interval '7' day as date) then user_days.visitor_id
    end) as weekly_active_users,
    count(distinct user_days.visitor_id) as monthly_active_users,
    count(*) as user_days,
    cast(sum(user_days.uses) as bigint) as uses
  from months
  inner join user_days
    on user_days.occurred_on > cast(months.measured_on - interval '28' day as date)
    and user_days.occurred_on <= months.measured_on
  group by months.measured_on, user_days.feature
),

compared as (
  select
    measured_on,
    feature,
    weekly_active_users,
    monthly_active_users,
    user_days,
    uses,
    max(monthly_active_users) over (partition by measured_on) as any_active_users
  from features
),

measured as (
  select
    measured_on,
    feature,
    weekly_active_users,
    monthly_active_users,
    uses,
    any_active_users,
    cast(floor(10000 * cast(user_days as double precision) / 28 + 0.5) as bigint) as daily_active_minor,
    cast(floor(10000 * cast(user_days as double precision) / nullif(28 * monthly_active_users, 0) + 0.5) as bigint)
      as stickiness_minor,
    cast(floor(10000 * cast(monthly_active_users as double precision) / nullif(any_active_users, 0) + 0.5) as bigint)
      as adoption_minor
  from compared
)

select
  measured_on,
  cast(feature as varchar(80)) as feature,
  cast(0.0001 * daily_active_minor as decimal(18, 4)) as daily_active_users,
  cast(weekly_active_users as bigint) as weekly_active_users,
  cast(monthly_active_users as bigint) as monthly_active_users,
  cast(0.0001 * stickiness_minor as decimal(18, 4)) as stickiness_rate,
  cast(0.0001 * adoption_minor as decimal(18, 4)) as adoption_rate,
  uses
from measured
order by
  measured_on desc nulls last,
  case when feature = 'any' then 0 else 1 end asc nulls last,
  monthly_active_users desc nulls last,
  feature asc nulls last
