/** What every HotStore promises. */
import fc from 'fast-check';
import type { Clock, HotCondition, HotItem, HotKey, HotStore, HotTable, HotValue, HotWrite } from '../../src/ports.ts';
import { failedWrites, itemOf, type MadeHotStore } from '../support/hot-writes.ts';
import { hotStoreLimits } from './hot-store-limits.ts';
import { hotStoreTime } from './hot-store-time.ts';

/** `make` gives an empty store that reads the given clock. */
export function hotStoreContract(name: string, make: (clock: Clock) => Promise<MadeHotStore>): void {
  hotStoreTime(name, make);
  hotStoreLimits(name, make);

  describe(`hot store contract: ${name}`, () => {
    let now: Date;
    let store: HotStore;
    let close: MadeHotStore['close'];
    const clock: Clock = { now: () => now };
    const minutesLater = (minutes: number) => new Date(now.getTime() + minutes * 60_000);

    beforeEach(async () => {
      now = new Date('2026-01-02T03:04:05Z');
      ({ store, close } = await make(clock));
    });
    afterEach(() => close());

    test('gives back an item as it was put, in its own table, and undefined where none is', async () => {
      const item = itemOf('p', 's', { n: 1.5, text: 'é😀\0"', yes: true, none: null, bytes: Uint8Array.of(0, 255) });
      await store.write([{ table: 'runs', put: { ...item, expiresAt: minutesLater(5) } }]);
      expect(await store.get('runs', item)).toEqual({ ...item, expiresAt: minutesLater(5) });
      expect(await store.get('files', item)).toBeUndefined();
      expect(await store.get('runs', { partition: 'p', sort: 'other' })).toBeUndefined();
    });

    test('gives back any values, nested as deep as they are', async () => {
      await fc.assert(
        fc.asyncProperty(valuesOfItems, async (values) => {
          await store.write([{ table: 'runs', put: itemOf('p', 's', values) }]);
          expect(await store.get('runs', { partition: 'p', sort: 's' })).toEqual(itemOf('p', 's', values));
        }),
        { numRuns: 50 },
      );
    });

    test('adds to a value that is 0', async () => {
      await store.write([{ table: 'runs', put: itemOf('p', 's', { n: 0 }) }]);
      await store.write([{ table: 'runs', add: { partition: 'p', sort: 's', values: { n: 1 } } }]);
      expect((await store.get('runs', { partition: 'p', sort: 's' }))?.values).toEqual({ n: 1 });
    });

    test('does what a map would do, all writes or none, whatever the writes', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(batches, { maxLength: 8 }), async (history) => {
          const made = await make(clock);
          const model = new Map<string, HotItem>();
          for (const batch of history) {
            const failed = await failedWrites(made.store, batch);
            expect(failed).toEqual(applyToModel(model, batch));
            for (const table of tables) expect(await contents(made.store, table)).toEqual(modelContents(model, table));
          }
          await made.close();
        }),
        { numRuns: 30 },
      );
    });

    test.each`
      condition                        | absent   | stored
      ${{ absent: true }}              | ${true}  | ${false}
      ${{ exists: true }}              | ${false} | ${true}
      ${{ equals: { a: 1, b: 'x' } }}  | ${false} | ${true}
      ${{ equals: { a: 1, b: 'y' } }}  | ${false} | ${false}
      ${{ equals: { a: '1' } }}        | ${false} | ${false}
      ${{ equals: { missing: true } }} | ${false} | ${false}
    `('the condition $condition holds of no item: $absent, of {a: 1, b: "x"}: $stored', async (row) => {
      await store.write([{ table: 'locks', put: itemOf('p', 'stored', { a: 1, b: 'x' }) }]);
      const holds = async (sort: string, write: (key: HotKey) => HotWrite) =>
        (await failedWrites(store, [write({ partition: 'p', sort })])) === undefined;
      const check = (key: HotKey): HotWrite => ({ table: 'locks', check: key, if: row.condition });
      const put = (key: HotKey): HotWrite => ({ table: 'locks', put: { ...key, values: {} }, if: row.condition });
      expect([await holds('absent', check), await holds('stored', check)]).toEqual([row.absent, row.stored]);
      expect([await holds('absent', put), await holds('stored', put)]).toEqual([row.absent, row.stored]);
    });

    test('names the writes whose condition failed and writes none of the others', async () => {
      await store.write([{ table: 'runs', put: itemOf('p', 'b', { n: 1 }) }]);
      const failed = await failedWrites(store, [
        { table: 'runs', put: itemOf('p', 'a', {}) },
        { table: 'runs', put: itemOf('p', 'b', { n: 2 }), if: { absent: true } },
        { table: 'runs', add: { partition: 'p', sort: 'c', values: { n: 1 } } },
        { table: 'runs', check: { partition: 'p', sort: 'd' }, if: { exists: true } },
      ]);
      expect(failed).toEqual([1, 3]);
      expect(await store.query('runs', 'p')).toEqual([itemOf('p', 'b', { n: 1 })]);
    });

    test('lets one of several writers win a condition', async () => {
      const attempts = Array.from({ length: 8 }, (_, owner) =>
        failedWrites(store, [{ table: 'locks', put: itemOf('run', 'lock', { owner }), if: { absent: true } }]),
      );
      const winners = (await Promise.all(attempts)).flatMap((failed, owner) => (failed === undefined ? [owner] : []));
      expect(winners).toHaveLength(1);
      expect((await store.get('locks', { partition: 'run', sort: 'lock' }))?.values).toEqual({ owner: winners[0] });
    });

    test('keeps the total when transactions of several writers meet on the same items', async () => {
      const accounts = ['a', 'b', 'c', 'd'];
      await store.write(accounts.map((sort) => ({ table: 'batches', put: itemOf('p', sort, { n: 100 }) })));
      const balance = async (sort: string) =>
        (await store.get('batches', { partition: 'p', sort }))!.values.n as number;
      const change = (sort: string, before: number, by: number): HotWrite => ({
        table: 'batches',
        put: itemOf('p', sort, { n: before + by }),
        if: { equals: { n: before } },
      });
      const count: HotWrite = { table: 'batches', add: { partition: 'p', sort: 'transfers', values: { n: 1 } } };
      const transfer = async (from: string, to: string, units: number): Promise<void> => {
        const writes = [change(from, await balance(from), -units), change(to, await balance(to), units), count];
        if (await failedWrites(store, writes)) await transfer(from, to, units);
      };
      const writers = accounts.map(async (from, index) => {
        for (let round = 1; round <= 6; round += 1)
          await transfer(from, accounts[(index + 1 + (round % 3)) % 4]!, round);
      });
      await Promise.all(writers);
      const balances = await Promise.all(accounts.map(balance));
      expect(balances.reduce((sum, units) => sum + units)).toBe(400);
      expect(await balance('transfers')).toBe(24);
    });

    test('loses no addition of several writers', async () => {
      const add: HotWrite = { table: 'batches', add: { partition: 'p', sort: 's', values: { rows: 3, bytes: -1 } } };
      await Promise.all(Array.from({ length: 10 }, () => store.write([add])));
      expect((await store.get('batches', { partition: 'p', sort: 's' }))?.values).toEqual({ rows: 30, bytes: -10 });
    });

    test('queries a partition by prefix, behind a key, up to a limit, in both directions', async () => {
      const options = fc.record(
        { prefix: parts, after: sorts, limit: fc.integer({ min: 1, max: 5 }), newestFirst: fc.boolean() },
        { requiredKeys: [] },
      );
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(sorts, { maxLength: 12 }), options, async (stored, query) => {
          const made = await make(clock);
          const decoys = ['p', 'q'].map((partition): HotWrite => ({ table: 'runs', put: itemOf(partition, 'a', {}) }));
          const puts = stored.map((sort): HotWrite => ({ table: 'files', put: itemOf('p', sort, {}) }));
          await made.store.write([...decoys, ...puts]);
          const ordered = stored.toSorted(compareBytes);
          const expected = (query.newestFirst ? ordered.reverse() : ordered)
            .filter((sort) => sort.startsWith(query.prefix ?? ''))
            .filter((sort) => query.after === undefined || isBehind(sort, query.after, query.newestFirst))
            .slice(0, query.limit);
          expect((await made.store.query('files', 'p', query)).map(({ sort }) => sort)).toEqual(expected);
          await made.close();
        }),
        { numRuns: 60 },
      );
    });
  });
}

