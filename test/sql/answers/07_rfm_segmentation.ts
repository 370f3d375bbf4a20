import { daysBetween, decimal, groupBy, quintile, sorted, sumOf } from '../../support/arithmetic.ts';
import type { Shop } from '../../support/shop.ts';

export const branches = { segment: ['champions', 'loyal', 'promising', 'at_risk', 'hibernating', 'regular'] };

function segmentOf(r: number, f: number, m: number): string {
  if (r >= 4 && f >= 4 && m >= 4) return 'champions';
  if (r >= 3 && f >= 4) return 'loyal';
  if (r >= 4) return 'promising';
  if (r <= 2) return f >= 4 || m >= 4 ? 'at_risk' : 'hibernating';
  return 'regular';
}

export function answer({ asOf, sales, orders }: Shop) {
  const customers = [
    ...groupBy(
      orders.filter(({ subject }) => subject),
      ({ subject }) => subject!,
    ),
  ].map(([subject, placed]) => ({
    subject,
    recency: Math.min(...placed.map(({ on }) => daysBetween(on, asOf))),
    frequency: placed.length,
    monetary: sumOf(
      sales.filter((sale) => sale.subject === subject),
      ({ amount }) => amount,
    ),
  }));
  const all = {
    recency: customers.map(({ recency }) => -recency),
    frequency: customers.map(({ frequency }) => frequency),
    monetary: customers.map(({ monetary }) => monetary),
  };
  const scored = customers.map((customer) => ({
    ...customer,
    r: quintile(-customer.recency, all.recency),
    f: quintile(customer.frequency, all.frequency),
    m: quintile(customer.monetary, all.monetary),
  }));
  return sorted(scored, ({ r, f, monetary, subject }) => [-r, -f, -monetary, subject]).map(
    ({ r, f, m, ...customer }) => ({
      subject_id: customer.subject,
      segment: segmentOf(r, f, m),
      rfm_cell: `${r}${f}${m}`,
      recency_days: customer.recency,
      frequency: customer.frequency,
      monetary: decimal(customer.monetary),
      recency_score: r,
      frequency_score: f,
      monetary_score: m,
    }),
  );
}
