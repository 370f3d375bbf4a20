/**
 * What comes in after a generated shop has been published, with `firstRates` in force: three days of records that are new, late, sent again, changed,
 * moved, taken back, unknown, refused or on the edge of what a contract allows. Equal requests give equal days.
 */
import { parse } from 'csv-parse/sync';
import type { Dataset } from '../../src/contracts/index.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { type GeneratorRequest, generate } from '../../src/generators/index.ts';
import { Random } from '../../src/generators/random.ts';
import { edgeCustomers, edgeEvents, edgeProducts, edgeRates, edgeSales } from './edge-records.ts';
import { type Arrival, type Happening, History } from './history.ts';

export interface LaterDay {
  /** A rates file that is put in force before anything arrives. */
  rates?: string;
  arrivals: Arrival[];
}

/** Whose ten days hold a leap day and a turn of the year. */
const historySeeds = [3, 4];
/** So many days of the shop are touched again on a later day, which keeps the number of partitions small. */
const daysTouched = 6;

/** The records of a shop that later days come back to. */
class PublishedShop {
  readonly #random = new Random(7, 'later days');
  readonly #events: JsonObject[];
  readonly #lines: JsonObject[];
  readonly #customers: JsonObject[];
  readonly #products: JsonObject[];

  constructor(request: GeneratorRequest) {
    const [customers, products, lines, events] = generate(request).map((file) => [...file.lines()]);
    const rows = (texts: string[]) => parse(texts.join(''), { columns: true }) as JsonObject[];
    this.#customers = rows(customers!);
    this.#products = rows(products!);
    this.#lines = rows(lines!);
    this.#events = events!.map((line) => JSON.parse(line) as JsonObject);
  }

  /** Events of some days: sent again, changed under their id, on another day under their id, and others that were late. */
  someEvents(): JsonObject[] {
    const random = this.#random;
    const days = this.#days(this.#events, 'timestamp');
    const found = this.#events.filter((event) => days.has(dayOf(event, 'timestamp')));
    return found
      .filter(() => random.chance(0.5))
      .flatMap((event): JsonObject[] => {
        const otherDay = random.pick([...days]);
        return random.pick<JsonObject[]>([
          [event],
          [event, event],
          [{ ...event, payload: { ...(event.payload as JsonObject), channel: 'email' } }],
          [moved(event, 'timestamp', otherDay)],
          [{ ...event, eventId: random.uuid() }],
          [{ ...moved(event, 'timestamp', otherDay), eventId: random.uuid() }],
        ]);
      });
  }

  /** Lines of some days: as they were, corrected, moved to another day, cancelled, returned, or of nobody known. */
  someLines(unknown: string): JsonObject[] {
    const random = this.#random;
    const days = this.#days(this.#lines, 'ordered_at');
    const found = this.#lines.filter((line) => days.has(dayOf(line, 'ordered_at')));
    return found
      .filter(() => random.chance(0.7))
      .map((line) => {
        const { customer_id: _, ...guest } = line;
        return random.pick<JsonObject>([
          line,
          guest,
          { ...line, amount: '0.0100' },
          { ...line, quantity: 0, amount: '0' },
          moved(line, 'ordered_at', random.pick([...days])),
          { ...line, transaction_id: `${line.transaction_id}-back`, quantity: -1, amount: '-12.3456' },
          { ...line, customer_id: `${unknown}-${random.between(1, 5)}` },
          { ...line, product_id: `${unknown}-${random.between(1, 5)}` },
        ]);
      });
  }

  /** Some of the customers, or of the products, as `change` says. */
  someCustomers = (change: (row: JsonObject, random: Random) => JsonObject) =>
    this.#some(this.#customers, 0.02, change);
  someProducts = (change: (row: JsonObject, random: Random) => JsonObject) => this.#some(this.#products, 0.2, change);

  #some(rows: JsonObject[], share: number, change: (row: JsonObject, random: Random) => JsonObject): JsonObject[] {
    return rows.filter(() => this.#random.chance(share)).map((row) => change(row, this.#random));
  }

