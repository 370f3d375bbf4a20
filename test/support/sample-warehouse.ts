/** A small warehouse of seeded random rows with what is awkward in real ones: guests, returns, ties, nulls, gaps. */
import { type Cell, insertRows, type SqlEngine } from './sql-engines.ts';

export type Row = Record<string, Cell>;

export interface SampleSale {
  transaction: string;
  customer: string | null;
  product: string;
  quantity: number;
  /** Ten-thousandths. */
  amount: number;
  day: string;
}

export interface SampleWarehouse {
  asOf: string;
  sales: SampleSale[];
  /** Table -> rows, all rows of a table naming the same columns. */
  tables: Record<string, Row[]>;
}

type Random = (below: number) => number;

/** Whole numbers from 0 to below a limit, the same for the same seed (mulberry32). */
function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const asOf = '2026-06-20';
const firstDay = Date.UTC(2025, 9, 1);
const dayAt = (day: number, seconds = 0) => new Date(firstDay + (day * 86_400 + seconds) * 1000).toISOString();
const dateOf = (day: number) => dayAt(day).slice(0, 10);
const lastDay = (Date.parse(asOf) - firstDay) / 86_400_000;

/** Ten-thousandths as decimal text. */
export const decimal = (minor: number): string =>
  `${minor < 0 ? '-' : ''}${Math.floor(Math.abs(minor) / 10_000)}.${String(Math.abs(minor) % 10_000).padStart(4, '0')}`;

export function sampleWarehouse(seed: number): SampleWarehouse {
  const random = seeded(seed);
  const sales = sampleSales(random);
  return {
    asOf,
    sales,
    tables: {
      load_state: [{ run_id: 'r1', snapshot_no: '1', as_of_on: asOf, loaded_at: `${asOf} 00:00:00` }],
      dim_date: sampleDates(),
      dim_product: sampleProducts(),
      fact_sales: sales.map(saleRow),
      fact_session: sampleSessions(random),
      fact_event: sampleEvents(random),
    },
  };
}

export async function insertSample(engine: SqlEngine, tables: SampleWarehouse['tables']): Promise<void> {
  for (const [table, rows] of Object.entries(tables)) {
    const columns = Object.keys(rows[0]!);
    const values = rows.map((row) => columns.map((column) => row[column]!));
    await insertRows(engine, table, columns, values);
  }
}

/** Two months of first orders, then orders on any day; each third customer orders on, a tenth of the orders are guests'. */
function sampleSales(random: Random): SampleSale[] {
  const sales: SampleSale[] = [];
  for (let order = 0; order < 180; order++) {
    const customer = order < 80 ? order : 3 * random(27);
    const day = order < 80 ? random(60) : random(lastDay + 1);
    const isGuest = order >= 80 && random(10) === 0;
    for (let line = 0; line < 1 + random(4); line++) {
      const quantity = random(12) === 0 ? -1 - random(2) : random(4);
      sales.push({
        transaction: `t${order}`,
        customer: isGuest ? null : `c${customer}`,
        product: `p${random(9)}`,
        quantity,
        amount: quantity * [19_9900, 5_0000, 10_0001, 333][random(4)]!,
        day: dateOf(day),
      });
    }
  }
  return sales;
}

function saleRow(sale: SampleSale, index: number): Row {
  return {
    sale_key: `k${index}`,
    transaction_id: sale.transaction,
    subject_id: sale.customer,
    product_id: sale.product,
    channel: 'web',
    country: 'DE',
    payment_method: 'card',
    currency: 'EUR',
    line_no: String(index),
    quantity: String(sale.quantity),
    discount: '0',
    amount: decimal(sale.amount),
    is_return: String(sale.quantity < 0),
    ordered_on: sale.day,
    ordered_at: `${sale.day} 12:00:00`,
  };
}

function sampleDates(): Row[] {
  return Array.from({ length: lastDay + 40 }, (_, day) => ({
    date_on: dateOf(day),
    month_on: `${dateOf(day).slice(0, 7)}-01`,
    year_no: '0',
    quarter_no: '0',
    month_no: '0',
    day_of_month: '0',
    day_of_year: '0',
    iso_week: '0',
    iso_weekday: '0',
    is_weekend: 'false',
  }));
}

/** Product p0 has two versions, p8 was never described. */
function sampleProducts(): Row[] {
  return ['p0', ...Array.from({ length: 8 }, (_, index) => `p${index}`)].map((product, index) => ({
    product_version_key: `v${index}`,
    product_id: product,
    product_name: index % 3 === 2 ? null : `Name ${index}`,
    version_no: '1',
    is_current: String(index > 0),
    is_deleted: 'false',
    is_inferred: 'false',
    valid_from: '2025-01-01 00:00:00',
    valid_to: '9999-12-31 00:00:00',
  }));
}

const channels = ['web', 'mobile', 'email', null];

function sampleSessions(random: Random): Row[] {
  return Array.from({ length: 200 }, (_, index) => ({
    session_key: `s${index}`,
    visitor_id: `v${random(60)}`,
    channel: channels[random(4)]!,
    event_count: '1',
    page_view_count: '1',
    funnel_step: String(1 + random(5)),
    duration_s: '0',
    has_login: 'false',
    has_purchase: 'false',
    started_on: asOf,
    started_at: `${asOf} 00:00:00`,
    ended_at: `${asOf} 00:00:00`,
  }));
}

const variants = ['control', 'short', 'long', null];

function sampleEvents(random: Random): Row[] {
  return Array.from({ length: 300 }, (_, index) => {
    const at = dayAt(random(20), random(50));
    const variant = variants[random(4)]!;
    return {
      event_key: `e${index}`,
      event_id: `e${index}`,
      event_type: random(4) === 0 ? 'purchase' : 'page_view',
      visitor_id: random(10) === 0 ? null : `v${random(80)}`,
      experiment: variant && ['checkout', 'colour'][random(2)]!,
      variant,
      occurred_on: at.slice(0, 10),
      occurred_at: at.slice(0, 19).replace('T', ' '),
    };
  });
}
