/** Records that keep their contracts and whose values lie where engines part: at the ends of days, types and alphabets. */
import type { JsonObject } from '../../src/domain/json.ts';

/** Ends of days and years, a leap day, hours that a local clock leaves out or has twice, and times before 1970. */
const times = [
  '1900-01-01T00:00:00.000Z',
  '1969-12-31T23:59:59.999Z',
  '1970-01-01T00:00:00.000Z',
  '2024-02-29T00:00:00.000Z',
  '2024-02-29T23:59:59.999Z',
  '2024-12-31T23:59:59.999Z',
  '2025-01-01T00:00:00.000Z',
  '2026-03-08T02:30:00.000Z',
  '2026-03-29T02:30:00.001Z',
  '2026-10-25T01:30:00.010Z',
  '2026-10-25T02:30:00.100+00:00',
  '2026-10-31T23:59:59.999999999Z',
];

/** Texts that are nearly something else, of each plane of Unicode, and as long as a contract allows: 8 KiB of UTF-8. */
const texts = [
  '',
  ' ',
  'NULL',
  'null',
  '2026-01-01',
  '1e5',
  'true',
  ' leading and trailing ',
  'a\ttab, a\nline, a\rreturn, "quotes", \\ and \\n',
  'Übergröße É é ß İ ı Σς',
  '東京 한국어 עברית العربية',
  '\uffff before \u{1f6cd} in UTF-16, behind it in UTF-8',
  '\u{1f6cd}\ufe0f\u200d\u2028\u00a0\ufeff',
  '\u0001\u007f\u0085',
  // What no text can hold, for which the door puts a sign.
  'nought \u0000, half a pair \ud800',
  'x'.repeat(2048),
  '\u{1f6cd}'.repeat(2048),
];

const amounts = ['0.0000', '-0.0001', '0.0001', '9999999999.9999', '-9999999999.9999', '+0.5', 0.1, 1e-4, -3];

const percents = [0, 100, 0.1 + 0.2, 5e-324, 1e-7, 99.99999999999999, 1 / 3, 12.5];

const counts = [0, 1, 2_147_483_647];

/** `id` tells records of one kind apart from those of other calls. */
const eventId = (id: string, number: number): string =>
  `ed9e0000-0000-4000-8000-${id.padStart(4, '0')}${String(number).padStart(8, '0')}`;

/** Events on the edges, each of a visitor of its own or of one of those whose visit they are in. */
export function edgeEvents(): JsonObject[] {
  let number = 0;
  const event = (type: string, timestamp: string, payload: JsonObject, version = 1): JsonObject => {
    number += 1;
    return { eventId: eventId('e', number), type, version, timestamp, payload };
  };
  const day = '2026-10-30T10:00:00.000Z';
  const somebody = () => ({ anonymousId: `edge-${number}` });
  return [
    ...times.map((time) => event('page_view', time, { ...somebody(), page: '/' })),
    // One visit up to a gap of half an hour; a millisecond more begins the next. One at midnight begins a day's own.
    ...['10:00:00.000', '10:30:00.000', '11:00:00.001', '23:45:00.000'].map((time) =>
      event('page_view', `2024-02-28T${time}Z`, { anonymousId: 'edge-visitor', page: '/' }),
    ),
    event('page_view', '2024-02-29T00:00:00.000Z', { anonymousId: 'edge-visitor', page: '/' }),
    // Of one moment: their order is that of their ids.
    ...['web', 'mobile', 'email'].map((channel) =>
      event('product_view', day, { anonymousId: 'edge-twins', channel, productId: `twin-${channel}` }),
    ),
    ...texts.map((text) =>
      event('page_view', day, {
        ...somebody(),
        page: text,
        referrer: text,
        campaign: text,
        device: text.slice(0, 500),
      }),
    ),
    ...texts.map((query, at) =>
      event('search', day, { ...somebody(), query, resultCount: counts[at % counts.length]! }, 2),
    ),
    ...texts.map((message) => event('log', day, { service: 'shop', level: 'ERROR', message })),
    // Not dollars, whose greatest price a check knows.
    ...amounts.map((amount) => event('purchase', day, { ...somebody(), amount, currency: 'JPY' })),
    ...amounts.map((price, at) =>
      event('product_view', day, { ...somebody(), productId: `edge-${at}`, price, currency: 'JPY' }),
    ),
    ...counts.map((itemCount) => event('purchase', day, { ...somebody(), amount: 1, currency: 'JPY', itemCount })),
    ...percents.map((cpu) => event('metric', day, { service: 'shop', cpu, latency_ms: cpu * 1000 })),
    event('metric', day, { service: 'shop', latency_ms: 86_400_000 }),
    event('login', day, somebody()),
    event('login', day, { ...somebody(), success: false }),
  ];
}

