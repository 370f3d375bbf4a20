import { groupBy, ratio, sorted } from '../../support/arithmetic.ts';
import type { Shop } from '../../support/shop.ts';

export function answer({ sales, products }: Shop) {
  const baskets = [
    ...groupBy(
      sales.filter(({ quantity }) => quantity > 0),
      ({ transaction }) => transaction,
    ).values(),
  ].map((lines) => new Set(lines.map(({ product }) => product)));
  const ordersWith = (...wanted: string[]) => baskets.filter((basket) => wanted.every((id) => basket.has(id))).length;
  const sold = [...new Set(baskets.flatMap((basket) => [...basket]))].sort();
  const pairs = sold.flatMap((a, index) => sold.slice(index + 1).map((b) => ({ a, b, together: ordersWith(a, b) })));
  const nameOf = (product: string) => products.get(product)?.at(-1)?.name ?? null;
  const rows = pairs
    .filter(({ together }) => together > 0 && together >= baskets.length * 0.005)
    .map(({ a, b, together }) => ({
      product_a: a,
      product_b: b,
      product_a_name: nameOf(a),
      product_b_name: nameOf(b),
      orders_a: ordersWith(a),
      orders_b: ordersWith(b),
      orders_together: together,
      support_rate: ratio(together, baskets.length),
      confidence_a_to_b: ratio(together, ordersWith(a)),
      confidence_b_to_a: ratio(together, ordersWith(b)),
      lift: ratio(together * baskets.length, ordersWith(a) * ordersWith(b)),
    }));
  return sorted(rows, (row) => [-Number(row.lift), -row.orders_together, row.product_a, row.product_b]);
}
