-- title: Experiment results
-- question: Which variant of each experiment converts best, and is the difference more than chance?
-- grain: one row an experiment and variant
-- definitions: exposure = event that names experiment and variant; a visitor's first exposure decides their variant;
--   converted_visitors = visitors with a purchase event at or after their first exposure;
--   conversion_rate = converted_visitors / visitors; control = the variant named control, else the alphabetically first;
--   lift_rate = conversion_rate / the control's - 1, computed from the counts;
--   z_score = two-proportion z with pooled variance, (c1 n2 - c2 n1) / sqrt((c1 + c2) (n - c1 - c2) n1 n2 / n) where c1 of
--   n1 visitors converted with the variant, c2 of n2 with the control, and n = n1 + n2;
--   both are null for the control and where they are undefined; all are rounded half up at four decimals;
--   is_significant = |z_score| at least 1.96 (95 %, two-sided); is_winner = highest conversion_rate above 0, equals share it
with exposures as (
  select
    experiment,
    variant,
    visitor_id,
    occurred_at,
    row_number() over (
      partition by experiment, visitor_id order by occurred_at asc nulls last, event_key asc nulls last
    ) as exposure_no
  from fact_event
  where experiment is not null and variant is not null and visitor_id is not null
),

last_purchases as (
  select visitor_id, max(occurred_at) as purchased_at
  from fact_event
  where event_type = 'purchase' and visitor_id is not null
  group by visitor_id
),

variants as (
  select
    exposures.experiment,
    exposures.variant,
    count(*) as visitors,
    cast(sum(case when last_purchases.purchased_at >= exposures.occurred_at then 1 else 0 end) as bigint)
      as converted_visitors
  from exposures
  left join last_purchases on last_purchases.visitor_id = exposures.visitor_id
  where exposures.exposure_no = 1
  group by exposures.experiment, exposures.variant
),

ordered_variants as (
  select
    experiment,
    variant,
    visitors,
    converted_visitors,
    row_number() over (
      partition by experiment
      order by case when variant = 'control' then 0 else 1 end asc nulls last, variant asc nulls last
    ) as variant_no
  from variants
),

compared as (
  select
    variants.experiment,
    variants.variant,
    variants.visitors,
    variants.converted_visitors,
    variants.variant_no = 1 as is_control,
    cast(variants.visitors as double precision) as n1,
    cast(variants.converted_visitors as double precision) as c1,
    case when variants.variant_no > 1 then cast(controls.visitors as double precision) end as n2,
    case when variants.variant_no > 1 then cast(controls.converted_visitors as double precision) end as c2
  from ordered_variants as variants
  inner join ordered_variants as controls on controls.experiment = variants.experiment and controls.variant_no = 1
),

measured as (
  select
    experiment,
    variant,
    visitors,
    converted_visitors,
    is_control,
    cast(floor(10000 * c1 / nullif(n1, 0) + 0.5) as bigint) as conversion_minor,
    cast(floor(10000 * (c1 * n2 - c2 * n1) / nullif(c2 * n1, 0) + 0.5) as bigint) as lift_minor,
    cast(
      floor(
        10000 * (c1 * n2 - c2 * n1) / nullif(sqrt((c1 + c2) * (n1 + n2 - c1 - c2) * n1 * n2 / nullif(n1 + n2, 0)), 0) + 0.5
      ) as bigint
    ) as z_minor
  from compared
)

select
  experiment,
  variant,
  cast(visitors as bigint) as visitors,
  cast(converted_visitors as bigint) as converted_visitors,
  cast(0.0001 * conversion_minor as decimal(18, 4)) as conversion_rate,
  cast(0.0001 * lift_minor as decimal(18, 4)) as lift_rate,
  cast(0.0001 * z_minor as decimal(18, 4)) as z_score,
  is_control,
  coalesce(abs(z_minor) >= 19600, false) as is_significant,
  conversion_minor > 0 and conversion_minor = max(conversion_minor) over (partition by experiment) as is_winner
from measured
order by experiment asc nulls last, conversion_minor desc nulls last, variant asc nulls last