const tables: HotTable[] = ['runs', 'files'];
const keys = fc.record({ partition: fc.constantFrom('p', 'q'), sort: fc.constantFrom('a', 'b', 'é') });
const smallValues = fc.dictionary(fc.constantFrom('n', 'm'), fc.integer({ min: 0, max: 2 }));
const conditions: fc.Arbitrary<HotCondition | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom<HotCondition>({ absent: true }, { exists: true }),
  smallValues.map((equals) => ({ equals })).filter(({ equals }) => Object.keys(equals).length > 0),
);
const writes: fc.Arbitrary<HotWrite> = fc
  .tuple(fc.constantFrom('put', 'delete', 'add', 'check'), fc.constantFrom(...tables), keys, smallValues, conditions)
  .map(([kind, table, key, values, condition]): HotWrite => {
    if (kind === 'put') return { table, put: { ...key, values }, if: condition };
    if (kind === 'delete') return { table, delete: key, if: condition };
    if (kind === 'add') return { table, add: { ...key, values: { n: 1, ...values } } };
    return { table, check: key, if: condition ?? { exists: true } };
  });
const batches = fc.uniqueArray(writes, { selector: (write) => nameOf(write.table, keyOf(write)), maxLength: 6 });

/** Sort keys in which bytes and UTF-16 units order differently. */
const sorts = fc.array(fc.constantFrom('a', 'b', '#', 'é', '！', '😀'), { minLength: 1, maxLength: 3 }).map(join);
const parts = fc.array(fc.constantFrom('a', 'b', '#', '！', '😀'), { maxLength: 2 }).map(join);

