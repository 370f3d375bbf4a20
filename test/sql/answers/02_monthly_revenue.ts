import {
  addDays,
  addMonths,
  decimal,
  distinct,
  monthOf,
  monthsBetween,
  ratio,
  sumOf,
} from '../../support/arithmetic.ts';
import type { Shop } from '../../support/shop.ts';

export const branches = { is_complete_month: [true, false] };

export function answer({ asOf, sales, orders }: Shop) {
  const first = sales.map(({ on }) => monthOf(on)).sort()[0]!;
  const revenueOf = (month: string) =>
    sumOf(
      sales.filter(({ on }) => monthOf(on) === month),
      ({ amount }) => amount,
    );
  return Array.from({ length: monthsBetween(first, asOf) + 1 }, (_, index) => {
    const month = addMonths(first, index);
    const lines = sales.filter(({ on }) => monthOf(on) === month);
    const placed = orders.filter(({ on }) => monthOf(on) === month);
    const returned = lines.filter(({ isReturn }) => isReturn);
    const revenue = revenueOf(month);
    const previous = index > 0 ? revenueOf(addMonths(month, -1)) : null;
    return {
      month_on: month,
      orders: placed.length,
      customers: distinct(
        placed.filter(({ subject }) => subject),
        ({ subject }) => subject,
      ),
      units: sumOf(lines, ({ quantity }) => quantity),
      revenue: decimal(revenue),
      returns_amount: decimal(-sumOf(returned, ({ amount }) => amount)),
      previous_revenue: previous === null ? null : decimal(previous),
      growth_rate: previous !== null && previous > 0 ? ratio(revenue - previous, previous) : null,
      is_complete_month: addDays(addMonths(month, 1), -1) <= asOf,
    };
  });
}
