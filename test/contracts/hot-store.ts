/** What every HotStore promises. */
import fc from 'fast-check';
import {
  AdapterError,
  type Clock,
  ConditionFailed,
  type HotCondition,
  type HotItem,
  type HotKey,
  type HotStore,
  type HotTable,
  type HotValue,
  type HotWrite,
} from '../../src/ports.ts';

interface Made {
  store: HotStore;
  close(): Promise<void> | void;
}

/** `make` gives an empty store that reads the given clock. */
export function hotStoreContract(name: string, make: (clock: Clock) => Promise<Made>): void {
  describe(`hot store contract: ${name}`, () => {
    let now: Date;
    let store: HotStore;
    let close: Made['close'];
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

    test('loses no addition of several writers', async () => {
      const add: HotWrite = { table: 'batches', add: { partition: 'p', sort: 's', values: { rows: 3, bytes: -1 } } };
      await Promise.all(Array.from({ length: 10 }, () => store.write([add])));
      expect((await store.get('batches', { partition: 'p', sort: 's' }))?.values).toEqual({ rows: 30, bytes: -10 });
    });

    test('never reads an item past its expiry, and treats it as absent', async () => {
      const lease = (owner: string): HotWrite => ({
        table: 'locks',
        put: { ...itemOf('run', 'lock', { owner }), expiresAt: minutesLater(10) },
        if: { absent: true },
      });
      await store.write([lease('first')]);
      now = minutesLater(9);
      expect(await failedWrites(store, [lease('second')])).toEqual([0]);
      now = minutesLater(2);
      expect(await store.get('locks', { partition: 'run', sort: 'lock' })).toBeUndefined();
      expect(await store.query('locks', 'run')).toEqual([]);
      expect(await failedWrites(store, [lease('second')])).toBeUndefined();
      expect((await store.query('locks', 'run'))[0]?.values).toEqual({ owner: 'second' });
    });

    test('keeps the expiry of an item that is added to, unless another is given', async () => {
      const add = (expiresAt?: Date): HotWrite => ({
        table: 'batches',
        add: { partition: 'p', sort: 's', values: { n: 1 }, ...(expiresAt && { expiresAt }) },
      });
      const expiry = async () => (await store.get('batches', { partition: 'p', sort: 's' }))?.expiresAt;
      await store.write([add(minutesLater(5))]);
      await store.write([add()]);
      expect(await expiry()).toEqual(minutesLater(5));
      await store.write([add(minutesLater(60))]);
      expect(await expiry()).toEqual(minutesLater(60));
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

    test('takes 100 writes and an item of nearly 400 KB', async () => {
      await store.write([]);
      await store.write(Array.from({ length: 100 }, (_, index) => put(`s${index}`)));
      expect(await store.query('files', 'p')).toHaveLength(100);
      await store.write([put('large', 'x'.repeat(399 * 1024))]);
      expect((await store.get('files', { partition: 'p', sort: 'large' }))?.values.text).toHaveLength(399 * 1024);
    });

    test.each`
      what                     | writes
      ${'101 writes'}          | ${Array.from({ length: 101 }, (_, index) => put(`s${index}`))}
      ${'one key twice'}       | ${[put('same'), { table: 'files', delete: { partition: 'p', sort: 'same' } }]}
      ${'an item over 400 KB'} | ${[put('a'), put('large', 'é'.repeat(201 * 1024))]}
      ${'an empty key'}        | ${[put('a'), put('')]}
    `('refuses $what and writes nothing of it', async ({ writes }) => {
      await expect(store.write(writes)).rejects.toThrow(AdapterError);
      expect(await store.query('files', 'p')).toEqual([]);
    });

    test('refuses to add to what is no number', async () => {
      await store.write([{ table: 'runs', put: itemOf('p', 's', { state: 'done' }) }]);
      const add: HotWrite = { table: 'runs', add: { partition: 'p', sort: 's', values: { state: 1 } } };
      await expect(store.write([add])).rejects.toThrow(AdapterError);
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
const names = fc.oneof(fc.string({ unit: 'grapheme', minLength: 1 }), fc.constantFrom('$bytes', '$$bytes', '$', 'B'));
const { value: nestedValues } = fc.letrec<{ value: HotValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalars,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(names, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));
const valuesOfItems = fc.dictionary(names, nestedValues, { maxKeys: 4, noNullPrototype: true });

function itemOf(partition: string, sort: string, values: Record<string, HotValue>): HotItem {
  return { partition, sort, values };
}

function put(sort: string, text = ''): HotWrite {
  return { table: 'files', put: itemOf('p', sort, { text }) };
}

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

/** The positions that ConditionFailed names, or undefined where everything was written. */
async function failedWrites(store: HotStore, batch: HotWrite[]): Promise<number[] | undefined> {
  try {
    await store.write(batch);
    return undefined;
  } catch (error) {
    if (error instanceof ConditionFailed) return error.failed;
    throw error;
  }
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
