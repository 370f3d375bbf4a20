/** Each answer equals what plain integer arithmetic over the same rows gives, to the last digit. */
import { decimal, insertSample, type Row, type SampleSale, sampleWarehouse } from '../support/sample-warehouse.ts';
import { type Cell, createWarehouse, openDuckDb, readSql, type SqlEngine } from '../support/sql-engines.ts';

const { asOf, sales, tables } = sampleWarehouse(2);
let duckdb: SqlEngine;

beforeAll(async () => {
  duckdb = await openDuckDb();
  await createWarehouse(duckdb);
  await insertSample(duckdb, tables);
});

afterAll(() => duckdb.close());

async function answer(name: string): Promise<Record<string, Cell>[]> {
  const { columns, rows } = await duckdb.select(readSql(`queries/${name}.sql`));
  return rows.map((row) => Object.fromEntries(row.map((cell, index) => [columns[index]!, cell])));
}

/** Rows as text of the named columns. */
const pick = (rows: Record<string, Cell>[], columns: string[]) =>
  rows.map((row) => columns.map((column) => row[column]).join(' '));

/** `dividend / divisor`, half up at four decimals. */
function ratio(dividend: number, divisor: number): string {
  const sign = Math.sign(divisor);
  const step = BigInt(2 * sign * divisor);
  const sum = BigInt(2 * 10_000 * sign * dividend) + step / 2n;
  const remainder = ((sum % step) + step) % step;
  return decimal(Number((sum - remainder) / step));
}

const groupBy = <Item>(items: Item[], key: (item: Item) => string): Map<string, Item[]> => {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
};

const revenueOf = (lines: SampleSale[]) => lines.reduce((sum, line) => sum + line.amount, 0);
const monthOf = (day: string) => `${day.slice(0, 7)}-01`;
const daysBetween = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 86_400_000;
const monthsBetween = (from: string, to: string) =>
  12 * (Number(to.slice(0, 4)) - Number(from.slice(0, 4))) + Number(to.slice(5, 7)) - Number(from.slice(5, 7));

/** One order a transaction with a line that is not a return; the sample places all lines of one on one day. */
const orders = [
  ...groupBy(
    sales.filter((sale) => sale.quantity >= 0),
    (sale) => sale.transaction,
  ).values(),
].map(([line]) => line!);
const customerSales = groupBy(
  sales.filter((sale) => sale.customer),
  (sale) => sale.customer!,
);
const customerOrders = groupBy(
  orders.filter((order) => order.customer),
  (order) => order.customer!,
);

const quintile = (value: number, values: number[]) =>
  1 + Math.floor((5 * values.filter((other) => other < value).length) / values.length);

test('customer lifetime value', async () => {
  const revenues = [...customerSales.values()].map(revenueOf);
  const expected = [...customerSales].map(([customer, lines]) => {
    const revenue = revenueOf(lines);
    const count = customerOrders.get(customer)?.length ?? 0;
    const average = count > 0 ? ratio(revenue, 10_000 * count) : null;
    return [customer, quintile(revenue, revenues), count, decimal(revenue), average].join(' ');
  });
  const rows = await answer('01_customer_lifetime_value');
  const columns = ['subject_id', 'revenue_quintile', 'orders', 'revenue', 'average_order_value'];
  expect(pick(rows, columns).sort()).toEqual(expected.sort());

  const total = revenues.reduce((sum, revenue) => sum + revenue, 0);
  let cumulative = 0;
  const shares = rows.map((row) => {
    cumulative += revenueOf(customerSales.get(row.subject_id!)!);
    return ratio(cumulative, total);
  });
  expect(pick(rows, ['cumulative_revenue_rate'])).toEqual(shares);
});

test('monthly revenue, whose sum is the revenue of all sales', async () => {
  const months = [...groupBy(sales, (sale) => monthOf(sale.day))].sort(([a], [b]) => (a < b ? -1 : 1));
  const revenues = months.map(([, lines]) => revenueOf(lines));
  const expected = months.map(([month, lines], index) => {
    const placed = orders.filter((order) => monthOf(order.day) === month);
    const returned = -revenueOf(lines.filter((line) => line.quantity < 0));
    const previous = revenues[index - 1];
    const growth = previous && previous > 0 ? ratio(revenues[index]! - previous, previous) : null;
    return [month, placed.length, decimal(revenues[index]!), decimal(returned), growth].join(' ');
  });
  const rows = await answer('02_monthly_revenue');
  expect(pick(rows, ['month_on', 'orders', 'revenue', 'returns_amount', 'growth_rate'])).toEqual(expected);
  const total = rows.reduce((sum, row) => sum + Math.round(10_000 * Number(row.revenue)), 0);
  expect(total).toBe(revenueOf(sales));
});

test('cohort retention', async () => {
  const cohorts = groupBy(
    [...customerOrders.values()],
    (placed) => placed.map((order) => monthOf(order.day)).sort()[0]!,
  );
  const expected = [...cohorts].flatMap(([cohort, customers]) => {
    const retained = Array.from(
      { length: monthsBetween(cohort, asOf) + 1 },
      (_, month) =>
        customers.filter((placed) => placed.some((order) => monthsBetween(cohort, order.day) === month)).length,
    );
    const isComparable = customers.length >= 30 && retained.length > 7;
    const sum = retained.slice(1, 7).reduce((total, count) => total + count, 0);
    const mean = isComparable ? ratio(sum, 6 * customers.length) : null;
    return retained.map((count, month) =>
      [cohort, month, customers.length, count, ratio(count, customers.length), mean].join(' '),
    );
  });
  const rows = await answer('03_cohort_retention');
  const columns = [
    'cohort_on',
    'month_no',
    'cohort_customers',
    'retained_customers',
    'retention_rate',
    'mean_retention_rate',
  ];
  expect(pick(rows, columns).sort()).toEqual(expected.sort());
});

