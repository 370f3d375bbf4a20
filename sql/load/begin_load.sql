-- Takes the load's turn, and fails the transaction where the warehouse no longer holds the snapshot that this load replaces.
delete from load_turn;
insert into load_turn values (1);
select cast(case when coalesce(max(snapshot_no), 0) = {loaded} then '0' else 'another load came first' end as bigint) as difference
from load_state;
