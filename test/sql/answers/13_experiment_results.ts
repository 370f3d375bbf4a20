import { decimal, groupBy, ratio, sorted } from '../../support/arithmetic.ts';
import type { Shop } from '../../support/shop.ts';

export const branches = { is_control: [true, false], is_winner: [true, false] };

export function answer({ events }: Shop) {
  const visits = events.filter(({ visitor }) => visitor);
  const exposures = groupBy(
    visits.filter(({ experiment, variant }) => experiment && variant),
    ({ experiment, visitor }) => `${experiment} ${visitor}`,
  );
  const purchases = groupBy(
    visits.filter(({ type }) => type === 'purchase'),
    ({ visitor }) => visitor!,
  );
  const first = [...exposures.values()].map(([event]) => event!);
  const variants = [...groupBy(first, ({ experiment, variant }) => `${experiment} ${variant}`).values()].map(
    (exposed) => ({
      experiment: exposed[0]!.experiment!,
      variant: exposed[0]!.variant!,
      n: exposed.length,
      c: exposed.filter(({ visitor, at }) => purchases.get(visitor!)?.some((purchase) => purchase.at >= at)).length,
    }),
  );
  const rows = variants.map(({ experiment, variant, n, c }) => {
    const all = sorted(
      variants.filter((other) => other.experiment === experiment),
      (other) => [other.variant === 'control' ? 0 : 1, other.variant],
    );
    const control = all[0]!;
    const isControl = control.variant === variant;
    const pooled = (c + control.c) / (n + control.n);
    const error = Math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / control.n));
    const z = Math.floor((10_000 * (c / n - control.c / control.n)) / error + 0.5);
    const rate = Number(ratio(c, n));
    return {
      experiment,
      variant,
      visitors: n,
      converted_visitors: c,
      conversion_rate: ratio(c, n),
      lift_rate: isControl ? null : ratio(c * control.n - control.c * n, control.c * n),
      z_score: isControl || !Number.isFinite(z) ? null : decimal(z),
      is_control: isControl,
      is_significant: !isControl && Math.abs(z) >= 19_600,
      is_winner: rate > 0 && all.every((other) => Number(ratio(other.c, other.n)) <= rate),
    };
  });
  return sorted(rows, (row) => [row.experiment, -Number(row.conversion_rate), row.variant]);
}