/** Sales on the edges, in currencies of `edgeRates`. */
export function edgeSales(): JsonObject[] {
  const sale = (line: JsonObject, at: number): JsonObject => ({
    transaction_id: 'edge-sale',
    line_no: at + 1,
    product_id: `edge-${at % 3}`,
    quantity: 1,
    channel: 'store',
    country: 'JP',
    payment_method: 'cash',
    ordered_at: '2026-10-30T10:00:00.000Z',
    ...line,
  });
  return [
    ...times.filter((time) => time >= '2000').map((time) => ({ currency: 'GBP', amount: '0.3333', ordered_at: time })),
    // Half of the last place, which is rounded away from zero on both sides of it.
    ...['0.0001', '-0.0001', '0.0003', '-0.0003'].map((amount) => ({ currency: 'GBP', amount })),
    ...['9999999999.9999', '-9999999999.9999', '1', '-1', '0.0000'].map((amount) => ({ currency: 'JPY', amount })),
    ...[-10_000, -3, 0, 7, 9999].map((quantity) => ({ currency: 'CHF', quantity, unit_price: '33.3333' })),
    { currency: 'CHF', quantity: 3, unit_price: '0.0001', discount: '0.0003' },
    { currency: 'CHF', quantity: -3, unit_price: '1999.9999', discount: '-0.0001' },
    {
      currency: 'CHF',
      quantity: 2,
      unit_price: '9.99',
      amount: '19.97',
      discount: '0.01',
      customer_id: 'edge-customer',
    },
  ].map(sale);
}

/** The rates of the currencies in which edge sales are paid, from a day on that all of them have. */
export function edgeRates(poundsNow: string): string {
  return [
    'currency,valid_on,rate',
    'GBP,2000-01-01,0.5',
    'GBP,2024-02-29,1.2345678901',
    `GBP,2026-10-30,${poundsNow}`,
    'JPY,2000-01-01,0.0000000001',
    'JPY,2026-10-30,0.0067123456',
    'CHF,2000-01-01,1.1',
  ].join('\n');
}

/** Products with edge texts and prices, as a full file without times, or with them. */
export const edgeProducts = (times: JsonObject): JsonObject[] =>
  texts.slice(1).map((text, at) => ({
    product_id: `edge-${at}`,
    name: text,
    category: texts.at(-1 - (at % 5))!,
    brand: texts[1 + (at % 7)]!,
    price: String(amounts[at % amounts.length]).replace(/^[+-]|e.*/g, ''),
    cost: '0',
    ...times,
  }));

/** Customers whose cities order differently in UTF-8 and UTF-16, born and registered on the edges. */
export const edgeCustomers = (times: JsonObject): JsonObject[] =>
  texts.map((text, at) => ({
    customer_id: at % 2 === 0 ? `edge-customer-${Math.floor(at / 2)}` : `edge-customer ${text.slice(0, 50)}`,
    email: 'edge@example.com',
    full_name: 'Edge',
    address: 'Street 1',
    phone: '+81 3 0000',
    country: 'JP',
    city: [...text].slice(0, 100).join('') || ' ',
    birth_year: [1880, 1899, 1999, 2000][at % 4]!,
    signup_date: ['1970-01-01', '2024-02-29', '2025-12-31', '1899-12-31'][at % 4]!,
    acquisition_channel: 'web',
    ...times,
  }));
