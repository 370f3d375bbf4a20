/** Planted faults: only what the manifest names is wrong, and it is wrong as the manifest says. */

import { parse } from 'csv-parse/sync';
import { type AnyEvent, contractOf, type Dataset } from '../../../src/contracts/index.ts';
import { receiveEvent } from '../../../src/domain/events/receive-event.ts';
import { noRates } from '../../../src/domain/files/rates.ts';
import { rowReceiver } from '../../../src/domain/files/receive-row.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import { type Outcome, rejected } from '../../../src/domain/outcome.ts';
import {
  type Fault,
  faultNames,
  type GeneratedFile,
  GeneratorOptionError,
  type GeneratorRequest,
  generate,
  type PlantedFault,
  plantedFaults,
} from '../../../src/generators/index.ts';

type FileName = GeneratedFile['name'];
type Row = Record<string, string>;

const tinyWith = (...faults: Fault[]): GeneratorRequest => ({ size: 'tiny', faults });
const everything: GeneratorRequest = tinyWith(...faultNames);

const textsOf = (request: GeneratorRequest): Record<FileName, string[]> =>
  Object.fromEntries(generate(request).map(({ name, lines }) => [name, [...lines()]])) as Record<FileName, string[]>;

const texts = textsOf(everything);
const manifest = [...plantedFaults(everything)];
const plantedBy = (fault: Fault) => manifest.filter((planted) => planted.fault === fault);
const isRecord = ({ fault }: PlantedFault) => fault !== 'missing_day';
const plantedLines = new Set(manifest.filter(isRecord).map(({ file, line }) => `${file} ${line}`));
const textOf = ({ file, line }: PlantedFault) => texts[file][line - 1]!;
const eventOf = (planted: PlantedFault) => JSON.parse(textOf(planted)) as AnyEvent;

const header = (file: FileName) => texts[file][0]!.trim().split(',');
const rowIn = (file: FileName, text: string): Row => {
  const [cells] = parse(text) as string[][];
  return Object.fromEntries(header(file).map((name, cell) => [name, cells![cell]!]));
};
const rowOf = (planted: PlantedFault) => rowIn(planted.file, textOf(planted));

const dayMs = 86_400_000;
const timeOf = (text: string) => Date.parse((JSON.parse(text) as AnyEvent).timestamp);

