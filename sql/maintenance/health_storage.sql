-- Is a table due for maintenance? Runs weekly after vacuum.sql, and whenever queries have become slow. On Redshift alone,
-- whose SVV_TABLE_INFO it reads: no test runs it. Empty tables are not listed.
-- Look closer where unsorted_rate or stale_rate (percent) stays above 10, or skew (most rows on a slice to fewest) above 4.
select
  "table" as table_name,
  diststyle as distribution,
  sortkey1 as first_sort_column,
  size as size_mb,
  tbl_rows as row_count,
  tbl_rows - estimated_visible_rows as deleted_rows,
  unsorted as unsorted_rate,
  stats_off as stale_rate,
  skew_rows as skew
from svv_table_info
order by size_mb desc nulls last, table_name asc nulls last;
