import { addDays, addMonths, groupBy, monthOf, monthsBetween, ratio, sorted, sumOf } from '../../support/arithmetic.ts';
import type { Shop } from '../../support/shop.ts';

export const branches = {
  is_complete_month: [true, false],
  is_best_cohort: [true, false],
  mean_retention_rate: [null],
};

export function answer({ asOf, orders }: Shop) {
  const customers = [
    ...groupBy(
      orders.filter(({ subject }) => subject),
      ({ subject }) => subject!,
    ).values(),
  ].map((placed) => placed.map(({ on }) => monthOf(on)).sort());
  const isComplete = (month: string) => addDays(addMonths(month, 1), -1) <= asOf;
  const cohorts = [...groupBy(customers, ([first]) => first!)].map(([cohort, members]) => {
    const retained = Array.from(
      { length: monthsBetween(cohort, asOf) + 1 },
      (_, number) => members.filter((months) => months.includes(addMonths(cohort, number))).length,
    );
    const isComparable = members.length >= 30 && isComplete(addMonths(cohort, 6));
    const kept = sumOf(retained.slice(1, 7), (count) => count);
    return { cohort, size: members.length, retained, mean: isComparable ? ratio(kept, 6 * members.length) : null };
  });
  const best = Math.max(...cohorts.map(({ mean }) => Number(mean ?? -1)));
  return sorted(cohorts, ({ cohort }) => [cohort]).flatMap(({ cohort, size, retained, mean }) =>
    retained.map((count, number) => ({
      cohort_on: cohort,
      month_no: number,
      cohort_customers: size,
      retained_customers: count,
      retention_rate: ratio(count, size),
      mean_retention_rate: mean,
      is_complete_month: isComplete(addMonths(cohort, number)),
      is_best_cohort: mean !== null && Number(mean) === best,
    })),
  );
}
