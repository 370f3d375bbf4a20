-- One row a day from 1970-01-01 to 2069-12-31.
-- key: date_on
with
digits as (
  select digit
  from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as digits (digit)
),
day_numbers as (
  select ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit + 10000 * myriads.digit as day_no
  from digits as ones
  cross join digits as tens
  cross join digits as hundreds
  cross join digits as thousands
  cross join digits as myriads
),
final as (
  select add_days(date '1970-01-01', day_no) as date_on
  from day_numbers
  where add_days(date '1970-01-01', day_no) <= date '2069-12-31'
)
select
  cast(extract(year from date_on) as bigint) as year_no,
  cast(extract(quarter from date_on) as bigint) as quarter_no,
  cast(extract(month from date_on) as bigint) as month_no,
  cast(extract(day from date_on) as bigint) as day_of_month,
  cast(extract(doy from date_on) as bigint) as day_of_year,
  cast(extract(week from date_on) as bigint) as iso_week,
  cast(iso_weekday(date_on) as bigint) as iso_weekday,
  iso_weekday(date_on) >= 6 as is_weekend,
  cast(date_on as date) as date_on,
  cast(date_trunc('month', date_on) as date) as month_on
from final
