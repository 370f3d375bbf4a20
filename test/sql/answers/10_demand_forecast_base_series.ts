import {
  addDays,
  daysBetween,
  daysFrom,
  decimal,
  distinct,
  groupBy,
  ratio,
  sorted,
  sumOf,
} from '../../support/arithmetic.ts';
import type { Shop } from '../../support/shop.ts';

export const branches = { category: ['unknown', 'Books'], demand_units: [0], units_year_before: [0, 1, null] };

export function answer({ asOf, sales, products }: Shop) {
  const bought = sales.filter(({ isReturn }) => !isReturn);
  const categories = groupBy(bought, ({ product }) => products.get(product)?.at(-1)?.category ?? 'unknown');
  const rows = [...categories].flatMap(([category, demand]) => {
    const byDay = groupBy(demand, ({ on }) => on);
    const first = [...byDay.keys()].sort()[0]!;
    const unitsOn = (day: string) => sumOf(byDay.get(day) ?? [], ({ quantity }) => quantity);
    return daysFrom(first, asOf).map((day) => {
      const lines = byDay.get(day) ?? [];
      const reachesBack = (days: number) => daysBetween(first, day) >= days;
      const unitsBefore = (days: number) => (reachesBack(days) ? unitsOn(addDays(day, -days)) : null);
      const mean = (daysBack: number[]) =>
        reachesBack(Math.max(...daysBack))
          ? ratio(
              sumOf(daysBack, (days) => unitsOn(addDays(day, -days))),
              daysBack.length,
            )
          : null;
      const upTo = (days: number) => Array.from({ length: days }, (_, index) => index + 1);
      return {
        category,
        date_on: day,
        iso_weekday: new Date(day).getUTCDay() || 7,
        orders: distinct(lines, ({ transaction }) => transaction),
        demand_units: unitsOn(day),
        demand_amount: decimal(sumOf(lines, ({ amount }) => amount)),
        units_week_before: unitsBefore(7),
        units_year_before: unitsBefore(364),
        mean_units_7_days: mean(upTo(7)),
        mean_units_28_days: mean(upTo(28)),
        mean_units_weekday: mean([7, 14, 21, 28]),
      };
    });
  });
  return sorted(rows, ({ date_on, category }) => [-Date.parse(date_on), category]);
}
