/** How much every HotStore takes, and what it refuses: part of the hot store's contract. */
import { AdapterError, type Clock, type HotStore, type HotValue, type HotWrite } from '../../src/ports.ts';
import { itemOf, type MadeHotStore } from '../support/hot-writes.ts';

const withLostName = (value: HotValue): Record<string, HotValue> => Object.fromEntries([['__proto__', value]]);

export function hotStoreLimits(name: string, make: (clock: Clock) => Promise<MadeHotStore>): void {
  describe(`hot store contract, limits: ${name}`, () => {
    let store: HotStore;
    let close: MadeHotStore['close'];

    beforeEach(async () => {
      ({ store, close } = await make({ now: () => new Date('2026-01-02T03:04:05Z') }));
    });
    afterEach(() => close());

    test('takes 100 writes and an item of nearly 400 KB', async () => {
      await store.write([]);
      await store.write(Array.from({ length: 100 }, (_, index) => put(`s${index}`)));
      expect(await store.query('files', 'p')).toHaveLength(100);
      await store.write([put('large', 'x'.repeat(395 * 1024))]);
      expect((await store.get('files', { partition: 'p', sort: 'large' }))?.values.text).toHaveLength(395 * 1024);
    });

    test.each`
      what                                          | writes
      ${'101 writes'}                               | ${Array.from({ length: 101 }, (_, index) => put(`s${index}`))}
      ${'one key twice'}                            | ${[put('same'), { table: 'files', delete: { partition: 'p', sort: 'same' } }]}
      ${'an item over 400 KB'}                      | ${[put('a'), put('large', 'é'.repeat(201 * 1024))]}
      ${'an empty key'}                             | ${[put('a'), put('')]}
      ${'a name that AWS’ client would lose'}       | ${[put('a'), { table: 'files', put: itemOf('p', 'b', withLostName(1)) }]}
      ${'a deep name that it would lose'}           | ${[{ table: 'files', put: itemOf('p', 'b', { deep: [withLostName('x')] }) }]}
      ${'an addition to a name that it would lose'} | ${[{ table: 'files', add: itemOf('p', 'b', withLostName(1)) }]}
    `('refuses $what and writes nothing of it', async ({ writes }) => {
      await expect(store.write(writes)).rejects.toThrow(AdapterError);
      expect(await store.query('files', 'p')).toEqual([]);
    });

    test('refuses to add to what is no number', async () => {
      await store.write([{ table: 'runs', put: itemOf('p', 's', { state: 'done' }) }]);
      const add: HotWrite = { table: 'runs', add: { partition: 'p', sort: 's', values: { state: 1 } } };
      await expect(store.write([add])).rejects.toThrow(AdapterError);
    });

    test('takes the longest keys, the largest and smallest numbers, and 30 levels', async () => {
      const key = { partition: 'é'.repeat(1024), sort: '😀'.repeat(256) };
      const values = { numbers: [1e125, -1e125, 1e-130, 0.1, Number.MAX_SAFE_INTEGER], deep: nested(29) };
      await store.write([{ table: 'runs', put: { ...key, values } }]);
      expect(await store.get('runs', key)).toEqual({ ...key, values });
      const options = { prefix: '😀'.repeat(200), after: '😀'.repeat(255) };
      expect(await store.query('runs', key.partition, options)).toHaveLength(1);
    });

    test('adds 50 values at once and compares 50', async () => {
      const values = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`a value's name ${index}`, index]));
      const key = { partition: 'p', sort: 's' };
      await store.write([{ table: 'runs', add: { ...key, values } }]);
      await store.write([{ table: 'runs', check: key, if: { equals: values } }]);
      expect((await store.get('runs', key))?.values).toEqual(values);
    });

    test('queries a partition of several megabytes whole, or a part of it', async () => {
      const sorts = Array.from({ length: 30 }, (_, index) => `s${index + 10}`);
      for (const part of [sorts.slice(0, 15), sorts.slice(15)]) {
        await store.write(part.map((sort) => put(sort, 'x'.repeat(200 * 1024))));
      }
      const found = async (options?: object) => (await store.query('files', 'p', options)).map(({ sort }) => sort);
      expect(await found()).toEqual(sorts);
      expect(await found({ limit: 12 })).toEqual(sorts.slice(0, 12));
      expect(await found({ after: 's15', prefix: 's', newestFirst: true })).toEqual(sorts.slice(0, 5).toReversed());
    });

    test.each`
      what                              | write
      ${'a partition over 2,048 bytes'} | ${{ delete: { partition: 'p'.repeat(2049), sort: 's' } }}
      ${'a sort key over 1,024 bytes'}  | ${{ delete: { partition: 'p', sort: 'é'.repeat(513) } }}
      ${'NaN'}                          | ${{ put: itemOf('p', 's', { list: [Number.NaN] }) }}
      ${'infinity'}                     | ${{ put: itemOf('p', 's', { n: Number.POSITIVE_INFINITY }) }}
      ${'a number over 1e125'}          | ${{ put: itemOf('p', 's', { map: { n: 1e126 } }) }}
      ${'a number below 1e-130'}        | ${{ put: itemOf('p', 's', { n: -1e-131 }) }}
      ${'values nested 40 levels'}      | ${{ put: itemOf('p', 's', { deep: nested(40) }) }}
      ${'an addition of a half'}        | ${{ add: { partition: 'p', sort: 's', values: { n: 0.5 } } }}
      ${'an addition of 2^53'}          | ${{ add: { partition: 'p', sort: 's', values: { n: 2 ** 53 } } }}
      ${'an addition of nothing'}       | ${{ add: { partition: 'p', sort: 's', values: {} } }}
      ${'an addition to 51 values'}     | ${{ add: { partition: 'p', sort: 's', values: numbered(51) } }}
      ${'a comparison with 51 values'}  | ${{ check: { partition: 'p', sort: 's' }, if: { equals: numbered(51) } }}
    `('refuses $what', async ({ write }) => {
      await expect(store.write([put('a'), { table: 'files', ...write }])).rejects.toThrow(AdapterError);
      expect(await store.query('files', 'p')).toEqual([]);
    });

    test('refuses a write of more than 4 MB in all', async () => {
      const writes = Array.from({ length: 11 }, (_, index) => put(`s${index}`, 'x'.repeat(390 * 1024)));
      await expect(store.write(writes)).rejects.toThrow(AdapterError);
      expect(await store.query('files', 'p')).toEqual([]);
    });

    test('refuses to add where the sum would leave the whole numbers, and changes nothing', async () => {
      const ends = { up: Number.MAX_SAFE_INTEGER, down: Number.MIN_SAFE_INTEGER, half: 'x' };
      const key = { partition: 'p', sort: 's' };
      await store.write([{ table: 'files', put: { ...key, values: ends } }]);
      const leaving: Record<string, number>[] = [{ up: 1 }, { down: -1 }, { up: -1, down: -1 }];
      for (const values of leaving) {
        await expect(store.write([put('a'), { table: 'files', add: { ...key, values } }])).rejects.toThrow(
          AdapterError,
        );
      }
      await store.write([{ table: 'files', add: { ...key, values: { up: -1, down: 1 } } }]);
      await store.write([{ table: 'files', add: { ...key, values: { up: 1, down: -1 } } }]);
      expect(await store.query('files', 'p')).toEqual([{ ...key, values: ends }]);
    });

    test('refuses to read what could not have been written', async () => {
      await expect(store.get('runs', { partition: 'p', sort: '' })).rejects.toThrow(AdapterError);
      await expect(store.get('runs', { partition: 'p'.repeat(2049), sort: 's' })).rejects.toThrow(AdapterError);
      await expect(store.query('runs', '')).rejects.toThrow(AdapterError);
      await expect(store.query('runs', 'p', { after: 's'.repeat(1025) })).rejects.toThrow(AdapterError);
    });
  });
}

function put(sort: string, text = ''): HotWrite {
  return { table: 'files', put: itemOf('p', sort, { text }) };
}

function nested(levels: number): HotValue {
  return levels === 0 ? 'end' : levels % 2 === 0 ? [nested(levels - 1)] : { part: nested(levels - 1) };
}

function numbered(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, index]));
}
