/** A seeded history of a shop's data: what comes in on ten days, and what an operator does. Equal seeds give equal histories. */
import type { Dataset } from '../../src/contracts/index.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { Random, type Shares } from '../../src/generators/random.ts';

/** What happens next, so many minutes after what happened before. */
export type Happening = { afterMinutes: number } & (
  | { kind: 'file'; dataset: Exclude<Dataset, 'events'>; rows: JsonObject[] }
  | { kind: 'events'; events: JsonObject[] }
  /** Repairs and redrives everything that waits in quarantine, as `repaired` says. */
  | { kind: 'redrive' }
  | { kind: 'run'; release: boolean }
  /** Goes back by so many snapshots, as far as there are some. */
  | { kind: 'rollback'; by: number }
);

/** What comes in at one of the doors. */
export type Arrival = Extract<Happening, { kind: 'file' | 'events' }>;

const days = 10;
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** First days whose ten hold a leap day, the turn of a year, and neither. */
const firstDays = ['2024-02-22', '2025-12-26', '2026-03-02'] as const;

const runsOfADay: Shares<number> = [
  [0, 0.1],
  [1, 0.65],
  [2, 0.25],
];

const customerIds = Array.from({ length: 6 }, (_, index) => `c${index}`);
const productIds = Array.from({ length: 4 }, (_, index) => `p${index}`);
const cities = ['Ulm', 'Bonn', 'Lyon'];
const prices = ['9.99', '10', '10.5'];

/** The record that a broken one should have been. */
export function repaired(dataset: Dataset, record: JsonObject): JsonObject {
  if (dataset === 'customers') return { ...record, country: 'DE' };
  if (dataset === 'products') return { ...record, price: '10' };
  if (dataset === 'transactions') return { ...record, currency: 'USD' };
  return { ...record, payload: { ...(record.payload as JsonObject), channel: 'web' } };
}

/** The history of a seed: when it starts, and its days in order. */
export class History {
  readonly startsAt: Date;
  readonly #random: Random;
  readonly #lines = new Map<string, JsonObject>();
  readonly #events: JsonObject[] = [];
  /** What each source said last, by dataset and id. */
  readonly #known = new Map<string, JsonObject>();
  /** When files came, and versions were made: times to meet again. */
  readonly #times: number[] = [];
  #now: number;

