/** When a schedule of EventBridge is due next: `rate(15 minutes)`, or `cron(0 3 * * ? *)` in its time zone. */
import { Cron } from 'croner';
import { RefusedInput } from '../domain/refused-input.ts';

const unitMs: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** The first time behind `after` at which the schedule is due; undefined where it never is again. */
export type NextDue = (after: Date) => Date | undefined;

/** Reads a schedule expression. RefusedInput where it is none, or means something else here than on AWS. */
export function parseSchedule(expression: string, timeZone = 'UTC'): NextDue {
  const [, count, unit] = /^rate\(([1-9]\d{0,5}) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (count && unit) return (after) => new Date(after.getTime() + Number(count) * unitMs[unit]!);
  const [, fields] = /^cron\((\S+(?: \S+){5})\)$/.exec(expression) ?? [];
  if (!fields) {
    throw new RefusedInput(`a schedule is rate(15 minutes) or cron(0 3 * * ? *), got ${expression.slice(0, 100)}`);
  }
  // AWS counts days of the week from Sunday as 1, others from Sunday as 0.
  const weekday = fields.split(' ')[4]!;
  if (/\d/.test(weekday.replace(/#\d$/, ''))) {
    throw new RefusedInput(`days of the week in a schedule are names (MON), got ${weekday} in ${expression}`);
  }
  try {
    // Seconds stand first there, and AWS has none.
    const cron = new Cron(`0 ${fields}`, { timezone: timeZone, mode: '7-part', sloppyRanges: true });
    return (after) => cron.nextRun(after) ?? undefined;
  } catch {
    throw new RefusedInput(`${expression} in the time zone ${timeZone} is no schedule that can be kept`);
  }
}
