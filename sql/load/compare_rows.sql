-- Fails the transaction where the staging table does not hold the rows that the manifest promises.
select cast(case when count(*) = {rows} then '0' else 'rows copied differ from the manifest' end as bigint) as difference
from staging_{table};