test('channel conversion funnel', async () => {
  const channels = groupBy(tables.fact_session!, (session) => session.channel ?? 'unknown');
  const expected = [...channels]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([channel, sessions]) => {
      const reached = [1, 2, 3, 4, 5].map((step) => sessions.filter((row) => Number(row.funnel_step) >= step).length);
      return reached.map((count, index) => {
        const before = index > 0 ? ratio(count, reached[index - 1]!) : null;
        return [channel, index + 1, count, before, ratio(count, sessions.length)].join(' ');
      });
    });
  const rows = await answer('06_channel_conversion_funnel');
  const columns = ['channel', 'step_no', 'sessions', 'step_conversion_rate', 'overall_conversion_rate'];
  expect(pick(rows, columns)).toEqual(expected);
});

test('RFM segmentation', async () => {
  const customers = [...customerOrders].map(([customer, placed]) => ({
    customer,
    recency: Math.min(...placed.map((order) => daysBetween(order.day, asOf))),
    frequency: placed.length,
    monetary: revenueOf(customerSales.get(customer)!),
  }));
  const expected = customers.map(({ customer, recency, frequency, monetary }) => {
    const scores = [
      quintile(
        -recency,
        customers.map((other) => -other.recency),
      ),
      quintile(
        frequency,
        customers.map((other) => other.frequency),
      ),
      quintile(
        monetary,
        customers.map((other) => other.monetary),
      ),
    ];
    return [customer, scores.join(''), recency, frequency, decimal(monetary)].join(' ');
  });
  const rows = await answer('07_rfm_segmentation');
  const columns = ['subject_id', 'rfm_cell', 'recency_days', 'frequency', 'monetary'];
  expect(pick(rows, columns).sort()).toEqual(expected.sort());
});

test('product affinity', async () => {
  const baskets = [
    ...groupBy(
      sales.filter((sale) => sale.quantity > 0),
      (sale) => sale.transaction,
    ).values(),
  ].map((lines) => new Set(lines.map((line) => line.product)));
  const products = [...new Set(sales.map((sale) => sale.product))].sort();
  const ordersWith = (...wanted: string[]) => baskets.filter((basket) => wanted.every((id) => basket.has(id))).length;
  const expected = products
    .flatMap((a) => products.filter((b) => a < b).map((b) => [a, b] as const))
    .filter(([a, b]) => ordersWith(a, b) > 0 && 200 * ordersWith(a, b) >= baskets.length)
    .map(([a, b]) => {
      const together = ordersWith(a, b);
      const lift = ratio(together * baskets.length, ordersWith(a) * ordersWith(b));
      return [a, b, together, ratio(together, baskets.length), ratio(together, ordersWith(a)), lift].join(' ');
    });
  const rows = await answer('08_product_affinity');
  const columns = ['product_a', 'product_b', 'orders_together', 'support_rate', 'confidence_a_to_b', 'lift'];
  expect(pick(rows, columns).sort()).toEqual(expected.sort());
});

test('experiment results', async () => {
  const byTime = (a: Row, b: Row) => (`${a.occurred_at} ${a.event_key}` < `${b.occurred_at} ${b.event_key}` ? -1 : 1);
  const events = tables.fact_event!.filter((event) => event.visitor_id).sort(byTime);
  const purchases = events.filter((event) => event.event_type === 'purchase');
  const exposures = groupBy(
    events.filter((event) => event.experiment && event.variant),
    (event) => `${event.experiment} ${event.visitor_id}`,
  );
  const first = [...exposures.values()].map(([event]) => event!);
  const counts = [...groupBy(first, (event) => `${event.experiment} ${event.variant}`)].map(([variant, visitors]) => {
    const converted = visitors.filter((exposure) =>
      purchases.some(
        (event) => event.visitor_id === exposure.visitor_id && event.occurred_at! >= exposure.occurred_at!,
      ),
    );
    return { variant, n: visitors.length, c: converted.length };
  });
  const expected = counts.map(({ variant, n, c }) => {
    const control = counts.find((other) => other.variant === `${variant.split(' ')[0]} control`)!;
    if (variant === control.variant) return [variant, n, c, ratio(c, n), null, null].join(' ');
    const pooled = (c + control.c) / (n + control.n);
    const z = (c / n - control.c / control.n) / Math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / control.n));
    const lift = ratio(c * control.n - control.c * n, control.c * n);
    return [variant, n, c, ratio(c, n), lift, decimal(Math.floor(10_000 * z + 0.5))].join(' ');
  });
  const rows = await answer('13_experiment_results');
  const columns = [
    'experiment',
    'variant',
    'visitors',
    'converted_visitors',
    'conversion_rate',
    'lift_rate',
    'z_score',
  ];
  expect(pick(rows, columns).sort()).toEqual(expected.sort());
});
