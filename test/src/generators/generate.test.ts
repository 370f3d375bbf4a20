/** What every generated record keeps, whatever the options. */
import { createHash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { type AnyEvent, contractOf, eventValidatorOf, rowValidatorOf } from '../../../src/contracts/index.ts';
import {
  type GeneratedFile,
  GeneratorOptionError,
  type GeneratorRequest,
  generate,
  generatorDefaults,
  generatorSizes,
  plantedTruths,
} from '../../../src/generators/index.ts';

type Row = Record<string, string>;
type UserEvent = Extract<AnyEvent, { type: 'page_view' }>;

const linesOf = (files: GeneratedFile[], name: GeneratedFile['name']) => [
  ...files.find((file) => file.name === name)!.lines(),
];
const rowsOf = (files: GeneratedFile[], name: GeneratedFile['name']): Row[] =>
  parse(linesOf(files, name).join(''), { columns: true });
const eventsOf = (files: GeneratedFile[]) => linesOf(files, 'events.jsonl').map((line) => JSON.parse(line) as AnyEvent);
const cents = (money: string | number) => Number(String(money).replace('.', ''));
const isSorted = (texts: string[]) => texts.every((text, position) => position === 0 || texts[position - 1]! <= text);

const files = generate();
const customers = rowsOf(files, 'customers.csv');
const products = rowsOf(files, 'products.csv');
const lines = rowsOf(files, 'transactions.csv');
const events = eventsOf(files);
const userEvents = events.filter((event): event is UserEvent => 'anonymousId' in event.payload);
const sessions = [...Map.groupBy(userEvents, (event) => event.payload.sessionId!).values()];

describe('the same options', () => {
  const fingerprint = (request: GeneratorRequest) =>
    generate({ size: 'tiny', ...request }).map((file) => {
      const hash = createHash('sha256');
      for (const line of file.lines()) hash.update(line);
      return hash.digest('hex');
    });

  test('give the same bytes', () => {
    expect(fingerprint({})).toEqual(fingerprint({}));
  });

  test('with another seed give others, in every file', () => {
    const other = fingerprint({ seed: 361 });
    expect(fingerprint({}).filter((hash) => other.includes(hash))).toEqual([]);
  });

  test('give the same bytes again when the lines of one file are asked for twice', () => {
    const [file] = generate({ size: 'tiny' });
    expect([...file!.lines()]).toEqual([...file!.lines()]);
  });

  test('give the same bytes at any time: neither clock nor chance is asked', () => {
    const { now } = Date;
    const { random } = Math;
    const refuse = () => {
      throw new Error('asked');
    };
    try {
      Date.now = refuse;
      Math.random = refuse;
      expect(fingerprint({})).toHaveLength(4);
    } finally {
      Date.now = now;
      Math.random = random;
    }
  });
});

describe('the number of records', () => {
  test.each<GeneratorRequest>([
    {},
    { size: 'tiny' },
    { months: 1, until: '2026-10-01', transactions: 999, events: 501 },
    { months: 3, until: '2024-02-29', customers: 3, products: 10, transactions: 2_000, events: 2_000 },
    { customers: 1, products: 10, transactions: 0, events: 0 },
    { customers: 5_000, transactions: 100, events: 50 },
  ])('is exact for %j', (request) => {
    const options = { ...generatorSizes[request.size ?? 'default'], ...request };
    const made = generate(request);
    for (const file of made) {
      const records = [...file.lines()].length - (file.name.endsWith('.csv') ? 1 : 0);
      expect([file.name, records]).toEqual([file.name, file.count]);
    }
    const [customerFile, productFile, transactionFile, eventFile] = made;
    expect([transactionFile!.count, eventFile!.count]).toEqual([options.transactions, options.events]);
    expect(new Set(rowsOf([customerFile!], 'customers.csv').map((row) => row.customer_id)).size).toBe(
      options.customers,
    );
    expect(new Set(rowsOf([productFile!], 'products.csv').map((row) => row.product_id)).size).toBe(options.products);
  });

  test.each([500, 1000, 2000, 4000])('is of exactly %i events where so many are asked for', (events) => {
    const file = generate({ customers: 300, events }).at(-1)!;
    expect([...file.lines()]).toHaveLength(events);
  });

  test('costs nothing before the lines are asked for, and the first lines do not wait for the last', () => {
    const file = generate({ events: 50_000_000 }).find(({ name }) => name === 'events.jsonl')!;
    const started = performance.now();
    const first = file.lines()[Symbol.iterator]();
    for (let line = 0; line < 100; line++) expect(first.next().done).toBe(false);
    // All of them would take many minutes; one day of them is made.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('every record', () => {
  const errorsOf = (contract: string, value: unknown) => {
    const validate = /^(events\/|envelope$)/.test(contract) ? eventValidatorOf(contract) : rowValidatorOf(contract);
    return validate(value) ? [] : [{ contract, value, errors: validate.errors }];
  };

  /** A CSV row as its contract sees it: empty cells absent, whole numbers as numbers. */
  const typed = (row: Row, dataset: string) => {
    const whole = contractOf(`${dataset}/1`)!.leaves.filter((leaf) => leaf.json.join() === 'integer');
    const isWhole = (name: string) => whole.some((leaf) => leaf.property === name);
    const cells = Object.entries(row).filter(([, text]) => text !== '');
    return Object.fromEntries(cells.map(([name, text]) => [name, isWhole(name) ? Number(text) : text]));
  };

  test.each([
    ['customers', customers],
    ['products', products],
    ['transactions', lines],
  ])('of %s keeps its contract', (dataset, rows) => {
    expect(rows.flatMap((row) => errorsOf(`${dataset}/1`, typed(row, dataset))).slice(0, 3)).toEqual([]);
  });

  test('of events keeps its contract, and all types occur', () => {
    const contractId = (event: AnyEvent) => `events/${event.type}/${event.version ?? 1}`;
    const errors = events.flatMap((event) => [
      ...errorsOf('envelope', event),
      ...errorsOf(contractId(event), event.payload),
    ]);
    expect(errors.slice(0, 3)).toEqual([]);
    expect([...new Set(events.map(contractId))].sort()).toEqual([
      'events/add_to_cart/1',
      'events/button_click/1',
      'events/checkout_start/1',
      'events/form_submit/1',
      'events/log/1',
      'events/login/1',
      'events/logout/1',
      'events/metric/1',
      'events/page_view/1',
      'events/product_view/1',
      'events/purchase/1',
      'events/search/1',
      'events/search/2',
      'events/transaction/1',
    ]);
  });

  test('stands in the order of time, within the period', () => {
    for (const times of [lines.map((line) => line.ordered_at!), events.map((event) => event.timestamp)]) {
      expect(isSorted(times)).toBe(true);
      expect([times[0]!.slice(0, 7), times.at(-1)!.slice(0, 10)]).toEqual(['2024-11', generatorDefaults.until]);
    }
  });

  test('has an id of its own', () => {
    expect(new Set(events.map((event) => event.eventId)).size).toBe(events.length);
    expect(new Set(lines.map((line) => `${line.transaction_id} ${line.line_no}`)).size).toBe(lines.length);
  });
});

describe('customers and products', () => {
  const versions = [...Map.groupBy(customers, (row) => row.customer_id!).values()];

  test.each(['email', 'phone', 'full_name'])('share no %s', (column) => {
    expect(new Set(versions.map(([first]) => first![column])).size).toBe(versions.length);
  });

  test('sometimes move: a later row with another city', () => {
    const moved = versions.filter((rows) => rows.length > 1);
    expect(moved.length).toBe(250);
    for (const [before, after] of moved) {
      expect(before!.updated_at! < after!.updated_at!).toBe(true);
      expect(before!.city).not.toBe(after!.city);
    }
  });

  test('sometimes change their price: a later row, which sales from then on follow', () => {
    const changed = [...Map.groupBy(products, (row) => row.product_id!).values()].filter((rows) => rows.length > 1);
    expect(changed.length).toBeGreaterThan(20);
    for (const [before, after] of changed) {
      expect(before!.price).not.toBe(after!.price);
      const sales = lines.filter((line) => line.product_id === before!.product_id && Number(line.quantity) > 0);
      for (const { ordered_at, unit_price } of sales) {
        expect(unit_price).toBe(ordered_at! < after!.updated_at! ? before!.price : after!.price);
      }
    }
  });

  test('are nearly all known to the files; a few sales name others, and some buyers are guests', () => {
    const known = new Set(versions.map(([first]) => first!.customer_id));
    const listed = new Set(products.map((row) => row.product_id));
    const share = (test: (line: Row) => boolean) => lines.filter(test).length / lines.length;
    for (const unknown of [
      share((line) => line.customer_id !== '' && !known.has(line.customer_id)),
      share((line) => !listed.has(line.product_id)),
    ]) {
      expect(unknown).toBeGreaterThan(0.0005);
      expect(unknown).toBeLessThan(0.005);
    }
    expect(share((line) => line.customer_id === '')).toBeGreaterThan(0.02);
  });
});

describe('a transaction line', () => {
  test('costs quantity x unit price - discount, to the cent', () => {
    const wrong = lines.filter(
      (line) =>
        cents(line.amount!) !== Number(line.quantity) * cents(line.unit_price!) - cents(line.discount!) ||
        !/^-?\d+\.\d\d$/.test(line.amount!),
    );
    expect(wrong).toEqual([]);
  });

  test('is now and then brought back: as many units, for what was paid, by who bought it a week before', () => {
    const bought = new Set(
      lines.map((line) =>
        [line.customer_id, line.product_id, line.quantity, line.amount, line.ordered_at!.slice(0, 10)].join(),
      ),
    );
    const returns = lines.filter((line) => Number(line.quantity) < 0);
    expect(returns.length / lines.length).toBeGreaterThan(0.02);
    for (const line of returns) {
      const day = new Date(Date.parse(line.ordered_at!) - 7 * 86_400_000).toISOString().slice(0, 10);
      const purchase = [line.customer_id, line.product_id, -Number(line.quantity), line.amount!.slice(1), day].join();
      expect([purchase, bought.has(purchase)]).toEqual([purchase, true]);
    }
  });

  test('sells most in November and December, and at the end of the week', () => {
    const count = (test: (date: string) => boolean) => lines.filter((line) => test(line.ordered_at!)).length;
    const inMonth = (month: string) => count((date) => date.startsWith(month));
    expect(inMonth('2025-12')).toBeGreaterThan(1.4 * inMonth('2025-10'));
    expect(inMonth('2025-12')).toBeGreaterThan(1.4 * inMonth('2026-01'));
    const onDay = (weekday: number) => count((date) => new Date(date).getUTCDay() === weekday);
    expect(onDay(6)).toBeGreaterThan(1.2 * onDay(2));
  });
});

describe('a session', () => {
  const times = (session: UserEvent[]) => session.map((event) => Date.parse(event.timestamp));

  test('has one device and one channel, and ends on the day it began', () => {
    for (const session of sessions) {
      const facts = session.map(({ payload, timestamp }) =>
        [payload.anonymousId, payload.channel, payload.campaign, timestamp.slice(0, 10)].join(),
      );
      expect(new Set(facts).size).toBe(1);
    }
  });

  test('is never silent for half an hour, and lies 45 minutes or more from the next of its device', () => {
    const gaps = sessions.flatMap((session) => times(session).map((time, at, all) => time - (all[at - 1] ?? time)));
    expect(gaps.filter((gap) => gap >= 30 * 60_000)).toEqual([]);
    const devices = Map.groupBy(sessions, ([first]) => String(first!.payload.anonymousId));
    const pauses = [...devices.values()].flatMap((visits) =>
      visits.slice(1).map((visit, position) => times(visit)[0]! - times(visits[position]!).at(-1)!),
    );
    expect(pauses.length).toBeGreaterThan(1_000);
    expect(pauses.filter((pause) => pause < 45 * 60_000)).toEqual([]);
  });

  test('names the person from a successful login on, and never two on one device', () => {
    for (const session of sessions) {
      const login = session.findIndex(
        ({ type, payload }) => (type as string) === 'login' && (payload as { success?: boolean }).success,
      );
      const later = login < 0 ? [] : session.slice(login);
      expect(later.every(({ payload }) => payload.userId === later[0]!.payload.userId)).toBe(true);
    }
    const owners = userEvents
      .filter(({ payload }) => payload.userId !== undefined)
      .map(({ payload }) => `${payload.anonymousId} ${payload.userId}`);
    const devices = new Set(owners.map((owner) => owner.split(' ')[0]));
    expect(devices.size).toBe(new Set(owners).size);
  });

  test('shows a device one variant only', () => {
    const shown = userEvents.filter(({ payload }) => payload.experiment === plantedTruths().experiment.name);
    const variants = Map.groupBy(shown, ({ payload }) => String(payload.anonymousId));
    expect(variants.size).toBeGreaterThan(500);
    for (const seen of variants.values()) expect(new Set(seen.map(({ payload }) => payload.variant)).size).toBe(1);
  });

  test('ends in an order of transactions.csv, where it names one: same buyer, time and total', () => {
    const orders = Map.groupBy(lines, (line) => line.transaction_id!);
    const purchases = events.filter((event) => event.type === 'purchase');
    const named = purchases.filter(({ payload }) => payload.orderId !== undefined);
    expect(named.length).toBeGreaterThan(purchases.length / 2);
    for (const { payload, timestamp } of named) {
      const order = orders.get(payload.orderId!)!;
      const total = order.reduce((sum, line) => sum + cents(line.amount!), 0);
      expect([timestamp, payload.userId ?? '', cents(payload.amount)]).toEqual([
        order[0]!.ordered_at,
        order[0]!.customer_id,
        total,
      ]);
    }
  });

  test('often comes after others through other channels, before a first purchase', () => {
    const journeys = [...Map.groupBy(sessions, ([first]) => String(first!.payload.anonymousId)).values()]
      .map((visits) =>
        visits.slice(0, 1 + visits.findIndex((visit) => visit.some(({ type }) => (type as string) === 'purchase'))),
      )
      .filter((visits) => new Set(visits.map(([first]) => first!.payload.channel)).size > 1);
    expect(journeys.length).toBeGreaterThan(300);
  });
});

describe('service logs', () => {
  test('are mostly quiet, and name e-mail addresses and phone numbers for the scrubbing to find', () => {
    const logs = events.filter((event) => event.type === 'log');
    const share = (test: (log: (typeof logs)[number]) => boolean) => logs.filter(test).length / logs.length;
    expect(share(({ payload }) => payload.level === 'INFO')).toBeGreaterThan(0.7);
    expect(share(({ payload }) => payload.level === 'ERROR')).toBeGreaterThan(0.02);
    expect(share(({ payload }) => payload.message.includes('@'))).toBeGreaterThan(0.05);
    expect(share(({ payload }) => payload.message.includes('+1 555'))).toBeGreaterThan(0.05);
  });
});

describe('options', () => {
  test.each<[GeneratorRequest, string]>([
    [{ events: -1 }, 'events must be a whole number from 0 to 100000000, got -1'],
    [{ customers: 1.5 }, 'customers must be a whole number from 1 to 9999999, got 1.5'],
    [{ months: 0 }, 'months must be a whole number from 1 to 240, got 0'],
    [{ until: '2026-02-30' }, 'until must be a day from 1990-01-01 on, as YYYY-MM-DD, got 2026-02-30'],
    [{ until: 'today' }, 'until must be a day from 1990-01-01 on, as YYYY-MM-DD, got today'],
  ])('%j are refused', (request, message) => {
    expect(() => generate(request)).toThrow(new GeneratorOptionError(message));
  });

  test('that are absent or undefined come from the preset', () => {
    expect(plantedTruths({ seed: undefined })).toEqual(plantedTruths(generatorDefaults));
    expect(generate({ size: 'tiny', events: 7 }).map((file) => file.count)).toEqual([210, 46, 1_000, 7]);
  });
});
