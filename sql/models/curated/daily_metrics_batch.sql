-- One row a day, event type and currency ('' where the events carry none): what the stream's counters must equal.
-- inputs: clean.events
-- partition: occurred_on
-- key: occurred_on, event_type, currency
with
final as (
  select
    event_type,
    coalesce(currency, '') as currency,
    count(*) as event_count,
    coalesce(sum(amount), 0) as amount,
    occurred_on
  from clean_events
  group by event_type, coalesce(currency, ''), occurred_on
)
select
  cast(event_type as varchar(64)) as event_type,
  cast(currency as varchar(3)) as currency,
  cast(event_count as bigint) as event_count,
  cast(amount as decimal(18, 4)) as amount,
  cast(occurred_on as date) as occurred_on
from final
