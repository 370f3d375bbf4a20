-- Functions that the engines spell differently, under the one name that the models use. This is Spark's form.

-- A time as text of fixed width, to the microsecond: its order as text is its order in time.
create or replace temporary function iso_time(moment timestamp_ntz) returns string
  return date_format(moment, 'yyyy-MM-dd''T''HH:mm:ss.SSSSSS');

-- Whole seconds from the first time to the second, rounded down.
create or replace temporary function seconds_between(earlier timestamp_ntz, later timestamp_ntz) returns bigint
  return (timestampdiff(microsecond, earlier, later) - pmod(timestampdiff(microsecond, earlier, later), 1000000)) div 1000000;

-- The date so many days later.
create or replace temporary function add_days(day date, days bigint) returns date
  return date_add(day, cast(days as int));

-- 1 for Monday to 7 for Sunday.
create or replace temporary function iso_weekday(day date) returns bigint
  return cast(weekday(day) + 1 as bigint);

-- Whether a text keeps to a regular expression, as a whole where that begins with ^ and ends with $. Else Java's $ would
-- stand before a last line break too, and its dot for no carriage return.
create or replace temporary function matches_pattern(content string, pattern string) returns boolean
  return regexp_like(content, '(?d)' || regexp_replace(pattern, '[$]$', '\\\\z'));
