-- Replaces a table without partitions by what was copied to its staging table.
delete from {table};
insert into {table} select * from staging_{table};
drop table staging_{table};
