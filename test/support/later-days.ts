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
const refusedSales = (id: string): JsonObject[] => {
  const sale = {
    line_no: 1,
    product_id: 'edge-0',
    quantity: 1,
    currency: 'USD',
    amount: '1',
    channel: 'web',
    country: 'US',
  };
  const line = { ...sale, payment_method: 'card', ordered_at: '2026-10-30T12:00:00.000Z' };
  return [
    { ...line, transaction_id: `${id}-ahead`, ordered_at: '2027-10-30T12:00:00.000Z' },
    { ...line, transaction_id: `${id}-before`, ordered_at: '1969-12-31T23:59:59.999Z' },
    { ...line, transaction_id: `${id}-units`, quantity: 900_000 },
    { ...line, transaction_id: `${id}-price`, unit_price: '5000.0001' },
    { ...line, transaction_id: `${id}-discount`, unit_price: '1', discount: '1.0001' },
    // Two checks refuse the one row.
    { ...line, transaction_id: `${id}-both`, unit_price: '-1', quantity: 10_001, amount: '1' },
  ];
};

const refusedEvents = (id: string): JsonObject[] =>
  [
    { type: 'page_view', timestamp: '2030-01-01T00:00:00.000Z', payload: { anonymousId: 'edge', page: '/' } },
    { type: 'logout', timestamp: '2026-10-30T12:00:00.000Z', payload: { anonymousId: 'edge', duration: 946_080_000 } },
    {
      type: 'product_view',
      timestamp: '2026-10-30T12:00:00.000Z',
      payload: { anonymousId: 'edge', productId: 'edge-0', price: 9999, currency: 'USD' },
    },
  ].map((event, at) => ({ ...event, eventId: `${id}-0000-4000-8000-00000000000${at}` }));

/** The rates to set before the shop is published. */
export const firstRates = edgeRates('0.5');

/** Three days behind the last of the shop. */
export function laterDays(request: GeneratorRequest): LaterDay[] {
  const shop = new PublishedShop({ ...request, faults: [] });
  const histories = historySeeds.map((seed) => [...new History(seed).days()].map((day) => day.filter(isArrival)));
  const ofHistories = (from: number, to: number) => histories.flatMap((days) => days.slice(from, to).flat());
  const described = (unknown: string) =>
    Array.from({ length: 3 }, (_, at) => ({ customer_id: `${unknown}-${at + 1}`, product_id: `${unknown}-${at + 1}` }));
  const product = { name: 'Lamp', category: 'Home', brand: 'Lux', price: '10', cost: '5' };
  const [customer] = edgeCustomers({});
  const deleted = (row: JsonObject) => ({
    ...row,
    updated_at: '2026-11-01T12:00:00Z',
    deleted_at: '2026-11-01T12:00:00Z',
  });
  const withoutTime = ({ updated_at: _, ...row }: JsonObject) => row;
  return [
    {
      arrivals: [
        file('products', [...edgeProducts({ updated_at: '2026-10-30T00:00:00Z' }), ...shop.someProducts(deleted)]),
        file('customers', [
          ...shop.someCustomers((row, random) => ({
            ...row,
            city: random.pick(['Ulm', '東京']),
            updated_at: '2026-11-01T11:00:00Z',
          })),
          ...edgeCustomers({ updated_at: '2026-10-30T00:00:00Z' }),
        ]),
        file('transactions', [...shop.someLines('later-1'), ...edgeSales(), ...refusedSales('refused-1')]),
        events([...shop.someEvents(), ...edgeEvents(), ...refusedEvents('ed9e0001')]),
        ...ofHistories(0, 4),
      ],
    },
    {
      arrivals: [
        file('transactions', [...shop.someLines('later-2'), ...refusedSales('refused-2')]),
        file('customers', [
          ...described('later-1').map(({ customer_id }) => ({ ...customer!, customer_id })),
          ...shop.someCustomers(deleted),
          ...edgeCustomers({}),
        ]),
        file('products', [
          ...described('later-1').map(({ product_id }) => ({ ...product, product_id })),
          ...shop.someProducts((row, random) => ({ ...withoutTime(row), price: random.pick(['0.0001', '99.9999']) })),
          ...edgeProducts({ deleted_at: '2026-11-02T00:00:00Z' }),
        ]),
        events([...shop.someEvents(), ...edgeEvents().reverse()]),
        ...ofHistories(4, 7),
      ],
    },
    {
      // One day's rate is another one, so that all sales are converted again.
      rates: edgeRates('1.5000000001'),
      arrivals: [
        file('products', [...shop.someProducts(withoutTime), ...edgeProducts({})]),
        file(
          'customers',
          shop.someCustomers((row, random) => ({ ...withoutTime(row), city: random.pick(['Ulm', 'Bonn']) })),
        ),
        file('transactions', [
          ...shop.someLines('later-3'),
          ...edgeSales().map((line) => ({ ...line, country: 'FR' })),
        ]),
        events(shop.someEvents()),
        ...ofHistories(7, 10),
      ],
    },
  ];
}

const isArrival = (happening: Happening): happening is Arrival =>
  happening.kind === 'file' || happening.kind === 'events';

const file = (dataset: Exclude<Dataset, 'events'>, rows: JsonObject[]): Arrival => ({
  kind: 'file',
  afterMinutes: 30,
  dataset,
  rows,
});

const events = (records: JsonObject[]): Arrival => ({ kind: 'events', afterMinutes: 30, events: records });
