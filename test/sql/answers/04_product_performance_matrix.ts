import { decimal, distinct, groupBy, ratio, sorted, sumOf } from '../../support/arithmetic.ts';
import { type Sale, type Shop, versionAt } from '../../support/shop.ts';

export const branches = { matrix_class: ['star', 'plowhorse', 'puzzle', 'dog', 'unrated'] };

export function answer({ sales, products }: Shop) {
  const costOf = ({ product, at, quantity }: Sale) =>
    (versionAt(products.get(product), at)?.cost ?? Number.NaN) * quantity;
  const sold = [...groupBy(sales, ({ product }) => product)].map(([product, lines]) => {
    const revenue = sumOf(lines, ({ amount }) => amount);
    const margin = products.has(product) ? revenue - sumOf(lines, costOf) : null;
    return {
      product,
      revenue,
      margin,
      marginRate: margin !== null && revenue > 0 ? ratio(margin, revenue) : null,
      bought: lines.filter(({ isReturn }) => !isReturn),
      returned: lines.filter(({ isReturn }) => isReturn),
    };
  });
  const total = sumOf(sold, ({ revenue }) => revenue);
  const rated = sold.filter(({ marginRate }) => marginRate !== null);
  const isHigh = (value: number, values: number[]) =>
    values.filter((other) => other > value).length < values.length / 2;
  const classOf = ({ revenue, marginRate }: (typeof sold)[number]) => {
    if (marginRate === null) return 'unrated';
    const sells = isHigh(
      revenue,
      rated.map((other) => other.revenue),
    );
    const earns = isHigh(
      Number(marginRate),
      rated.map((other) => Number(other.marginRate)),
    );
    return sells ? (earns ? 'star' : 'plowhorse') : earns ? 'puzzle' : 'dog';
  };
  return sorted(sold, ({ revenue, product }) => [-revenue, product]).map((row) => {
    const { product, revenue, margin, marginRate, bought, returned } = row;
    const units = {
      bought: sumOf(bought, ({ quantity }) => quantity),
      returned: -sumOf(returned, ({ quantity }) => quantity),
    };
    const current = products.get(product)?.at(-1);
    return {
      product_id: product,
      product_name: current?.name ?? null,
      category: current?.category ?? null,
      matrix_class: classOf(row),
      orders: distinct(bought, ({ transaction }) => transaction),
      units: units.bought - units.returned,
      revenue: decimal(revenue),
      revenue_rate: ratio(revenue, total),
      margin: margin === null ? null : decimal(margin),
      margin_rate: marginRate,
      return_rate: ratio(units.returned, units.bought),
    };
  });
}
