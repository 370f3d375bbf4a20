/** Raw lines that keep every shipped check, and how to make others like them. */
import type { Dataset } from '../../src/contracts/index.ts';
import type { RawLine } from '../../src/domain/privacy/separate.ts';

const days = Array.from({ length: 40 }, (_, index) =>
  new Date(Date.UTC(2026, 0, 20 + index)).toISOString().slice(0, 10),
);
/** When a run begins over them: right after the last has arrived. */
export const runAt = '2026-03-01T00:30:00.000Z';

export const uuid = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
let lineNumber = 1000;
const rowOrigin = (file: string) => {
  lineNumber += 1;
  return { source_file: file.padEnd(64, '0'), source_line: lineNumber, unknown_field_count: 0 };
};
export const arrived = (day: string) => ({ arrived_at: `${day}T23:00:00.000Z` });
const first = days[0]!;
export const tenth = days[9]!;
export const twentieth = days[19]!;
export const last = days[39]!;

export function event(number: number, day: string, changes: RawLine = {}): RawLine {
  return {
    event_id: uuid(number),
    event_type: 'page_view',
    event_version: 1,
    occurred_at: `${day}T10:00:00.000Z`,
    anonymous_subject_id: uuid(700 + (number % 3)),
    source_shard: 'shardId-000000000000',
    source_sequence: String(number),
    unknown_field_count: 0,
    ...arrived(day),
    ...changes,
  };
}

export function sale(id: string, day: string, changes: RawLine = {}): RawLine {
  return {
    transaction_id: id,
    line_no: 1,
    subject_id: uuid(801),
    product_id: 'p1',
    quantity: 1,
    unit_price: '10.0000',
    amount: '10.0000',
    currency: 'USD',
    channel: 'web',
    country: 'DE',
    payment_method: 'card',
    ordered_at: `${day}T10:00:00.000Z`,
    ...rowOrigin('a'),
    ...arrived(day),
    ...changes,
  };
}

export const customer = (subject: number, changes: RawLine = {}): RawLine => ({
  subject_id: uuid(subject),
  country: 'DE',
  city: 'Berlin',
  birth_decade: 1980,
  signup_month: '2026-01-01',
  acquisition_channel: 'web',
  updated_at: `${first}T00:00:00.000Z`,
  ...rowOrigin('c'),
  ...arrived(first),
  ...changes,
});

export const product = (id: string, changes: RawLine = {}): RawLine => ({
  product_id: id,
  product_name: 'Teapot',
  category: 'Kitchen',
  brand: 'Alderway',
  price: '10.0000',
  cost: '5.0000',
  updated_at: `${first}T00:00:00.000Z`,
  ...rowOrigin('b'),
  ...arrived(first),
  ...changes,
});

/** Records that keep every check: one event and one sale a day, two customers and products of which one has changed. */
export const soundLines: Record<Dataset, RawLine[]> = {
  events: [
    ...days.map((day, index) => event(index + 1, day)),
    event(101, tenth, { event_type: 'purchase', order_id: `t-${tenth}`, amount: '10.0000', currency: 'USD' }),
    event(102, tenth, { event_type: 'add_to_cart', product_id: 'p1', price: '10.0000', currency: 'USD' }),
  ],
  customers: [
    customer(801),
    customer(801, { city: 'Bonn', updated_at: `${tenth}T00:00:00.000Z`, ...arrived(tenth) }),
    customer(802),
  ],
  products: [
    product('p1'),
    product('p1', { price: '11.0000', updated_at: `${tenth}T00:00:00.000Z`, ...arrived(tenth) }),
    product('p2'),
  ],
  transactions: [
    ...days.map((day) => sale(`t-${day}`, day)),
    sale('cancelled', tenth, { quantity: 0, amount: '0.0000' }),
  ],
};
