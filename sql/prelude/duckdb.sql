-- Functions that the engines spell differently, under the one name that the models use. This is DuckDB's form.

-- A time as text of fixed width, to the microsecond: its order as text is its order in time.
create or replace temp macro iso_time(moment) as strftime(moment, '%Y-%m-%dT%H:%M:%S.%f');

-- Whole seconds from the first time to the second, rounded down. In whole numbers, since a DOUBLE does not hold the
-- microseconds of three centuries.
create or replace temp macro seconds_between(earlier, later) as
  (epoch_us(later) - epoch_us(earlier) - ((epoch_us(later) - epoch_us(earlier)) % 1000000 + 1000000) % 1000000) // 1000000;

-- The date so many days later.
create or replace temp macro add_days(day, days) as cast(day + cast(days as integer) as date);

-- 1 for Monday to 7 for Sunday.
create or replace temp macro iso_weekday(day) as cast(isodow(day) as bigint);

-- Whether a text keeps to a regular expression, as a whole where that begins with ^ and ends with $.
create or replace temp macro matches_pattern(content, pattern) as regexp_matches(content, pattern);
