/**
 * Writes to each local store below the folder that is given while its disk is full, and again once there is room. Prints
 * what each said and held, as JSON. A program of its own, since only a process of that disk's namespace sees it.
 */
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DirectoryObjectStore } from '../../src/adapters/local/directory-object-store.ts';
import { KeyDirectory } from '../../src/adapters/local/key-directory.ts';
import { LedgerFile } from '../../src/adapters/local/ledger-file.ts';
import { SqliteEventStream } from '../../src/adapters/local/sqlite-event-stream.ts';
import { SqliteHotStore } from '../../src/adapters/local/sqlite-hot-store.ts';
import { SqliteVault } from '../../src/adapters/local/sqlite-vault.ts';
import { systemClock, systemIds } from '../../src/adapters/local/system.ts';
import { AdapterError } from '../../src/ports.ts';
import { collect } from './collect.ts';

/** What a store said to a write on the full disk, what it held afterwards, and what once there was room. */
export interface Attempted {
  failure: { retryable: boolean; message: string } | undefined;
  heldBefore: unknown;
  heldAfter: unknown;
}

const folder = process.argv[2]!;
const filling = join(folder, '../filling');
const path = (name: string) => join(folder, name);
mkdirSync(folder);

/** Takes all room there is, in pages: a file may still grow to the end of its own last one. */
function fill(): void {
  const file = openSync(filling, 'a');
  try {
    for (;;) writeSync(file, Buffer.alloc(4096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

async function attempt(write: () => unknown, held: () => unknown): Promise<Attempted> {
  fill();
  let failure: Attempted['failure'];
  try {
    await write();
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    failure = { retryable: error.retryable, message: error.message };
  }
  const heldBefore = await held();
  rmSync(filling);
  await write();
  return { failure, heldBefore, heldAfter: await held() };
}

const clock = systemClock;
const key = new Uint8Array(32).fill(1);
const objects = new DirectoryObjectStore(path('objects'));
const hot = new SqliteHotStore(path('hot.sqlite'), { clock });
const stream = new SqliteEventStream(path('stream.sqlite'), { clock, key, shards: 1, retentionHours: 24 });
const ledger = new LedgerFile(path('ledger.jsonl'), { key });
const keys = new KeyDirectory(path('keys'), { protects: [] });
const vault = new SqliteVault(path('vault.sqlite'), { keys, ids: systemIds, clock, ledger });
const people = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ namespace: 'user' as const, id: String(index) }));
// The first of these writes sees the store's files made; the second needs room for more.
const item = { partition: 'p', sort: 's', values: { text: 'x'.repeat(100_000) } };
const record = { partitionKey: 'a', data: Buffer.alloc(100_000) };
await ledger.append(people(1), new Date(0));

const keysOf = async () => (await collect(objects.list(''))).map((object) => object.key);
const attempted: Record<string, Attempted> = {
  'objects/raw/a': await attempt(() => objects.put('raw/a', Buffer.alloc(9000)), keysOf),
  'objects/raw/b': await attempt(() => objects.putIfAbsent('raw/b', Buffer.alloc(9000)), keysOf),
  'hot.sqlite': await attempt(
    () => hot.write([{ table: 'files', put: item }]),
    async () => (await hot.query('files', 'p')).length,
  ),
  'stream.sqlite': await attempt(
    () => stream.put([record]),
    () => stream.recordCount().total,
  ),
  'vault.sqlite': await attempt(
    () => vault.resolve(people(2000)),
    async () => (await vault.lookUp(people(2000))).filter(Boolean).length,
  ),
  'ledger.jsonl': await attempt(
    () => ledger.append(people(100), new Date(0)),
    async () => (await ledger.entries(0)).map(({ number }) => number),
  ),
  'other-keys/root.key': await attempt(
    () => new KeyDirectory(path('other-keys'), { protects: [] }),
    () => existsSync(path('other-keys/root.key')),
  ),
};
for (const store of [hot, stream, vault]) store.close();
process.stdout.write(JSON.stringify(attempted));