  #days(records: JsonObject[], time: string): Set<string> {
    const days = [...new Set(records.map((record) => dayOf(record, time)))].sort();
    return new Set(Array.from({ length: daysTouched }, () => this.#random.pick(days)));
  }
}

const dayOf = (record: JsonObject, time: string): string => String(record[time]).slice(0, 10);

const moved = (record: JsonObject, time: string, day: string): JsonObject => ({
  ...record,
  [time]: `${day}${String(record[time]).slice(10)}`,
});

/** What no gate lets through, each for a check of its own. */
function refusedSales(): JsonObject[] {
  const sale = { line_no: 1, product_id: 'edge-0', quantity: 1, currency: 'USD', amount: '1', channel: 'web' };
  const rest = { country: 'US', payment_method: 'card', ordered_at: '2026-10-30T12:00:00.000Z' };
  return [
    { transaction_id: 'refused-ahead', ordered_at: '2027-10-30T12:00:00.000Z' },
    { transaction_id: 'refused-before', ordered_at: '1969-12-31T23:59:59.999Z' },
    { transaction_id: 'refused-units', quantity: 900_000 },
    { transaction_id: 'refused-price', unit_price: '5000.0001' },
    { transaction_id: 'refused-discount', unit_price: '1', discount: '1.0001' },
    // Two checks refuse the one row.
    { transaction_id: 'refused-twice', unit_price: '-1', quantity: 10_001 },
  ].map((line) => ({ ...sale, ...rest, ...line }));
}

function refusedEvents(): JsonObject[] {
  const somebody = { anonymousId: 'edge' };
  const price = { productId: 'edge-0', price: 9999, currency: 'USD' };
  return [
    { type: 'page_view', timestamp: '2030-01-01T00:00:00.000Z', payload: { ...somebody, page: '/' } },
    { type: 'logout', timestamp: '2026-10-30T12:00:00.000Z', payload: { ...somebody, duration: 946_080_000 } },
    { type: 'product_view', timestamp: '2026-10-30T12:00:00.000Z', payload: { ...somebody, ...price } },
  ].map((event, at) => ({ ...event, eventId: `ed9e0001-0000-4000-8000-00000000000${at}` }));
}

/** The rates to set before the shop is published. */
export const firstRates = edgeRates('0.5');

/** Three days behind the last of the shop. */
export function laterDays(request: GeneratorRequest): LaterDay[] {
  const shop = new PublishedShop({ ...request, faults: [] });
  const histories = historySeeds.map((seed) => [...new History(seed).days()].map((day) => day.filter(isArrival)));
  const ofHistories = (from: number, to: number) => histories.flatMap((days) => days.slice(from, to).flat());
  return [
    { arrivals: [...newAndLate(shop), ...ofHistories(0, 4)] },
    { arrivals: [...describedAndDeleted(shop), ...ofHistories(4, 7)] },
    // One day's rate is another one, so that all sales are converted again.
    { rates: edgeRates('1.5000000001'), arrivals: [...madeAgain(shop), ...ofHistories(7, 10)] },
  ];
}

/** Late events, corrected lines, moved customers, deleted products, all edges, and what no customer or product row describes. */
function newAndLate(shop: PublishedShop): Arrival[] {
  const since = { updated_at: '2026-10-30T00:00:00Z' };
  return [
    file('products', [...edgeProducts(since), ...shop.someProducts(deleted)]),
    file('customers', [...shop.someCustomers(movedTo('Ulm', '東京')), ...edgeCustomers(since)]),
    file('transactions', [...shop.someLines('later-1'), ...edgeSales(), ...refusedSales()]),
    events([...shop.someEvents(), ...edgeEvents(), ...refusedEvents()]),
  ];
}

/** Some of the unknown described, others deleted, prices without a time, and every event of an edge once more. */
function describedAndDeleted(shop: PublishedShop): Arrival[] {
  const [customer] = edgeCustomers({});
  const product = { name: 'Lamp', category: 'Home', brand: 'Lux', price: '10', cost: '5' };
  const known = ['later-1-1', 'later-1-2', 'later-1-3'];
  const repriced = (row: JsonObject, random: Random) => ({
    ...withoutTime(row),
    price: random.pick(['0.0001', '99.9999']),
  });
  const past = { deleted_at: '2026-11-02T00:00:00Z' };
  return [
    file('transactions', shop.someLines('later-2')),
    file('customers', [
      ...known.map((customer_id) => ({ ...customer!, customer_id })),
      ...shop.someCustomers(deleted),
      ...edgeCustomers(past),
    ]),
    file('products', [
      ...known.map((product_id) => ({ ...product, product_id })),
      ...shop.someProducts(repriced),
      ...edgeProducts(past),
    ]),
    events([...shop.someEvents(), ...edgeEvents().reverse()]),
  ];
}

/** Rows without a time, which bring deleted customers and products back, and corrected lines that are corrected again. */
function madeAgain(shop: PublishedShop): Arrival[] {
  const moves = movedTo('Ulm', 'Bonn');
  return [
    file('products', [...shop.someProducts(withoutTime), ...edgeProducts({})]),
    file('customers', [...shop.someCustomers((row, random) => withoutTime(moves(row, random))), ...edgeCustomers({})]),
    file('transactions', [...shop.someLines('later-3'), ...edgeSales().map((line) => ({ ...line, country: 'FR' }))]),
    events(shop.someEvents()),
  ];
}

const movedTo =
  (...cities: string[]) =>
  (row: JsonObject, random: Random): JsonObject => ({
    ...row,
    city: random.pick(cities),
    updated_at: '2026-11-01T11:00:00Z',
  });

const deleted = (row: JsonObject): JsonObject => ({
  ...row,
  updated_at: '2026-11-01T12:00:00Z',
  deleted_at: '2026-11-01T12:00:00Z',
});

const withoutTime = ({ updated_at: _, ...row }: JsonObject): JsonObject => row;

const isArrival = (happening: Happening): happening is Arrival =>
  happening.kind === 'file' || happening.kind === 'events';

const file = (dataset: Exclude<Dataset, 'events'>, rows: JsonObject[]): Arrival => ({
  kind: 'file',
  afterMinutes: 30,
  dataset,
  rows,
});

const events = (records: JsonObject[]): Arrival => ({ kind: 'events', afterMinutes: 30, events: records });
