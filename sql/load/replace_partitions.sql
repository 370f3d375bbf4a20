-- Replaces the partitions named in staging_changed_partitions by what was copied to the table's staging table.
delete from {table} where {partition_column} in (select partition_on from staging_changed_partitions);
insert into {table} select * from staging_{table};
delete from staging_{table};
delete from staging_changed_partitions;
