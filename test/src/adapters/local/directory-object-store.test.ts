import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DirectoryObjectStore } from '../../../../src/adapters/local/directory-object-store.ts';
import { AdapterError } from '../../../../src/ports.ts';
import { objectStoreContract } from '../../../contracts/object-store.ts';
import { collect } from '../../../support/collect.ts';
import { raceProcesses, temporaryDirectories } from '../../../support/local-stores.ts';

const newDirectory = temporaryDirectories();

objectStoreContract('directory', async () => {
  const directory = newDirectory();
  const store = new DirectoryObjectStore(directory);
  const plant = async (keys: string[]) => {
    for (const folder of new Set(keys.map((key) => dirname(key))))
      mkdirSync(join(directory, folder), { recursive: true });
    for (const key of keys) writeFileSync(join(directory, key), 'x');
  };
  return { store, plant, close: () => store.close() };
});

describe('a directory of objects', () => {
  test('says where the file of an object lies', async () => {
    const directory = newDirectory();
    expect(new DirectoryObjectStore(directory).uri('raw/a b')).toBe(join(directory, 'raw/a b'));
  });

  test('lets nobody else read its objects: a landed file holds personal data', async () => {
    const store = new DirectoryObjectStore(newDirectory());
    await store.put('landing/customers/a', Buffer.from('x'));
    await store.putIfAbsent('raw/b', Buffer.from('x'));
    for (const key of ['landing/customers/a', 'raw/b']) expect(statSync(store.uri(key)).mode & 0o777).toBe(0o600);
  });

  test('shows neither temporary files nor what lies outside', async () => {
    const directory = newDirectory();
    const store = new DirectoryObjectStore(join(directory, 'lake'));
    writeFileSync(join(directory, 'outside'), 'x');
    writeFileSync(join(directory, 'lake/.tmp/unfinished'), 'x');
    for (const prefix of ['', '.', '.tmp', '../', '/']) {
      expect(await collect(store.list(prefix))).toEqual([]);
    }
  });

  test('leaves no temporary file behind, whether a put succeeds or not', async () => {
    const directory = newDirectory();
    const store = new DirectoryObjectStore(directory);
    await store.put('a', Uint8Array.of(1));
    await store.putIfAbsent('a', Uint8Array.of(2));
    await expect(store.put('a/b', Uint8Array.of(3))).rejects.toThrow(AdapterError);
    await expect(store.putIfAbsent('a/b', Uint8Array.of(3))).rejects.toThrow(AdapterError);
    expect(readdirSync(join(directory, '.tmp'))).toEqual([]);
  });

  test('removes what an interrupted put left, once it is a day old, or at once where nobody else writes', () => {
    const directory = newDirectory();
    const folder = join(directory, '.tmp');
    mkdirSync(folder);
    for (const name of ['old', 'new']) writeFileSync(join(folder, name), 'x');
    utimesSync(join(folder, 'old'), new Date('2020-01-01'), new Date('2020-01-01'));
    new DirectoryObjectStore(directory).close();
    expect(readdirSync(folder)).toEqual(['new']);
    new DirectoryObjectStore(directory, { isOnlyWriter: true }).close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('names the failed operation and its code, and holds no path of the machine', async () => {
    const store = new DirectoryObjectStore(newDirectory());
    await store.put('a', Uint8Array.of(1));
    await expect(store.put('a/b', Uint8Array.of(1))).rejects.toThrow(/^object a\/b: mkdir failed with E[A-Z]+$/);
  });

  test('keeps its objects when it is opened anew', async () => {
    const directory = newDirectory();
    await new DirectoryObjectStore(directory).put('a/b', Uint8Array.of(1));
    expect([...(await new DirectoryObjectStore(directory).get('a/b'))!]).toEqual([1]);
  });

  test('lets one of several processes win each key that they put if absent', async () => {
    const directory = newDirectory();
    const module = pathToFileURL(join(import.meta.dirname, '../../../../src/adapters/local/directory-object-store.ts'));
    const results = await raceProcesses<boolean[]>(
      3,
      `const { DirectoryObjectStore } = await import('${module.href}');
       const store = new DirectoryObjectStore(${JSON.stringify(directory)});
       await start();
       const won = [];
       for (let key = 0; key < 50; key += 1) won.push(await store.putIfAbsent('runs/' + key, Buffer.from(String(process.pid))));
       report(won);`,
    );
    const winners = Array.from({ length: 50 }, (_, key) => results.filter((won) => won[key]).length);
    expect(winners).toEqual(new Array(50).fill(1));
  });
});
