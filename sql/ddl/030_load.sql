-- What the load keeps: which snapshot the warehouse holds, and where rows wait until their count has been compared.

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

create table if not exists staging_dim_customer as select * from dim_customer where 1 = 0;
create table if not exists staging_dim_product as select * from dim_product where 1 = 0;
create table if not exists staging_dim_date as select * from dim_date where 1 = 0;
create table if not exists staging_dim_channel as select * from dim_channel where 1 = 0;
create table if not exists staging_fact_sales as select * from fact_sales where 1 = 0;
create table if not exists staging_fact_event as select * from fact_event where 1 = 0;
create table if not exists staging_fact_session as select * from fact_session where 1 = 0;
create table if not exists staging_daily_metrics_batch as select * from daily_metrics_batch where 1 = 0;
