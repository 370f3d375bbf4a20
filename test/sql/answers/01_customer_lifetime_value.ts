import { daysBetween, decimal, groupBy, quintile, ratio, sorted, sumOf } from '../../support/arithmetic.ts';
import type { Shop } from '../../support/shop.ts';

const segments = ['lowest', 'low', 'middle', 'high', 'top'];

export const branches = { segment: segments };

export function answer({ asOf, sales, orders }: Shop) {
  const customers = [
    ...groupBy(
      sales.filter(({ subject }) => subject),
      ({ subject }) => subject!,
    ),
  ].map(([subject, lines]) => ({
    subject,
    units: sumOf(lines, ({ quantity }) => quantity),
    revenue: sumOf(lines, ({ amount }) => amount),
    days: orders
      .filter((order) => order.subject === subject)
      .map(({ on }) => on)
      .sort(),
  }));
  const revenues = customers.map(({ revenue }) => revenue);
  const total = sumOf(revenues, (revenue) => revenue);
  let cumulative = 0;
  return sorted(customers, ({ subject, revenue }) => [-revenue, subject]).map(({ subject, units, revenue, days }) => {
    cumulative += revenue;
    const revenueQuintile = quintile(revenue, revenues);
    return {
      subject_id: subject,
      segment: segments[revenueQuintile - 1]!,
      revenue_rank: 1 + revenues.filter((other) => other > revenue).length,
      revenue_quintile: revenueQuintile,
      orders: days.length,
      units,
      revenue: decimal(revenue),
      average_order_value: ratio(revenue, 10_000 * days.length),
      cumulative_revenue_rate: ratio(cumulative, total),
      tenure_days: days[0] ? daysBetween(days[0], asOf) : null,
      first_order_on: days[0] ?? null,
      last_order_on: days.at(-1) ?? null,
    };
  });
}
