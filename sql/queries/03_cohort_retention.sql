-- title: Cohort retention
-- question: Which customers come back, and which cohort is the most faithful?
-- grain: one row a cohort and month since its first order, up to the as-of month
-- definitions: order = transaction with a line that is not a return, placed on the first such line's day;
--   cohort = customers whose first order was placed in the month cohort_on; month_no = months since then, from 0;
--   retained_customers = customers of the cohort who ordered in that month; retention_rate = their share, half up at four
--   decimals; is_complete_month = the month ended on or before the as-of date;
--   mean_retention_rate = mean retention of the months 1 to 6, null where the cohort has fewer than 30 customers or not
--   all of these months are complete, so that what is shown can be compared;
--   is_best_cohort = no cohort has a higher mean_retention_rate; guests are left out
with as_of as (
  select
    max(as_of_on) as as_of_on,
    cast(date_trunc('month', max(as_of_on) + interval '1' day) as date) as incomplete_from_on
  from load_state
),

orders as (
  select subject_id, transaction_id, cast(date_trunc('month', min(ordered_on)) as date) as month_on
  from fact_sales
  where subject_id is not null and not is_return
  group by subject_id, transaction_id
),

customers as (
  select subject_id, min(month_on) as cohort_on
  from orders
  group by subject_id
),

cohorts as (
  select cohort_on, count(*) as cohort_customers
  from customers
  group by cohort_on
),

-- The months of orders stand in for days that dim_date might lack.
months as (
  select month_on
  from dim_date
  where date_on <= (select as_of_on from as_of)
  union
  select month_on
  from orders
),

retained as (
  select customers.cohort_on, orders.month_on, count(distinct orders.subject_id) as retained_customers
  from customers
  inner join orders on orders.subject_id = customers.subject_id
  group by customers.cohort_on, orders.month_on
),

cohort_months as (
  select
    cohorts.cohort_on,
    12 * cast(extract(year from months.month_on) - extract(year from cohorts.cohort_on) as bigint)
      + cast(extract(month from months.month_on) - extract(month from cohorts.cohort_on) as bigint) as month_no,
    cohorts.cohort_customers,
    coalesce(retained.retained_customers, 0) as retained_customers,
    coalesce(months.month_on < as_of.incomplete_from_on, false) as is_complete_month
  from cohorts
  cross join as_of
  inner join months on months.month_on >= cohorts.cohort_on
  left join retained on retained.cohort_on = cohorts.cohort_on and retained.month_on = months.month_on
),

comparable_cohorts as (
  select
    cohort_on,
    cast(floor(10000 * cast(sum(retained_customers) as double precision) / nullif(6 * cohort_customers, 0) + 0.5) as bigint)
      as mean_retention_minor
  from cohort_months
  where month_no between 1 and 6 and is_complete_month
  group by cohort_on, cohort_customers
  having count(*) = 6 and cohort_customers >= 30
),

measured as (
  select
    cohort_months.cohort_on,
    cohort_months.month_no,
    cohort_months.cohort_customers,
    cohort_months.retained_customers,
    cohort_months.is_complete_month,
    cast(
      floor(
        10000 * cast(cohort_months.retained_customers as double precision) / nullif(cohort_months.cohort_customers, 0) + 0.5
      ) as bigint
    ) as retention_minor,
    comparable_cohorts.mean_retention_minor,
    max(comparable_cohorts.mean_retention_minor) over () as best_retention_minor
  from cohort_months
  left join comparable_cohorts on comparable_cohorts.cohort_on = cohort_months.cohort_on
)

select
  cohort_on,
  cast(month_no as bigint) as month_no,
  cast(cohort_customers as bigint) as cohort_customers,
  cast(retained_customers as bigint) as retained_customers,
  cast(0.0001 * retention_minor as decimal(18, 4)) as retention_rate,
  cast(0.0001 * mean_retention_minor as decimal(18, 4)) as mean_retention_rate,
  is_complete_month,
  coalesce(mean_retention_minor = best_retention_minor, false) as is_best_cohort
from measured
order by cohort_on asc nulls last, month_no asc nulls last
