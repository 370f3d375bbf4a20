-- Has a load left rows where they only wait for their count? Runs daily, outside of loads, here as on Redshift: every count is
-- 0, since a load that fails takes its rows back.
select 'staging_changed_partitions' as table_name, count(*) as row_count
from staging_changed_partitions
union all
select 'staging_daily_metrics_batch' as table_name, count(*) as row_count
from staging_daily_metrics_batch
union all
select 'staging_dim_channel' as table_name, count(*) as row_count
from staging_dim_channel
union all
select 'staging_dim_customer' as table_name, count(*) as row_count
from staging_dim_customer
union all
select 'staging_dim_date' as table_name, count(*) as row_count
from staging_dim_date
union all
select 'staging_dim_product' as table_name, count(*) as row_count
from staging_dim_product
union all
select 'staging_fact_event' as table_name, count(*) as row_count
from staging_fact_event
union all
select 'staging_fact_sales' as table_name, count(*) as row_count
from staging_fact_sales
union all
select 'staging_fact_session' as table_name, count(*) as row_count
from staging_fact_session
order by table_name asc nulls last;
