/** What every HotStore promises about items that expire: part of the hot store's contract. */
import type { Clock, HotCondition, HotStore, HotWrite } from '../../src/ports.ts';
import { failedWrites, itemOf, type MadeHotStore } from '../support/hot-writes.ts';

export function hotStoreTime(name: string, make: (clock: Clock) => Promise<MadeHotStore>): void {
  describe(`hot store contract, expiry: ${name}`, () => {
    let now: Date;
    let store: HotStore;
    let beside: MadeHotStore['beside'];
    let close: MadeHotStore['close'];
    const clock: Clock = { now: () => now };
    const minutesLater = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
    const lock = { partition: 'run', sort: 'lock' };
    const lease = (owner: string, until: Date, condition: HotCondition = { absent: true }): HotWrite => ({
      table: 'locks',
      put: { ...lock, values: { owner }, expiresAt: until },
      if: condition,
    });

    beforeEach(async () => {
      now = new Date('2026-01-02T03:04:05Z');
      ({ store, beside, close } = await make(clock));
    });
    afterEach(() => close());

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

    test('starts anew where it adds to an item that has expired', async () => {
      const key = { partition: 'p', sort: 's' };
      const add = (n: number, expiresAt?: Date): HotWrite => ({
        table: 'batches',
        add: { ...key, values: { n }, expiresAt },
      });
      const old = { ...key, values: { n: 100, text: 'old' }, expiresAt: minutesLater(5) };
      await store.write([{ table: 'batches', put: old }]);
      now = minutesLater(6);
      await store.write([add(1), { table: 'batches', put: itemOf('p', 'other', {}) }]);
      expect(await store.query('batches', 'p')).toEqual([itemOf('p', 'other', {}), itemOf('p', 's', { n: 1 })]);
      await store.write([add(2, minutesLater(5))]);
      expect(await store.get('batches', key)).toEqual({ ...key, values: { n: 3 }, expiresAt: minutesLater(5) });
      now = minutesLater(6);
      await Promise.all(Array.from({ length: 6 }, () => store.write([add(1)])));
      expect(await store.get('batches', key)).toEqual(itemOf('p', 's', { n: 6 }));
    });

    test.each([10, 11])(
      'finds neither an item that expired after 10 minutes nor its values after %d',
      async (minutes) => {
        await store.write([lease('first', minutesLater(10))]);
        now = minutesLater(minutes);
        for (const condition of [{ exists: true }, { equals: { owner: 'first' } }] satisfies HotCondition[]) {
          const check: HotWrite = { table: 'locks', check: lock, if: condition };
          const remove: HotWrite = { table: 'locks', delete: lock, if: condition };
          for (const write of [check, remove, lease('first', minutesLater(10), condition)]) {
            expect(await failedWrites(store, [write])).toEqual([0]);
          }
        }
        expect(await failedWrites(store, [{ table: 'locks', check: lock, if: { absent: true } }])).toBeUndefined();
      },
    );

    test('names a failed condition also where it adds to an item that has expired', async () => {
      const expired = { ...itemOf('p', 'expired', { n: 7 }), expiresAt: minutesLater(1) };
      await store.write([{ table: 'runs', put: expired }]);
      now = minutesLater(2);
      const failed = await failedWrites(store, [
        { table: 'runs', add: { partition: 'p', sort: 'expired', values: { n: 1 } } },
        { table: 'runs', check: { partition: 'p', sort: 'none' }, if: { exists: true } },
      ]);
      expect(failed).toEqual([1]);
      expect(await store.query('runs', 'p')).toEqual([]);
    });

    test('keeps an expiry in whole seconds, rounded up', async () => {
      const at = (milliseconds: number) => new Date(Date.parse('2026-01-02T04:00:00Z') + milliseconds);
      await store.write([{ table: 'locks', put: { ...lock, values: {}, expiresAt: at(1) } }]);
      expect((await store.get('locks', lock))?.expiresAt).toEqual(at(1000));
      now = at(999);
      expect(await store.get('locks', lock)).toBeDefined();
      now = at(1000);
      expect(await store.get('locks', lock)).toBeUndefined();
    });

    test('finds the items that live behind many that have expired, up to a limit', async () => {
      const put = (sort: string, expiresAt?: Date): HotWrite => ({
        table: 'files',
        put: { partition: 'p', sort, values: {}, expiresAt },
      });
      const some = (prefix: string) =>
        Array.from({ length: 90 }, (_, index) => put(`${prefix}${index + 10}`, minutesLater(1)));
      await store.write(some('a'));
      await store.write(some('c'));
      await store.write(['b1', 'b2', 'b3', 'd1'].map((sort) => put(sort)));
      now = minutesLater(2);
      const sorts = async (options: object) => (await store.query('files', 'p', options)).map(({ sort }) => sort);
      expect(await sorts({ limit: 2 })).toEqual(['b1', 'b2']);
      expect(await sorts({ limit: 3, newestFirst: true })).toEqual(['d1', 'b3', 'b2']);
      expect(await sorts({ prefix: 'c', limit: 2 })).toEqual([]);
      expect(await sorts({})).toEqual(['b1', 'b2', 'b3', 'd1']);
    });

    test('lets a lease be taken over once where clocks disagree, and its first owner then finds it lost', async () => {
      const ahead = { now: () => minutesLater(11) };
      const [second, third] = [beside(ahead), beside(ahead)];
      await store.write([lease('first', minutesLater(10))]);
      expect(await second.get('locks', lock)).toBeUndefined();
      const until = minutesLater(30);
      const taken = await Promise.all([
        failedWrites(second, [lease('second', until)]),
        failedWrites(third, [lease('third', until)]),
      ]);
      expect(taken.filter((failed) => failed === undefined)).toHaveLength(1);
      const winner = taken[0] === undefined ? 'second' : 'third';
      expect(await failedWrites(store, [lease('first', until, { equals: { owner: 'first' } })])).toEqual([0]);
      expect((await store.get('locks', lock))?.values).toEqual({ owner: winner });
      expect(await failedWrites(store, [lease(winner, until, { equals: { owner: winner } })])).toBeUndefined();
    });
  });
}