  constructor(seed: number) {
    this.#random = new Random(seed, 'history');
    this.#now = Date.parse(`${firstDays[seed % firstDays.length]}T00:05:00Z`);
    this.startsAt = new Date(this.#now);
  }

  *days(): Iterable<Happening[]> {
    for (let day = 0; day < days; day++) {
      const midnight = this.#now;
      const happenings = [...this.#day(day)];
      yield happenings;
      const nextDay = Math.floor(midnight / dayMs) * dayMs + dayMs + 5 * minuteMs;
      // The next day's first happening waits until then.
      this.#gap = (nextDay - this.#now) / minuteMs;
    }
  }

  #gap = 0;

  *#day(day: number): Iterable<Happening> {
    const random = this.#random;
    const runs = day === 0 ? 1 : random.weighted(runsOfADay);
    for (let run = 0; run < runs; run++) {
      for (let count = random.between(2, 6); count > 0; count--) yield this.#arrival();
      if (random.chance(0.4)) yield { ...this.#after(), kind: 'redrive' };
      yield { ...this.#after(), kind: 'run', release: random.chance(0.15) };
    }
    if (day > 1 && random.chance(0.1)) yield { ...this.#after(), kind: 'rollback', by: random.between(1, 3) };
    if (day === days - 1) yield { ...this.#after(), kind: 'run', release: true };
  }

  #after(most = 90): { afterMinutes: number } {
    const afterMinutes = this.#gap + this.#random.between(0, most);
    this.#gap = 0;
    this.#now += afterMinutes * minuteMs;
    return { afterMinutes };
  }

  #arrival(): Happening {
    // None at all is an arrival at the same moment as the one before.
    const after = this.#after(this.#random.chance(0.2) ? 0 : 90);
    this.#times.push(this.#now);
    const kind = this.#random.pick([
      'events',
      'events',
      'transactions',
      'transactions',
      'customers',
      'products',
    ] as const);
    if (kind === 'events') return { ...after, kind, events: this.#someEvents() };
    const rows = kind === 'transactions' ? this.#someLines() : this.#someVersions(kind);
    return { ...after, kind: 'file', dataset: kind, rows: this.#shuffled(rows) };
  }

  /** A time of these days, in the past. */
  #pastTime(mostDays: number): string {
    return isoTime(this.#now - this.#random.between(0, mostDays * 24 * 60) * minuteMs);
  }

  #shuffled<T>(values: T[]): T[] {
    return values
      .map((value) => ({ value, at: this.#random.fraction() }))
      .sort((a, b) => a.at - b.at)
      .map(({ value }) => value);
  }

  // ---- Transactions -------------------------------------------------------------------------------------------------

  /** New lines, and lines that come again: all of them as a full file, or some; as they were, corrected, moved. */
  #someLines(): JsonObject[] {
    const random = this.#random;
    const known = [...this.#lines.values()];
    const isFull = random.chance(0.2);
    const again = known.filter(() => isFull || random.chance(0.2)).map((line) => this.#corrected(line));
    const added = Array.from({ length: random.between(0, 4) }, () => this.#newLine());
    const rows = [...again, ...added].filter((row) => row !== undefined);
    for (const row of rows) this.#lines.set(`${row.transaction_id} ${row.line_no}`, row);
    const twice = rows.filter(() => random.chance(0.1));
    return [...rows, ...twice].map((row) => (random.chance(0.08) ? { ...row, currency: 'EUR' } : row));
  }

  #newLine(): JsonObject {
    const random = this.#random;
    const isReturn = random.chance(0.2);
    return {
      transaction_id: `t${random.between(1, 40)}`,
      line_no: random.between(1, 2),
      ...(random.chance(0.8) && { customer_id: random.pick(customerIds) }),
      product_id: random.pick(productIds),
      quantity: isReturn ? -1 : random.between(1, 3),
      ...(random.chance(0.7) ? { amount: isReturn ? '-12.5' : random.pick(prices) } : { unit_price: '9.9999' }),
      currency: 'USD',
      channel: 'web',
      country: 'DE',
      payment_method: 'card',
      ordered_at: this.#pastTime(6),
    };
  }

  #corrected(line: JsonObject): JsonObject {
    const random = this.#random;
    if (random.chance(0.5)) return line;
    const { customer_id: _, ...guest } = line;
    return random.pick<JsonObject>([
      { ...line, amount: random.pick(prices) },
      { ...line, customer_id: random.pick(customerIds) },
      guest,
      { ...line, product_id: random.pick([...productIds, 'p-sold-once']) },
      { ...line, ordered_at: this.#pastTime(6) },
      // One of two days, so that some lines move back.
      { ...line, ordered_at: isoTime(this.startsAt.getTime() + random.between(1, 2) * dayMs) },
    ]);
  }

  // ---- Customers and products ---------------------------------------------------------------------------------------

  /** A full file or a delta, with or without `updated_at`, of what is known now, was known before, or is corrected. */
  #someVersions(dataset: 'customers' | 'products'): JsonObject[] {
    const random = this.#random;
    const ids = dataset === 'customers' ? customerIds : productIds;
    const isFull = random.chance(0.4);
    const hasTimes = random.chance(0.5);
    return ids
      .filter(() => isFull || random.chance(0.3))
      .flatMap((id) => (random.chance(0.05) ? [id, id] : [id]))
      .map((id) => {
        const row = this.#version(dataset, id);
        this.#known.set(`${dataset} ${id}`, row);
        const times = { ...(hasTimes && { updated_at: this.#versionTime() }), ...this.#deletion() };
        const broken = dataset === 'customers' ? { country: 'Germany' } : { price: 'cheap' };
        return { ...row, ...times, ...(random.chance(0.15) && broken) };
      });
  }

  #version(dataset: 'customers' | 'products', id: string): JsonObject {
    const random = this.#random;
    const known = this.#known.get(`${dataset} ${id}`);
    if (known && random.chance(0.6)) return known;
    if (dataset === 'products') {
      return {
        product_id: id,
        name: `Lamp ${id}`,
        category: 'Home',
        brand: 'Lux',
        price: random.pick(prices),
        cost: '4',
      };
    }
    return {
      customer_id: id,
      email: `${id}@example.com`,
      full_name: `Name ${id}`,
      address: 'Street 1',
      phone: '+49 731 0000000',
      country: 'DE',
      city: random.pick(cities),
      ...(random.chance(0.5) && { birth_year: 1990 }),
      signup_date: '2023-12-31',
      acquisition_channel: 'web',
    };
  }

  /** Now, earlier, or a time at which something arrived or another version was made. */
  #versionTime(): string {
    const random = this.#random;
    if (random.chance(0.4)) return isoTime(random.pick(this.#times));
    const time = random.chance(0.3) ? isoTime(this.#now) : this.#pastTime(5);
    this.#times.push(Date.parse(time));
    return time;
  }

  #deletion(): JsonObject {
    const random = this.#random;
    if (random.chance(0.85)) return {};
    return { deleted_at: isoTime(this.#now + random.between(-3, 1) * dayMs) };
  }

  // ---- Events -------------------------------------------------------------------------------------------------------

  /** New events, in any order and up to days late, and events that come again, some of them changed. */
  #someEvents(): JsonObject[] {
    const random = this.#random;
    const added = Array.from({ length: random.between(1, 6) }, () => this.#newEvent());
    const again = this.#events.filter(() => random.chance(0.1)).map((event) => this.#changed(event));
    this.#events.push(...added, ...again);
    return this.#shuffled([...added, ...again]).map((event) => (random.chance(0.05) ? broken(event) : event));
  }

  #newEvent(): JsonObject {
    const random = this.#random;
    const type = random.pick(['page_view', 'product_view', 'purchase', 'login', 'metric']);
    const who = random.pick<JsonObject>([
      { userId: random.pick(customerIds) },
      { anonymousId: random.pick(['a1', 'a2']) },
      { userId: random.pick(customerIds), anonymousId: 'a1' },
    ]);
    const payloads: Record<string, JsonObject> = {
      page_view: { ...who, page: '/home', channel: random.pick(['web', 'mobile']) },
      product_view: { ...who, productId: random.pick([...productIds, 'p-seen']) },
      purchase: { ...who, amount: random.pick(prices), currency: 'USD' },
      login: { ...who, success: random.chance(0.5) },
      metric: { service: 'shop', cpu: 12.5 },
    };
    return { eventId: random.uuid(), type, timestamp: this.#pastTime(3), payload: payloads[type]! };
  }

  #changed(event: JsonObject): JsonObject {
    const random = this.#random;
    const isOther = random.chance(0.4);
    if (!isOther) return event;
    const payload = { ...(event.payload as JsonObject), userId: random.pick([...customerIds, 'c-seen-once']) };
    return random.pick([
      { ...event, type: 'page_view', payload },
      { ...event, timestamp: this.#pastTime(3) },
    ]);
  }
}

const isoTime = (time: number): string => new Date(time).toISOString();

const broken = (event: JsonObject): JsonObject =>
  event.type === 'metric' ? event : { ...event, payload: { ...(event.payload as JsonObject), channel: 'fax' } };
