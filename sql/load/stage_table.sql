-- Makes the table to which a table's rows are copied first, to be counted.
drop table if exists staging_{table};
create temp table staging_{table} as select * from {table} where 1 = 0;
