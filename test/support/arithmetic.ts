/** Exact arithmetic in whole numbers, and days and ranks: what independent computations of the answers share. */

/** Ten-thousandths as decimal text of four places. */
export const decimal = (tenThousandths: number): string => {
  const digits = String(Math.abs(tenThousandths)).padStart(5, '0');
  return `${tenThousandths < 0 ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`;
};

/** `dividend / divisor` as decimal text, half up at four places; null for a divisor of 0. Both are whole numbers. */
export function ratio(dividend: number, divisor: number): string | null {
  if (divisor === 0) return null;
  const sign = divisor < 0 ? -1n : 1n;
  const step = 2n * sign * BigInt(divisor);
  const sum = 20_000n * sign * BigInt(dividend) + step / 2n;
  const remainder = ((sum % step) + step) % step;
  return decimal(Number((sum - remainder) / step));
}

export const sumOf = <Item>(items: Item[], value: (item: Item) => number): number =>
  items.reduce((sum, item) => sum + value(item), 0);

export const distinct = <Item>(items: Item[], key: (item: Item) => unknown): number => new Set(items.map(key)).size;

export function groupBy<Item>(items: Item[], key: (item: Item) => string): Map<string, Item[]> {
  return Map.groupBy(items, key);
}

/** 1 to 5, by how many of the values are smaller; equal values are in one quintile. */
export const quintile = (value: number, values: number[]): number =>
  1 + Math.floor((5 * values.filter((other) => other < value).length) / values.length);

/** Numbers and texts by which rows stand in order, the most important first; null stands last. */
type SortKey = (number | string | null)[];

/** The items in the order of their keys, smallest first. */
export function sorted<Item>(items: Item[], keyOf: (item: Item) => SortKey): Item[] {
  const keyed = items.map((item) => ({ item, key: keyOf(item) }));
  return keyed.sort((a, b) => compareKeys(a.key, b.key)).map(({ item }) => item);
}

function compareKeys(a: SortKey, b: SortKey): number {
  const index = a.findIndex((part, position) => part !== b[position]);
  if (index < 0) return 0;
  const [one, other] = [a[index]!, b[index]!];
  if (one === null || other === null) return one === null ? 1 : -1;
  return one < other ? -1 : 1;
}

const dayMs = 86_400_000;

export const daysBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / dayMs;

export const addDays = (day: string, days: number): string =>
  new Date(Date.parse(day) + days * dayMs).toISOString().slice(0, 10);

/** All days from one to another, both included. */
export const daysFrom = (from: string, to: string): string[] =>
  Array.from({ length: daysBetween(from, to) + 1 }, (_, index) => addDays(from, index));

/** The first day of a day's month. */
export const monthOf = (day: string): string => `${day.slice(0, 7)}-01`;

export const monthsBetween = (from: string, to: string): number =>
  12 * (Number(to.slice(0, 4)) - Number(from.slice(0, 4))) + Number(to.slice(5, 7)) - Number(from.slice(5, 7));

export const addMonths = (month: string, months: number): string => {
  const number = 12 * Number(month.slice(0, 4)) + Number(month.slice(5, 7)) - 1 + months;
  return `${Math.floor(number / 12)}-${String((number % 12) + 1).padStart(2, '0')}-01`;
};
