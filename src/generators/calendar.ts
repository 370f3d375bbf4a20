/** How customers, orders and events spread over the days: growth, season, week, and how long cohorts come back. */
import type { GeneratorOptions } from './options.ts';

/** A run of indices, `to` excluded. */
interface Range {
  from: number;
  to: number;
}

/** What one day holds. */
export interface Day {
  index: number;
  /** `YYYY-MM-DD` */
  date: string;
  /** Midnight UTC, milliseconds since 1970. */
  startsAt: number;
  /** Position of its month, from 0. */
  month: number;
  /** Customers whose first order is on this day: customers are numbered in the order of their first orders. */
  newcomers: Range;
  /** Lines bought, and lines brought back of those bought `returnAfterDays` before. */
  purchaseLines: number;
  returnLines: number;
  events: number;
}

/** The customers whose first order is in one month. */
export interface Cohort extends Range {
  /** `YYYY-MM` */
  month: string;
}

export interface Calendar {
  days: Day[];
  cohorts: Cohort[];
  /** Customers below this index ever buy. */
  buyers: number;
}

export const dayMs = 86_400_000;
export const returnAfterDays = 7;
/** Lines of an order on average. */
const linesAnOrder = 2.1;
const returnShare = 0.03;

const seasonOfMonth = [0.85, 0.8, 0.9, 0.95, 1, 0.95, 0.9, 0.9, 1, 1.05, 1.5, 1.7];
const rhythmOfWeekday = [1.1, 0.9, 0.9, 0.95, 1, 1.15, 1.25];

/** The months of the period as `YYYY-MM`, oldest first. */
export function monthsOf({ months, until }: GeneratorOptions): string[] {
  const last = Number(until.slice(0, 4)) * 12 + Number(until.slice(5, 7)) - 1;
  return Array.from({ length: months }, (_, position) => {
    const month = last - months + 1 + position;
    return `${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}`;
  });
}

/**
 * How strongly a cohort buys `age` months after its first order, in its first month being 0; the best cohort is the
 * planted truth.
 */
export function returnWeight(age: number, isBest: boolean): number {
  return (age === 0 ? 0.25 : 0.35 + 0.65 / age) * (isBest ? 1.2 : 1);
}

/** Plans every day of the period. `bestCohort` is the month whose customers come back most. */
export function calendarOf(options: GeneratorOptions, bestCohort: string): Calendar {
  const months = monthsOf(options);
  const dates = datesOf(months[0]!, options.until);
  const monthOf = dates.map((date) => months.indexOf(date.slice(0, 7)));
  const rhythm = dates.map((date, day) => rhythmOf(date) * (1 + (0.8 * day) / dates.length));
  // Few buyers a line keep room for repeat orders; a few customers register and never buy.
  const buyers = Math.min(Math.floor(options.customers * 0.94), Math.floor(options.transactions / 4));
  const newcomers = split(buyers, rhythm);
  const cohorts = cohortsOf(months, monthOf, newcomers);
  const lines = linesByDay(
    options.transactions,
    newcomers,
    returningWeights(dates, monthOf, newcomers, cohorts, bestCohort),
  );
  const returns = returnsByDay(lines, newcomers);
  const events = split(options.events, rhythm);
  const starts = cumulated(newcomers);
  const days = dates.map((date, index) => ({
    index,
    date,
    startsAt: Date.parse(date),
    month: monthOf[index]!,
    newcomers: { from: starts[index]!, to: starts[index + 1]! },
    purchaseLines: lines[index]! - returns[index]!,
    returnLines: returns[index]!,
    events: events[index]!,
  }));
  return { days, cohorts, buyers };
}

function datesOf(firstMonth: string, until: string): string[] {
  const first = Date.parse(`${firstMonth}-01`);
  const count = (Date.parse(until) - first) / dayMs + 1;
  return Array.from({ length: count }, (_, day) => new Date(first + day * dayMs).toISOString().slice(0, 10));
}

function rhythmOf(date: string): number {
  const day = new Date(date);
  return seasonOfMonth[day.getUTCMonth()]! * rhythmOfWeekday[day.getUTCDay()]!;
}

/** Whole numbers in proportion to the weights, that sum to `total` exactly. */
function split(total: number, weights: number[]): number[] {
  const sums = cumulated(weights);
  const all = sums.at(-1)!;
  // Multiplied and divided again, the whole may come out a little below itself.
  const upTo = (position: number) =>
    position === weights.length ? total : Math.floor((total * sums[position]!) / all);
  return weights.map((_, position) => upTo(position + 1) - upTo(position));
}

/** Sums of the first 0, 1, 2 … numbers. */
function cumulated(numbers: number[]): number[] {
  const sums = [0];
  for (const number of numbers) sums.push(sums.at(-1)! + number);
  return sums;
}

function cohortsOf(months: string[], monthOf: number[], newcomers: number[]): Cohort[] {
  const sizes = months.map(() => 0);
  for (const [day, count] of newcomers.entries()) sizes[monthOf[day]!]! += count;
  const starts = cumulated(sizes);
  return months.map((month, position) => ({ month, from: starts[position]!, to: starts[position + 1]! }));
}

/** How much earlier customers want to buy on each day. */
function returningWeights(
  dates: string[],
  monthOf: number[],
  newcomers: number[],
  cohorts: Cohort[],
  bestCohort: string,
): number[] {
  const known = cumulated(newcomers);
  return dates.map((date, day) => {
    let weight = 0;
    for (const [position, cohort] of cohorts.slice(0, monthOf[day]! + 1).entries()) {
      const size = Math.min(known[day]!, cohort.to) - cohort.from;
      weight += size * returnWeight(monthOf[day]! - position, cohort.month === bestCohort);
    }
    return weight * rhythmOf(date);
  });
}

/** Lines of each day: one for every first order, and the others where first and repeat orders want them. */
function linesByDay(total: number, newcomers: number[], returning: number[]): number[] {
  const buyers = cumulated(newcomers).at(-1)!;
  const forReturning = Math.max(total - buyers * linesAnOrder, 0);
  const unit = forReturning / Math.max(cumulated(returning).at(-1)!, 1);
  // The last summand keeps the weights above zero where nobody buys.
  const wanted = newcomers.map((count, day) => count * (linesAnOrder - 1) + returning[day]! * unit + 0.001);
  const others = split(total - buyers, wanted);
  return others.map((count, day) => count + newcomers[day]!);
}

/** Returned lines of each day: never more than were bought before, nor such that a first order loses its line. */
function returnsByDay(lines: number[], newcomers: number[]): number[] {
  const upTo = cumulated(lines).map((sum) => Math.floor(sum * returnShare));
  const returns = lines.map(() => 0);
  for (let day = returnAfterDays; day < lines.length; day++) {
    const source = day - returnAfterDays;
    returns[day] = Math.min(
      upTo[source + 1]! - upTo[source]!,
      lines[source]! - returns[source]!,
      lines[day]! - newcomers[day]!,
    );
  }
  return returns;
}
