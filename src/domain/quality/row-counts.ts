/** Checks of numbers of rows, taken from a snapshot's manifests: they cost nothing and see dates that a run does not touch. */
import type { WrittenFile } from '../lake/run-plan.ts';
import { rowsOf } from '../lake/snapshot.ts';
import type { RowCountCheck } from './checks.ts';

const dayMs = 86_400_000;

interface Judged {
  /** Days judged; of a table as a whole its rows. */
  rows: number;
  failures: number;
  note: string;
}

/** Judges a table as it would be published, of which a run has rewritten the dates `touched`. */
export function judgeRowCount(check: RowCountCheck, files: WrittenFile[], touched: string[] | 'whole'): Judged {
  const { min, max, trailing } = check;
  if (trailing) return judgeDays(trailing, files, touched === 'whole' ? [] : touched);
  const rows = rowsOf(files);
  const isBroken = (min !== undefined && rows < min) || (max !== undefined && rows > max);
  return { rows, failures: isBroken ? 1 : 0, note: `${rows} rows, ${limits(min, max)} are expected` };
}

const limits = (min?: number, max?: number): string =>
  [min === undefined ? '' : `at least ${min}`, max === undefined ? '' : `at most ${max}`].filter(Boolean).join(' and ');

/**
 * The days that the run has touched, and those without rows between or right before them: a day on which nothing came is
 * never touched itself. The first days of a table, which have no full window before them, are not judged.
 */
function judgeDays(
  { days, atLeast, atMost }: NonNullable<RowCountCheck['trailing']>,
  files: WrittenFile[],
  touched: string[],
): Judged {
  const counts = new Map<number, number>();
  for (const { partition, rows } of files) {
    const day = dayNumber(partition!);
    counts.set(day, (counts.get(day) ?? 0) + rows);
  }
  const rewritten = touched.map(dayNumber).filter((day) => counts.has(day));
  if (rewritten.length === 0) return { rows: 0, failures: 0, note: '' };
  const first = [...counts.keys()].reduce((least, day) => Math.min(least, day));
  const from = Math.max(
    rewritten.reduce((least, day) => Math.min(least, day)),
    first + days,
  );
  const to = rewritten.reduce((most, day) => Math.max(most, day));
  let start = from;
  while (start - 1 >= first + days && !counts.has(start - 1)) start -= 1;
  const broken: string[] = [];
  let judged = 0;
  let sum = sumOf(counts, start - days, start);
  for (let day = start; day <= to; day += 1) {
    const count = counts.get(day) ?? 0;
    const mean = sum / days;
    // Where less than a row a day is usual, a day without one says nothing.
    if (mean >= 1) {
      judged += 1;
      if (count < atLeast * mean || (atMost !== undefined && count > atMost * mean)) broken.push(dateOf(day));
    }
    sum += count - (counts.get(day - days) ?? 0);
  }
  return { rows: judged, failures: broken.length, note: `days that stand out: ${shown(broken)}` };
}

function sumOf(counts: Map<number, number>, from: number, before: number): number {
  let sum = 0;
  for (let day = from; day < before; day += 1) sum += counts.get(day) ?? 0;
  return sum;
}

const shown = (dates: string[]): string =>
  dates.length > 5 ? `${dates.slice(0, 5).join(', ')} and ${dates.length - 5} more` : dates.join(', ');

const dayNumber = (date: string): number => Date.parse(date) / dayMs;
const dateOf = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10);
