/** What the demo shows of each answer: the few rows and columns in which its point is seen at a glance. */
import { sumOfMoney } from '../domain/money.ts';
import type { ResultSet, Scalar } from '../ports.ts';
import { styled } from './output.ts';

type Row = Record<string, Scalar>;
type Columns = Record<string, string>;

const text = 'VARCHAR';
const money = 'DECIMAL(18,4)';
const whole = 'BIGINT';
const rate = 'RATE';

/** The part of an answer that the demo shows, by the query's name; a query that is not named here shows its first rows. */
export function highlight(name: string, result: ResultSet): ResultSet {
  const show = highlights[name];
  if (!show) return { ...result, rows: result.rows.slice(0, 8) };
  const rows = result.rows.map((row) =>
    Object.fromEntries(result.columns.map((column, index) => [column.name, row[index]!])),
  );
  return show(rows);
}

const highlights: Record<string, (rows: Row[]) => ResultSet> = {
  customer_lifetime_value: (rows) =>
    pick(rows.slice(0, 5), {
      subject_id: text,
      segment: text,
      orders: whole,
      revenue: money,
      average_order_value: money,
      first_order_on: text,
      last_order_on: text,
    }),

  monthly_revenue: (rows) => {
    const most = Math.max(...rows.map((row) => Number(row.revenue)));
    const shown = rows.slice(-12).map((row) => ({ ...row, trend: bar(Number(row.revenue), most) }));
    return pick(shown, {
      month_on: text,
      orders: whole,
      customers: whole,
      revenue: money,
      growth_rate: rate,
      trend: text,
    });
  },

  cohort_retention: (rows) => {
    const cohorts = [...Map.groupBy(rows, (row) => row.cohort_on).values()].filter(
      ([first]) => first!.mean_retention_rate !== null,
    );
    const shown = cohorts
      .sort(([a], [b]) => Number(b!.mean_retention_rate) - Number(a!.mean_retention_rate))
      .slice(0, 8)
      .map((months) => {
        const { cohort_on, cohort_customers, mean_retention_rate, is_best_cohort } = months[0]!;
        const retained = months.slice(1, 7).map((month) => [`month ${month.month_no}`, month.retention_rate!]);
        const best = is_best_cohort ? styled('green', '◄ best') : '';
        return {
          cohort_on,
          customers: cohort_customers,
          ...Object.fromEntries(retained),
          mean: mean_retention_rate,
          ' ': best,
        } as Row;
      });
    const months = Object.fromEntries([1, 2, 3, 4, 5, 6].map((month) => [`month ${month}`, rate]));
    return pick(shown, { cohort_on: text, customers: whole, ...months, mean: rate, ' ': text });
  },

  channel_conversion_funnel: (rows) => {
    const steps = ['product_view', 'add_to_cart', 'checkout_start', 'purchase'];
    const shown = [...Map.groupBy(rows, (row) => row.channel)].map(([channel, ofChannel]) => {
      const rates = steps.map((step) => {
        const row = ofChannel.find((candidate) => candidate.step === step);
        const rate = `${(Number(row?.step_conversion_rate ?? 0) * 100).toFixed(1)} %`;
        return [step, row?.is_worst_step ? styled('red', `${rate} ◄ worst`) : rate];
      });
      const last = ofChannel.at(-1);
      return {
        channel,
        sessions: ofChannel[0]!.sessions,
        ...Object.fromEntries(rates),
        overall: last?.overall_conversion_rate,
      } as Row;
    });
    const columns = Object.fromEntries(steps.map((step) => [step, text]));
    return pick(shown, { channel: text, sessions: whole, ...columns, overall: rate });
  },

  product_performance_matrix: (rows) => byClass(rows, 'matrix_class', 'products', 'revenue'),

  churn_risk: (rows) => byClass(rows, 'risk', 'customers', 'revenue'),

  rfm_segmentation: (rows) => byClass(rows, 'segment', 'customers', 'monetary'),

  product_affinity: (rows) =>
    pick(
      rows.slice(0, 5).map((row) => ({ ...row, product: row.product_a_name!, bought_with: row.product_b_name! })),
      {
        product: text,
        bought_with: text,
        orders_together: whole,
        support_rate: rate,
        confidence_a_to_b: rate,
        lift: money,
      },
    ),

  experiment_results: (rows) =>
    pick(rows, {
      experiment: text,
      variant: text,
      visitors: whole,
      conversion_rate: rate,
      lift_rate: rate,
      z_score: money,
      is_significant: 'BOOLEAN',
      is_winner: 'BOOLEAN',
    }),
};

/** How many rows each class has and what revenue they bring, the most first. */
function byClass(rows: Row[], column: string, counted: string, amount: string): ResultSet {
  const total = sum(rows, amount);
  const classes = [...Map.groupBy(rows, (row) => row[column]!)].map(([name, ofClass]): Row => {
    const revenue = sum(ofClass, amount);
    const revenue_rate = String(Number(revenue) / Number(total));
    return { [column]: name, [counted]: ofClass.length, revenue, revenue_rate, share: bar(Number(revenue_rate), 1) };
  });
  const shown = classes.sort((a, b) => Number(b.revenue) - Number(a.revenue));
  return pick(shown, { [column]: text, [counted]: whole, revenue: money, revenue_rate: rate, share: text });
}

function pick(rows: Row[], columns: Columns): ResultSet {
  return {
    columns: Object.entries(columns).map(([name, type]) => ({ name, type })),
    rows: rows.map((row) => Object.keys(columns).map((name) => row[name] ?? null)),
  };
}

const sum = (rows: Row[], column: string): string => sumOfMoney(rows.map((row) => String(row[column])));

const barWidth = 24;

/** A bar as long as the value's share of the greatest, in eighths of a character. */
function bar(value: number, most: number): string {
  const eighths = most > 0 ? Math.max(0, Math.round((value / most) * barWidth * 8)) : 0;
  return '█'.repeat(Math.floor(eighths / 8)) + (['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? '');
}
