-- One row a day on which an event that has arrived happened.
-- inputs: raw.events
with
final as (
  select distinct cast(occurred_at as date) as touched_on
  from raw_events
)
select touched_on from final
