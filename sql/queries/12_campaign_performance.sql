-- title: Campaign performance
-- question: Which campaigns bring visits that end in orders, and how much better than visits without a campaign?
-- grain: one row a channel and campaign, a channel's sessions without a campaign being one row more
-- definitions: channel, campaign = the session's, the channel unknown where it has none;
--   visitors = distinct visitors; purchase_sessions = sessions with a purchase event;
--   conversion_rate = purchase_sessions / sessions; lift_rate = conversion_rate / that of the channel's sessions without
--   a campaign - 1, computed from the counts, null for these themselves and where they have no purchases;
--   orders = transactions that a purchase event of the sessions names, each belonging to the earliest that names it;
--   revenue = sum of these transactions' amounts, net of what was returned under the same transaction: the session in
--   which a transaction was bought is credited with all of it, and earlier sessions with nothing;
--   average_order_value = revenue / orders, revenue_per_session = revenue / sessions; all half up at four decimals
with sessions as (
  select session_key, visitor_id, coalesce(channel, 'unknown') as channel, campaign, has_purchase
  from fact_session
),

purchases as (
  select
    session_key,
    order_id,
    row_number() over (partition by order_id order by occurred_at asc nulls last, event_key asc nulls last)
      as purchase_no
  from fact_event
  where event_type = 'purchase' and order_id is not null and session_key is not null
),

transactions as (
  select transaction_id, sum(amount) as revenue
  from fact_sales
  group by transaction_id
),

session_orders as (
  select
    purchases.session_key,
    count(*) as orders,
    sum(transactions.revenue) as revenue
  from purchases
  inner join transactions on transactions.transaction_id = purchases.order_id
  where purchases.purchase_no = 1
  group by purchases.session_key
),

-- Money as whole ten-thousandths: integers divide alike on every engine.
campaigns as (
  select
    sessions.channel,
    sessions.campaign,
    count(*) as sessions,
    count(distinct sessions.visitor_id) as visitors,
    cast(sum(case when sessions.has_purchase then 1 else 0 end) as bigint) as purchase_sessions,
    cast(sum(coalesce(session_orders.orders, 0)) as bigint) as orders,
    cast(sum(coalesce(session_orders.revenue, 0)) as decimal(18, 4)) as revenue,
    cast(cast(10000 as decimal(19, 0)) * cast(sum(coalesce(session_orders.revenue, 0)) as decimal(18, 4)) as bigint) as revenue_minor
  from sessions
  left join session_orders on session_orders.session_key = sessions.session_key
  group by sessions.channel, sessions.campaign
),

compared as (
  select
    campaigns.channel,
    campaigns.campaign,
    campaigns.sessions,
    campaigns.visitors,
    campaigns.purchase_sessions,
    campaigns.orders,
    campaigns.revenue,
    campaigns.revenue_minor,
    cast(campaigns.purchase_sessions as double precision) * baselines.sessions as weighted_purchases,
    cast(baselines.purchase_sessions as double precision) * campaigns.sessions as weighted_baseline
  from campaigns
  left join campaigns as baselines
    on baselines.channel = campaigns.channel and baselines.campaign is null and campaigns.campaign is not null
),

measured as (
  select
    channel,
    campaign,
    sessions,
    visitors,
    purchase_sessions,
    orders,
    revenue,
    cast(floor(10000 * cast(purchase_sessions as double precision) / nullif(sessions, 0) + 0.5) as bigint)
      as conversion_rate_minor,
    cast(
      floor(10000 * (weighted_purchases - weighted_baseline) / nullif(weighted_baseline, 0) + 0.5) as bigint
    ) as lift_rate_minor,
    cast(floor(cast(revenue_minor as double precision) / nullif(orders, 0) + 0.5) as bigint) as average_minor,
    cast(floor(cast(revenue_minor as double precision) / nullif(sessions, 0) + 0.5) as bigint) as per_session_minor
  from compared
)

select
  cast(channel as varchar(16)) as channel,
  campaign,
  cast(sessions as bigint) as sessions,
  cast(visitors as bigint) as visitors,
  purchase_sessions,
  cast(0.0001 * conversion_rate_minor as decimal(18, 4)) as conversion_rate,
  cast(0.0001 * lift_rate_minor as decimal(18, 4)) as lift_rate,
  orders,
  revenue,
  cast(0.0001 * average_minor as decimal(18, 4)) as average_order_value,
  cast(0.0001 * per_session_minor as decimal(18, 4)) as revenue_per_session
from measured
order by channel asc nulls last, campaign asc nulls first
