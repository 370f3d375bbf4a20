import { daysBetween, decimal, groupBy, ratio, sorted, sumOf } from '../../support/arithmetic.ts';
import type { Shop } from '../../support/shop.ts';

const risks = ['at_risk', 'cooling', 'churned', 'active', 'unknown'];

export const branches = { risk: risks.slice(0, 4), has_own_gap: [true, false] };

function riskOf(recency: number, usualGap: number): string {
  if (Number.isNaN(usualGap)) return 'unknown';
  if (recency <= usualGap) return 'active';
  if (recency <= 2 * usualGap) return 'cooling';
  return recency <= 3 * usualGap ? 'at_risk' : 'churned';
}

export function answer({ asOf, sales, orders }: Shop) {
  const customers = [
    ...groupBy(
      orders.filter(({ subject }) => subject),
      ({ subject }) => subject!,
    ),
  ].map(([subject, placed]) => {
    const days = [...new Set(placed.map(({ on }) => on))].sort();
    const gaps = days.slice(1).map((day, index) => daysBetween(days[index]!, day));
    return { subject, orders: placed.length, gaps, last: days.at(-1)! };
  });
  const everybodysGaps = customers.flatMap(({ gaps }) => gaps);
  const rows = customers.map((customer) => {
    const { subject, gaps, last } = customer;
    const usual = gaps.length >= 2 ? gaps : everybodysGaps;
    const span = sumOf(usual, (gap) => gap);
    const recency = daysBetween(last, asOf);
    const lines = sales.filter((sale) => sale.subject === subject);
    return {
      ...customer,
      span,
      count: usual.length,
      recency,
      // Recency times count is compared with span: nothing is rounded.
      risk: riskOf(recency * usual.length, usual.length > 0 ? span : Number.NaN),
      revenue: sumOf(lines, ({ amount }) => amount),
    };
  });
  return sorted(rows, ({ risk, revenue, subject }) => [risks.indexOf(risk), -revenue, subject]).map((row) => ({
    subject_id: row.subject,
    risk: row.risk,
    orders: row.orders,
    revenue: decimal(row.revenue),
    recency_days: row.recency,
    usual_gap_days: ratio(row.span, row.count),
    gap_ratio: ratio(row.recency * row.count, row.span),
    has_own_gap: row.gaps.length >= 2,
    last_order_on: row.last,
  }));
}
