/** How often a schedule calls. */
import { assume } from './assumptions.ts';

const hoursOf: Record<string, number> = { minute: 1 / 60, hour: 1, day: 24 };

/** Calls a month of `rate(…)`, or of a `cron(…)` whose minute is one number; throws an Error for one that it cannot count. */
export function callsAMonth(expression: string): number {
  const hours = assume('hoursAMonth');
  const [, every, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (every && unit) return hours / (Number(every) * hoursOf[unit]!);
  const [, hour, date, day] = /^cron\(\d+ (\S+) (\S+) \* (\S+) \*\)$/.exec(expression) ?? [];
  if (!hour || !date || !day || !/^(\*|[\d,]+)$/.test(hour)) {
    throw new Error(`the cost model counts no calls of ${expression}; teach scripts/cost/schedule.ts`);
  }
  const aDay = hour === '*' ? 24 : hour.split(',').length;
  if (/^[\d,]+$/.test(date)) return aDay * date.split(',').length;
  const days = hours / 24;
  return aDay * (/^[*?]$/.test(day) ? days : (day.split(',').length * days) / 7);
}
