/** The functions of the preludes, each as a SELECT over edge values that DuckDB and Spark both read. */

const times = `times as (
  select cast(text as timestamp) as moment
  from (values
    (null),
    ('0001-01-01 00:00:00'),
    ('0999-12-31 23:59:59.999999'),
    ('1582-10-10 12:00:00'),
    ('1900-01-01 00:00:00'),
    ('1969-12-31 23:59:59.999999'),
    ('2024-02-29 00:00:00'),
    ('2024-02-29 00:00:00.000001'),
    ('2024-02-29 23:59:59.9'),
    ('2024-03-01 00:00:00'),
    ('9999-12-31 23:59:59.999999')
  ) as given (text)
)`;

const days = `days as (
  select cast(text as date) as day
  from (values
    (null), ('0001-01-01'), ('0999-12-31'), ('1582-10-10'), ('1900-02-28'), ('1970-01-01'), ('2000-02-29'), ('2024-02-29'),
    ('2024-12-31'), ('2026-11-21'), ('2026-11-22'), ('9999-12-31')
  ) as given (text)
)`;

/** Name -> SELECT. */
export const preludeCalls: Record<string, string> = {
  iso_time: `with ${times} select moment, iso_time(moment) as answer from times`,
  seconds_between: `with ${times}
    select
      earlier.moment as earlier,
      later.moment as later,
      seconds_between(earlier.moment, later.moment) as answer
    from times as earlier
    cross join times as later`,
  // Up to the last day that a DATE of the lake may be.
  add_days: `with ${days},
    steps as (
      select cast(text as bigint) as days
      from (values (null), ('0'), ('1'), ('-1'), ('366'), ('-365'), ('36524'), ('-700000'), ('2900000')) as given (text)
    )
    select day, days, add_days(day, days) as answer
    from days
    cross join steps
    where day is null or days is null or extract(year from day) + days / 365.0 between 3 and 9998`,
  iso_weekday: `with ${days} select day, iso_weekday(day) as answer from days`,
  matches_pattern: `with contents as (
      select content
      from (values
        (null), (''), ('abc'), ('ABC'), ('xabcx'), (' abc'), ('a.c'), ('aéc'), ('a😀c'), ('e\u0301'), ('\u00e9'), ('ÀÉ'), ('a$'), ('٣'),
        ('7'), ('abc\n'), ('abc\r'), ('abc\u2028'), ('x\nabc'), ('a\nc'), ('a\rc'), ('a\u0085c'), ('a\u2029c')
      ) as given (content)
    ),
    patterns as (
      select pattern
      from (values
        (null), (''), ('^$'), ('abc'), ('^abc'), ('^abc$'), ('^a.c$'), ('^a[^x]c$'), ('^.$'), ('^.*$'), ('^[a-z]+$'), ('^(abc|7)$'),
        ('^[0-9]{1,3}$'), ('^é$'), ('^a[$]$')
      ) as given (pattern)
    )
    select content, pattern, matches_pattern(content, pattern) as answer
    from contents
    cross join patterns`,
};
