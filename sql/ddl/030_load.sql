-- What the load keeps: which snapshot the warehouse holds, and what a load is about to replace.

-- One row: the loaded snapshot. as_of_on is its latest business date, which every query takes for today.
create table if not exists load_state (
  run_id varchar(64) not null,
  snapshot_no bigint not null,
  as_of_on date,
  loaded_at timestamp not null
);

-- Partitions that the present load replaces.
create table if not exists staging_changed_partitions (
  partition_on date not null
);
