import { statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SqliteHotStore } from '../../../../src/adapters/local/sqlite-hot-store.ts';
import { systemClock } from '../../../../src/adapters/local/system.ts';
import type { Clock, HotWrite } from '../../../../src/ports.ts';
import { hotStoreContract } from '../../../contracts/hot-store.ts';
import { filesHolding, raceProcesses, temporaryDirectories } from '../../../support/local-stores.ts';

const newDirectory = temporaryDirectories();

hotStoreContract('SQLite', async (clock) => {
  const path = join(newDirectory(), 'hot.db');
  const stores: SqliteHotStore[] = [];
  const open = (other: Clock) => {
    const store = new SqliteHotStore(path, { clock: other });
    stores.push(store);
    return store;
  };
  const close = () => {
    for (const store of stores) store.close();
  };
  return { store: open(clock), beside: open, close };
});

describe('a hot store in a file', () => {
  const key = { partition: 'p', sort: 's' };
  const planted = 'planted-7f3a9c';
  const put = (expiresAt?: Date): HotWrite => ({
    table: 'runs',
    put: { ...key, values: { text: planted }, expiresAt },
  });

  test('keeps its items when it is opened anew, and is closed to other users', async () => {
    const path = join(newDirectory(), 'data/hot.db');
    const store = new SqliteHotStore(path, { clock: systemClock });
    await store.write([put()]);
    store.close();
    const again = new SqliteHotStore(path, { clock: systemClock });
    expect((await again.get('runs', key))?.values).toEqual({ text: planted });
    again.close();
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600');
  });

  test('leaves no byte of a deleted, replaced or expired item', async () => {
    const directory = newDirectory();
    let now = new Date('2026-01-01T00:00:00Z');
    const store = new SqliteHotStore(join(directory, 'hot.db'), { clock: { now: () => now } });
    const other: HotWrite = { table: 'runs', put: { ...key, values: {} } };
    const soon = new Date('2026-01-01T00:01:00Z');
    const ends: [HotWrite, () => Promise<void>][] = [
      [put(), () => store.write([{ table: 'runs', delete: key }])],
      [put(), () => store.write([other])],
      [
        put(soon),
        () => {
          now = soon;
          return store.write([{ table: 'files', put: { ...key, values: {} } }]);
        },
      ],
    ];
    for (const [write, end] of ends) {
      await store.write([write]);
      expect(filesHolding(directory, planted)).toHaveLength(1);
      await end();
      expect(filesHolding(directory, planted)).toEqual([]);
    }
    store.close();
  });

  test('counts every addition of several processes', async () => {
    const path = join(newDirectory(), 'hot.db');
    const module = (name: string) =>
      pathToFileURL(join(import.meta.dirname, '../../../../src/adapters/local', name)).href;
    await raceProcesses(
      3,
      `const { SqliteHotStore } = await import('${module('sqlite-hot-store.ts')}');
       const { systemClock } = await import('${module('system.ts')}');
       await start();
       const store = new SqliteHotStore(${JSON.stringify(path)}, { clock: systemClock });
       const add = { table: 'batches', add: { partition: 'p', sort: 's', values: { n: 1 } } };
       for (let count = 0; count < 50; count += 1) await store.write([add]);
       report('done');`,
    );
    const store = new SqliteHotStore(path, { clock: systemClock });
    expect((await store.get('batches', key))?.values).toEqual({ n: 150 });
    store.close();
  });
});
