-- Replaces partitions of a table by what was copied to its staging table.
insert into staging_changed_partitions values {changed_dates};
delete from {table} where {partition_column} in (select partition_on from staging_changed_partitions);
insert into {table} select * from staging_{table};
drop table staging_{table};
delete from staging_changed_partitions;
