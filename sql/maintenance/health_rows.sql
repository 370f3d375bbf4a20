-- How many rows has each table, and which days do they span? Runs daily after the load, here as on Redshift.
select 'fact_event' as table_name, count(*) as row_count, min(occurred_on) as first_on, max(occurred_on) as last_on
from fact_event
union all
select 'fact_session' as table_name, count(*) as row_count, min(started_on) as first_on, max(started_on) as last_on
from fact_session
union all
select 'fact_sales' as table_name, count(*) as row_count, min(ordered_on) as first_on, max(ordered_on) as last_on
from fact_sales
union all
select 'daily_metrics_batch' as table_name, count(*) as row_count, min(occurred_on) as first_on, max(occurred_on) as last_on
from daily_metrics_batch
union all
select 'dim_customer' as table_name, count(*) as row_count, cast(null as date) as first_on, cast(null as date) as last_on
from dim_customer
union all
select 'dim_product' as table_name, count(*) as row_count, cast(null as date) as first_on, cast(null as date) as last_on
from dim_product
union all
select 'dim_date' as table_name, count(*) as row_count, min(date_on) as first_on, max(date_on) as last_on
from dim_date
union all
select 'dim_channel' as table_name, count(*) as row_count, cast(null as date) as first_on, cast(null as date) as last_on
from dim_channel
order by table_name asc nulls last;
