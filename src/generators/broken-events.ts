/** Events that no door may let in: a spread over contracts and kinds of rules. */
import { type Expectation, refused } from './faults.ts';

export interface PlainEvent {
  eventId: string;
  type: string;
  version?: number;
  timestamp: string;
  payload: object;
}

export interface BrokenEvent {
  expect: Expectation;
  /** False where nobody can read an event id from it. */
  hasId: boolean;
  /** Breaks a valid event. */
  textOf(event: PlainEvent): string;
}

const who = { anonymousId: 'd-broken' };

/** Payloads that break their contract. */
const payloads: readonly [contract: string, payload: object][] = [
  // Nobody did it.
  ['events/page_view/1', { page: '/' }],
  ['events/login/1', { success: true }],
  ['events/logout/1', { userId: null, duration: 12 }],
  ['events/search/1', { userId: '', query: 'lamp' }],
  // A required field is missing.
  ['events/product_view/1', { ...who, price: '9.99' }],
  ['events/add_to_cart/1', { ...who, quantity: 1 }],
  ['events/purchase/1', { ...who, currency: 'USD' }],
  ['events/search/1', { ...who }],
  ['events/search/2', { ...who, query: 'lamp' }],
  ['events/button_click/1', { ...who, buttonId: null }],
  ['events/form_submit/1', { ...who, fields: {} }],
  ['events/log/1', { service: 'storefront', message: 'request served' }],
  ['events/metric/1', { service: 'storefront' }],
  ['events/transaction/1', { amount: '19.99', currency: 'USD' }],
  // A wrong type.
  ['events/page_view/1', { ...who, durationMs: '12' }],
  ['events/add_to_cart/1', { ...who, productId: 'P00001', quantity: 1.5 }],
  ['events/login/1', { ...who, success: 'yes' }],
  ['events/form_submit/1', { ...who, formId: 'contact', fields: ['a', 'b'] }],
  ['events/metric/1', { service: 'storefront', cpu: '35' }],
  ['events/transaction/1', { userId: ['u'], amount: '19.99', currency: 'USD' }],
  // A value outside its list, pattern, format or range.
  ['events/page_view/1', { ...who, channel: 'fax' }],
  ['events/log/1', { service: 'storefront', level: 'LOUD', message: 'request served' }],
  ['events/product_view/1', { ...who, productId: 'no such id' }],
  ['events/checkout_start/1', { ...who, currency: 'dollars' }],
  ['events/purchase/1', { ...who, amount: '12,50', currency: 'USD' }],
  ['events/purchase/1', { ...who, amount: 99_999_999_999, currency: 'USD' }],
  ['events/button_click/1', { ...who, buttonId: '-' }],
  ['events/page_view/1', { ...who, ip: 'localhost' }],
  ['events/metric/1', { service: 'storefront', cpu: 250 }],
  ['events/logout/1', { ...who, duration: -1 }],
  ['events/search/2', { ...who, query: 'x'.repeat(2_049), resultCount: 0 }],
  // What JSON Schema cannot say: a number that has lost digits, and a map nested 40 deep.
  ['events/checkout_start/1', { userId: 2 ** 53 }],
  ['events/form_submit/1', { ...who, formId: 'contact', fields: nested(40) }],
];

function nested(depth: number): object {
  return depth === 0 ? {} : { inner: nested(depth - 1) };
}

/** What makes a valid envelope invalid. */
const envelopes: readonly object[] = [
  { eventId: undefined },
  { eventId: null },
  { eventId: '42' },
  { type: undefined },
  { type: 'Page View' },
  { type: 7 },
  { version: 0 },
  { version: '1' },
  { timestamp: undefined },
  { timestamp: 'yesterday' },
  { timestamp: 1_780_000_000 },
  { timestamp: '2026-02-30T10:00:00Z' },
  { timestamp: '2026-02-03T10:00:00+01:00' },
  { timestamp: '1899-12-31T23:59:59Z' },
  { timestamp: '2016-12-31T23:59:60Z' },
  { payload: undefined },
  { payload: 'none' },
  { payload: [] },
];

const noObjects: readonly string[] = ['[]', '42', 'null', 'true', '"page_view"'];

const noJson: readonly ((json: string) => string)[] = [
  (json) => json.slice(0, -1),
  (json) => json.slice(0, json.length / 2),
  (json) => `${json.slice(0, -1)},}`,
  (json) => `${json}${json}`,
  (json) => json.replaceAll('"', "'"),
  (json) => json.replace('{', '{"cpu":NaN,'),
  () => 'page_view',
];

export const brokenEvents: readonly BrokenEvent[] = [
  ...payloads.map(([contract, payload]): BrokenEvent => {
    const [, type, version] = contract.split('/');
    return {
      expect: refused('schema_violation', contract),
      hasId: true,
      textOf: (event) => JSON.stringify({ ...event, type, version: Number(version), payload }),
    };
  }),
  ...envelopes.map(
    (change): BrokenEvent => ({
      expect: refused('schema_violation', 'envelope'),
      hasId: !('eventId' in change),
      textOf: (event) => JSON.stringify({ ...event, ...change }),
    }),
  ),
  ...noObjects.map(
    (text): BrokenEvent => ({
      expect: refused('schema_violation', 'envelope'),
      hasId: false,
      textOf: () => text,
    }),
  ),
  ...noJson.map(
    (breaking): BrokenEvent => ({
      expect: refused('not_json'),
      hasId: false,
      textOf: (event) => breaking(JSON.stringify(event)),
    }),
  ),
];