const scalars: fc.Arbitrary<HotValue> = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.integer(),
  fc.constantFrom(0.1, -2.5, 1e20),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 20 }),
);
const names = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1 }).filter((name) => name !== '__proto__'),
  fc.constantFrom(...['$bytes', '$$bytes', '$', 'B', 'partition', 'sort', '_sort', 'expires_at']),
);
const { value: nestedValues } = fc.letrec<{ value: HotValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalars,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(names, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));
const valuesOfItems = fc.dictionary(names, nestedValues, { maxKeys: 4, noNullPrototype: true });

function join(texts: string[]): string {
  return texts.join('');
}

function keyOf(write: HotWrite): HotKey {
  if ('put' in write) return write.put;
  if ('delete' in write) return write.delete;
  return 'add' in write ? write.add : write.check;
}

function nameOf(table: HotTable, { partition, sort }: HotKey): string {
  return JSON.stringify([table, partition, sort]);
}

function applyToModel(model: Map<string, HotItem>, batch: HotWrite[]): number[] | undefined {
  const failed = batch.flatMap((write, position) => (holdsInModel(model, write) ? [] : [position]));
  if (failed.length > 0) return failed;
  for (const write of batch) {
    const name = nameOf(write.table, keyOf(write));
    if ('put' in write) model.set(name, write.put);
    if ('delete' in write) model.delete(name);
    if ('add' in write) {
      const values = { ...model.get(name)?.values };
      for (const [key, number] of Object.entries(write.add.values)) values[key] = Number(values[key] ?? 0) + number;
      model.set(name, { ...write.add, values });
    }
  }
  return undefined;
}

function holdsInModel(model: Map<string, HotItem>, write: HotWrite): boolean {
  const item = model.get(nameOf(write.table, keyOf(write)));
  if ('add' in write || write.if === undefined) return true;
  if ('absent' in write.if) return !item;
  if ('exists' in write.if) return item !== undefined;
  return item !== undefined && Object.entries(write.if.equals).every(([name, value]) => item.values[name] === value);
}

async function contents(store: HotStore, table: HotTable): Promise<HotItem[]> {
  return [...(await store.query(table, 'p')), ...(await store.query(table, 'q'))];
}

function modelContents(model: Map<string, HotItem>, table: HotTable): HotItem[] {
  return [...model]
    .filter(([name]) => JSON.parse(name)[0] === table)
    .map(([, { partition, sort, values }]) => itemOf(partition, sort, values))
    .sort((a, b) => compareBytes(a.partition, b.partition) || compareBytes(a.sort, b.sort));
}

function isBehind(sort: string, after: string, newestFirst = false): boolean {
  return newestFirst ? compareBytes(sort, after) < 0 : compareBytes(sort, after) > 0;
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
