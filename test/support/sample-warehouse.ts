/** A small warehouse of seeded random rows with what is awkward in real ones: guests, returns, ties, nulls, gaps. */
import { decimal } from './arithmetic.ts';
import { type Cell, insertRows, type SqlEngine } from './sql-engines.ts';

type Row = Record<string, Cell>;

interface SampleSale {
  transaction: string;
  customer: string | null;
  product: string;
  quantity: number;
  /** Ten-thousandths. */
  amount: number;
  day: string;
}

/** Table -> rows, all rows of a table naming the same columns. */
export type SampleWarehouse = Record<string, Row[]>;

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
/** More than a year before the as-of date. */
const firstDay = Date.UTC(2025, 4, 1);
const dayAt = (day: number, seconds = 0) => new Date(firstDay + (day * 86_400 + seconds) * 1000).toISOString();
const dateOf = (day: number) => dayAt(day).slice(0, 10);
const lastDay = (Date.parse(asOf) - firstDay) / 86_400_000;

export function sampleWarehouse(seed: number): SampleWarehouse {
  const random = seeded(seed);
  return {
    load_state: [{ run_id: 'r1', snapshot_no: '1', as_of_on: asOf, loaded_at: `${asOf} 00:00:00` }],
    dim_date: sampleDates(),
    dim_product: sampleProducts(random),
    dim_customer: sampleCustomers(),
    fact_sales: sampleSales(random).map((sale, index) => saleRow(sale, index, random)),
    fact_session: sampleSessions(random),
    fact_event: sampleEvents(random),
  };
}

export async function insertSample(engine: SqlEngine, tables: SampleWarehouse): Promise<void> {
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

const countries = ['DE', 'FR', 'JP'];

function saleRow(sale: SampleSale, index: number, random: Random): Row {
  return {
    sale_key: `k${index}`,
    transaction_id: sale.transaction,
    subject_id: sale.customer,
    product_id: sale.product,
    channel: 'web',
    country: countries[random(3)]!,
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
    // The first day is a Thursday.
    iso_weekday: String(((day + 3) % 7) + 1),
    is_weekend: 'false',
  }));
}

/** Product p0 has two versions, p8 was never described, some have no name, no category or no known cost. */
function sampleProducts(random: Random): Row[] {
  return ['p0', ...Array.from({ length: 8 }, (_, index) => `p${index}`)].map((product, index) => ({
    product_version_key: `v${index}`,
    product_id: product,
    product_name: index % 3 === 2 ? null : `Name ${index}`,
    category: index % 4 === 3 ? null : `Category ${index % 2}`,
    cost: index === 5 ? null : decimal(random(20) * 1_0001),
    version_no: '1',
    is_current: String(index > 0),
    is_deleted: 'false',
    is_inferred: 'false',
    valid_from: index === 1 ? '2025-09-01 00:00:00' : '1900-01-01 00:00:00',
    valid_to: index === 0 ? '2025-09-01 00:00:00' : '9999-12-31 00:00:00',
  }));
}

/** Each third customer moves once, within a country or out of it; those from c40 on were never described. */
function sampleCustomers(): Row[] {
  const moved = '2025-10-01 12:00:00';
  return Array.from({ length: 40 }, (_, index) => index).flatMap((index) => {
    const version = (number: number, isCurrent: boolean, valid_from: string, valid_to: string): Row => ({
      customer_version_key: `v${index}-${number}`,
      subject_id: `c${index}`,
      country: countries[(index + number) % 2]!,
      city: index % 7 === 6 ? null : `City ${(index + number) % 4}`,
      version_no: String(number),
      is_current: String(isCurrent),
      is_deleted: 'false',
      is_inferred: 'false',
      valid_from,
      valid_to,
    });
    if (index % 3 > 0) return [version(1, true, '1900-01-01 00:00:00', '9999-12-31 00:00:00')];
    return [version(1, false, '1900-01-01 00:00:00', moved), version(2, true, moved, '9999-12-31 00:00:00')];
  });
}

const channels = ['web', 'mobile', 'email', null];

const campaigns = ['spring', 'autumn', null];

function sampleSessions(random: Random): Row[] {
  return Array.from({ length: 200 }, (_, index) => {
    const at = dayAt(random(100), random(1_000));
    return {
      session_key: `s${index}`,
      visitor_id: `v${random(40)}`,
      channel: channels[random(4)]!,
      campaign: campaigns[random(3)]!,
      event_count: '1',
      page_view_count: '1',
      funnel_step: String(1 + random(5)),
      duration_s: '0',
      has_login: 'false',
      has_purchase: String(random(4) === 0),
      started_on: at.slice(0, 10),
      started_at: timestamp(at),
      ended_at: timestamp(at),
    };
  });
}

const timestamp = (at: string) => at.slice(0, 19).replace('T', ' ');

const variants = ['control', 'short', 'long', null];
const eventTypes = ['page_view', 'page_view', 'button_click', 'form_submit', 'purchase'];

function sampleEvents(random: Random): Row[] {
  return Array.from({ length: 400 }, (_, index) => {
    const at = dayAt(random(50), random(50));
    const type = eventTypes[random(5)]!;
    const variant = variants[random(4)]!;
    return {
      event_key: `e${index}`,
      event_id: `e${index}`,
      event_type: type,
      visitor_id: random(10) === 0 ? null : `v${random(80)}`,
      session_key: random(10) === 0 ? null : `s${random(200)}`,
      experiment: variant && ['checkout', 'colour'][random(2)]!,
      variant,
      order_id: type === 'purchase' ? [`t${random(180)}`, null][random(8) === 0 ? 1 : 0]! : null,
      button_id: type === 'button_click' ? ['buy', 'share'][random(2)]! : null,
      form_id: type === 'form_submit' ? 'contact' : null,
      occurred_on: at.slice(0, 10),
      occurred_at: timestamp(at),
    };
  });
}