describe('a file with faults', () => {
  test('without its planted lines is, byte for byte, the file without faults', () => {
    const plain = textsOf({ size: 'tiny' });
    const missing = plantedBy('missing_day')[0]!.id!;
    for (const [name, lines] of Object.entries(texts)) {
      const left = lines.filter((_, position) => !plantedLines.has(`${name} ${position + 1}`));
      const expected = plain[name as FileName].filter((text) => name !== 'transactions.csv' || !text.includes(missing));
      expect([name, left.join('') === expected.join('')]).toEqual([name, true]);
    }
  });

  test.each<GeneratorRequest>([
    {},
    { faultShare: 0.03 },
    { faultShare: 0 },
    { customers: 1, products: 10, transactions: 0, events: 0 },
    { customers: 3, products: 10, transactions: 5, events: 7 },
    { months: 1, until: '2026-10-01' },
  ])('has as many records as it says, and an entry of the manifest for each that was planted: %j', (options) => {
    const request = { ...everything, ...options };
    const plain = generate({ ...request, faults: [] });
    const planted = [...plantedFaults(request)];
    for (const [position, file] of generate(request).entries()) {
      const records = [...file.lines()].length - (file.name.endsWith('.csv') ? 1 : 0);
      expect([file.name, file.count]).toEqual([file.name, records]);
      const added = planted.filter((entry) => entry.file === file.name && isRecord(entry)).length;
      const taken = planted.some((entry) => !isRecord(entry) && entry.file === file.name);
      if (!taken) expect(records).toBe(plain[position]!.count + added);
      else expect(records).toBeLessThan(plain[position]!.count + added);
    }
  });

  test.each(faultNames)('has %s alone where nothing else is asked for', (fault) => {
    const planted = [...plantedFaults(tinyWith(fault))];
    expect(new Set(planted.map((entry) => entry.fault))).toEqual(new Set([fault]));
    expect(planted).toHaveLength(plantedBy(fault).length);
  });

  test('has no more faults where they are named in another order, or twice', () => {
    expect([...plantedFaults(tinyWith(...faultNames.toReversed(), 'late'))]).toEqual(manifest);
  });

  test('has as many of each as its share asks for', () => {
    const counts = Map.groupBy(
      plantedFaults({ ...everything, transactions: 3_000, faultShare: 0.03 }),
      ({ file, fault }) => `${file} ${fault}`,
    );
    expect(counts.get('events.jsonl late')).toHaveLength(60);
    expect(counts.get('events.jsonl duplicate')).toHaveLength(60);
    expect(counts.get('events.jsonl error_burst')).toHaveLength(2 * 25);
    expect(counts.get('events.jsonl oversized')).toHaveLength(5);
    expect(counts.get('transactions.csv orphan_reference')?.length).toBeCloseTo(90, -1);
  });

  test('costs nothing before its lines are asked for, and the first do not wait for the last', () => {
    const started = performance.now();
    const files = generate({ ...everything, events: 50_000_000 });
    const lines = files
      .find(({ name }) => name === 'events.jsonl')!
      .lines()
      [Symbol.iterator]();
    for (let line = 0; line < 100; line++) expect(lines.next().done).toBe(false);
    const planted = plantedFaults({ ...everything, events: 50_000_000 })[Symbol.iterator]();
    expect(planted.next().done).toBe(false);
    // All of them would take many minutes; one day of them is made.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('at the doors', () => {
  const longest = 1_048_576;

  /** What a door says of a row, as the file door reads it: one line, as many cells as the header has. */
  const rowDoor = (dataset: Dataset, file: FileName) => {
    const receive = rowReceiver({ contract: contractOf(`${dataset}/1`)!, rates: noRates('USD') });
    return (text: string): Outcome<unknown> => {
      if (text.length > longest) return rejected('too_long', []);
      const cells = cellsOf(text);
      return cells?.length === header(file).length ? receive(rowIn(file, text) as JsonObject) : rejected('not_csv', []);
    };
  };
  const cellsOf = (text: string): string[] | undefined => {
    try {
      return (parse(text) as string[][])[0];
    } catch {
      return undefined;
    }
  };
  const eventDoor = (text: string): Outcome<unknown> => receiveEvent(Buffer.from(text.trimEnd()));

  test.each<[FileName, (text: string) => Outcome<unknown>, firstLine: number]>([
    ['customers.csv', rowDoor('customers', 'customers.csv'), 2],
    ['products.csv', rowDoor('products', 'products.csv'), 2],
    ['transactions.csv', rowDoor('transactions', 'transactions.csv'), 2],
    ['events.jsonl', eventDoor, 1],
  ])('of %s, exactly the lines that the manifest names are refused, and as it says', (file, door, firstLine) => {
    const refusals = texts[file].slice(firstLine - 1).flatMap((text, position) => {
      const outcome = door(text);
      if (outcome.ok) return [];
      const { kind, contract } = outcome.rejection;
      return [{ line: position + firstLine, kind, contract }];
    });
    const expected = manifest.flatMap(({ file: name, line, expect: { place, ...refusal } }) =>
      name === file && place === 'quarantine' ? [{ line, contract: undefined, ...refusal }] : [],
    );
    expect(expected.length).toBeGreaterThan(5);
    expect(refusals).toEqual(expected);
  });

  test('every kind of refusal occurs, by contracts of every dataset', () => {
    const refusals = manifest
      .map(({ expect: expectation }) => expectation)
      .filter(({ place }) => place === 'quarantine');
    const kinds = refusals.map((refusal) => 'kind' in refusal && refusal.kind);
    expect([...new Set(kinds)].sort()).toEqual([
      'currency_without_rate',
      'not_csv',
      'not_json',
      'schema_violation',
      'too_long',
      'unknown_type',
      'unknown_version',
    ]);
    const contracts = new Set(refusals.flatMap((refusal) => ('contract' in refusal ? [refusal.contract] : [])));
    expect(contracts.size).toBeGreaterThanOrEqual(18);
    for (const id of ['envelope', 'customers/1', 'products/1', 'transactions/1']) expect(contracts).toContain(id);
  });
});

describe('behind the doors', () => {
  /** The lines of the same file before and behind a planted one. */
  const around = ({ file, line }: PlantedFault) => ({
    before: texts[file].slice(0, line - 1),
    behind: texts[file].slice(line),
  });
  /** The time of the last event that stands before a planted one and is none itself. */
  const timeBefore = (planted: PlantedFault) =>
    timeOf(around(planted).before.findLast((_, position) => !plantedLines.has(`events.jsonl ${position + 1}`))!);
  const saleId = (text: string) => text.split(',').slice(0, 2).join('/');
  const inFile = (fault: Fault, file: FileName) => plantedBy(fault).filter((planted) => planted.file === file);

  test('a duplicate repeats an earlier line byte for byte, an event within a quarter of an hour', () => {
    for (const planted of plantedBy('duplicate')) {
      expect(planted.expect).toEqual({ place: 'duplicate' });
      expect(around(planted).before).toContain(textOf(planted));
    }
    for (const planted of inFile('duplicate', 'events.jsonl')) {
      expect(timeBefore(planted) - timeOf(textOf(planted))).toBeLessThanOrEqual(15 * 60_000);
    }
  });

  test('of two events with one id on one day, the first counts: the planted one stands later', () => {
    for (const planted of inFile('conflict', 'events.jsonl')) {
      const { eventId, timestamp } = eventOf(planted);
      const first = around(planted).before.find((text) => text.includes(eventId))!;
      expect((JSON.parse(first) as AnyEvent).timestamp.slice(0, 10)).toBe(timestamp.slice(0, 10));
      expect(first).not.toBe(textOf(planted));
    }
  });

  test('of two transaction lines with one id, the last counts: the planted one stands earlier', () => {
    const planted = inFile('conflict', 'transactions.csv');
    expect(planted.length).toBeGreaterThan(0);
    for (const conflict of planted) {
      const last = around(conflict).behind.findLast((text) => saleId(text) === conflict.id)!;
      expect(last).toBeDefined();
      expect(last).not.toBe(textOf(conflict));
    }
  });

  test('a late event stands two days or more behind its time, one out of order a minute at most', () => {
    for (const [fault, least, most] of [
      ['late', 2 * dayMs, 6 * dayMs],
      ['out_of_order', 1, 60_000],
    ] as const) {
      for (const planted of plantedBy(fault)) {
        const neighbour = around(planted).before.findLast(
          (_, position) => !plantedLines.has(`events.jsonl ${position + 1}`),
        );
        const delay = timeOf(neighbour!) - timeOf(textOf(planted));
        expect([fault, delay >= least, delay <= most]).toEqual([fault, true, true]);
      }
    }
  });

  test('an error burst is 25 ERROR logs of a service within 60 s, a login burst 6 failures of a user within 5 minutes', () => {
    for (const [fault, size, within] of [
      ['error_burst', 25, 60_000],
      ['login_burst', 6, 5 * 60_000],
    ] as const) {
      const bursts = [...Map.groupBy(plantedBy(fault), ({ group }) => group).values()];
      expect(bursts.length).toBeGreaterThan(0);
      for (const burst of bursts) {
        const times = burst.map((planted) => timeOf(textOf(planted)));
        expect([burst.length, Math.max(...times) - Math.min(...times) < within]).toEqual([size, true]);
        const payloads = burst.map((planted) => JSON.stringify(eventOf(planted).payload));
        expect(new Set(payloads).size).toBe(1);
        expect(payloads[0]).toMatch(fault === 'error_burst' ? /"level":"ERROR"/ : /"userId":"C.*"success":false/);
      }
    }
  });

  test('a large amount is a transaction event of more than 10,000', () => {
    for (const planted of plantedBy('large_amount')) {
      const { type, payload } = eventOf(planted);
      expect([type, Number((payload as { amount: string }).amount) > 10_000]).toEqual(['transaction', true]);
    }
  });

  test('an oversized event is over what a record of the stream may have', () => {
    const planted = inFile('oversized', 'events.jsonl');
    expect(planted.length).toBeGreaterThan(0);
    for (const oversized of planted) {
      expect(oversized.expect).toEqual({ place: 'refused_by_stream' });
      expect(textOf(oversized).length).toBeGreaterThan(1_048_576);
    }
  });
});

describe('for the gates', () => {
  const lines = (file: FileName) => texts[file].slice(1);

  test('an orphan names a product or an order that stands nowhere', () => {
    const products = lines('products.csv').map((text) => text.split(',')[0]);
    const orders = lines('transactions.csv').map((text) => text.split(',')[0]);
    for (const planted of plantedBy('orphan_reference')) {
      if (planted.file === 'transactions.csv') expect(products).not.toContain(rowOf(planted).product_id);
      else expect(orders).not.toContain((eventOf(planted).payload as { orderId: string }).orderId);
    }
    expect(new Set(plantedBy('orphan_reference').map(({ file }) => file)).size).toBe(2);
  });

  test('a sale out of range has a discount above its price, a price or number of units beyond all others, or a time to come', () => {
    const rows = [...plantedFaults({ ...tinyWith('out_of_range'), faultShare: 0.01 })].filter(
      ({ file }) => file === 'transactions.csv',
    );
    const all = textsOf({ ...tinyWith('out_of_range'), faultShare: 0.01 })['transactions.csv'];
    const signs = rows.map(({ line }) => {
      const row = rowIn('transactions.csv', all[line - 1]!);
      return {
        discount: Number(row.discount) > Number(row.unit_price),
        price: Number(row.unit_price) > 10_000 || Number(row.quantity) > 10_000,
        time: row.ordered_at! > '2035',
      };
    });
    for (const sign of signs) expect(Object.values(sign).filter(Boolean)).toHaveLength(1);
    for (const name of ['discount', 'price', 'time'] as const) expect(signs.some((sign) => sign[name])).toBe(true);
  });

  test('the missing day has no transaction, and the days around it have', () => {
    const [planted] = plantedBy('missing_day');
    const dates = new Set(lines('transactions.csv').map((text) => text.trim().split(',').at(-1)!.slice(0, 10)));
    const shifted = (days: number) => new Date(Date.parse(planted!.id!) + days * dayMs).toISOString().slice(0, 10);
    expect([-1, 0, 1].map((days) => dates.has(shifted(days)))).toEqual([true, false, true]);
    const { ordered_at: next } = rowOf(planted!);
    expect(next!.slice(0, 10)).toBe(shifted(1));
  });
});

describe('options', () => {
  test.each<[GeneratorRequest, string]>([
    [{ faults: ['gremlins' as Fault] }, `faults must be among ${faultNames.join(', ')}, got gremlins`],
    [{ faultShare: 0.2 }, 'faultShare must be a number from 0 to 0.1, got 0.2'],
    [{ faultShare: Number.NaN }, 'faultShare must be a number from 0 to 0.1, got NaN'],
  ])('%j are refused', (request, message) => {
    expect(() => generate(request)).toThrow(new GeneratorOptionError(message));
    expect(() => [...plantedFaults(request)]).toThrow(new GeneratorOptionError(message));
  });

  test('without faults plant nothing', () => {
    expect([...plantedFaults({ size: 'tiny' })]).toEqual([]);
  });
});
