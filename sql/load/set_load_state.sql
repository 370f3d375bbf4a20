-- Names the snapshot that the warehouse now holds, and its latest business date.
delete from load_state;
insert into load_state (run_id, snapshot_no, as_of_on, loaded_at)
select '{run_id}', {snapshot_no}, max(latest.business_on), timestamp '{loaded_at}'
from (
  select max(ordered_on) as business_on from fact_sales
  union all
  select max(occurred_on) as business_on from fact_event
) as latest;
