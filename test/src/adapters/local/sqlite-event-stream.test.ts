import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { SqliteEventStream } from '../../../../src/adapters/local/sqlite-event-stream.ts';
import { systemClock } from '../../../../src/adapters/local/system.ts';
import { AdapterError } from '../../../../src/ports.ts';
import { eventStreamContract } from '../../../contracts/event-stream.ts';
import { filesBelow, filesHolding, raceProcesses, temporaryDirectories } from '../../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
const options = { clock: systemClock, key: new Uint8Array(32).fill(7), shards: 4, retentionHours: 24 };
const record = (partitionKey: string, data = 'x') => ({ partitionKey, data: Buffer.from(data) });

eventStreamContract('SQLite', async () => {
  const stream = new SqliteEventStream(join(newDirectory(), 'stream.db'), options);
  return { stream, close: () => stream.close() };
});

describe('a stream in a file', () => {
  test.each`
    shards | shardOfHash
    ${4}   | ${(hash: string) => Number.parseInt(hash[0]!, 16) >> 2}
    ${16}  | ${(hash: string) => Number.parseInt(hash[0]!, 16)}
    ${3}   | ${(hash: string) => Math.floor((3 * Number.parseInt(hash.slice(0, 8), 16)) / 2 ** 32)}
    ${1}   | ${() => 0}
  `('spreads keys over $shards equal ranges of their MD5, as Kinesis does', async ({ shards, shardOfHash }) => {
    const stream = new SqliteEventStream(':memory:', { ...options, shards });
    const keys = Array.from({ length: 300 }, (_, index) => `key ${index}`);
    const results = await stream.put(keys.map((key) => record(key)));
    expect(results.map((result) => result.ok && result.shard)).toEqual(
      keys.map((key) => {
        const shard = shardOfHash(createHash('md5').update(key).digest('hex'));
        return `shardId-${String(shard).padStart(12, '0')}`;
      }),
    );
    stream.close();
  });

  test('numbers the records of a shard without a gap, in text that sorts as the numbers do', async () => {
    const stream = new SqliteEventStream(':memory:', { ...options, shards: 1 });
    await stream.put(Array.from({ length: 12 }, () => record('k')));
    const sequences = (await stream.read('shardId-000000000000', undefined, 100)).map(({ sequence }) => sequence);
    expect(sequences).toEqual(Array.from({ length: 12 }, (_, index) => String(index + 1).padStart(20, '0')));
    stream.close();
  });

  test('keeps the order of arrival where the clock is set back', async () => {
    const times = ['2026-01-01T00:00:10Z', '2026-01-01T00:00:00Z', '2026-01-01T00:00:05Z'].map(
      (text) => new Date(text),
    );
    const clock = { now: () => times[put]! };
    let put = 0;
    const stream = new SqliteEventStream(':memory:', { ...options, clock, shards: 1 });
    for (; put < times.length; put += 1) await stream.put([record('k', String(put))]);
    const read = await stream.read('shardId-000000000000', undefined, 10);
    expect(read.map(({ data, arrivedAt }) => [Buffer.from(data).toString(), arrivedAt])).toEqual([
      ['0', times[0]],
      ['1', times[1]],
      ['2', times[2]],
    ]);
    stream.close();
  });

  test('holds no byte of its records in the clear, neither open nor closed', async () => {
    const directory = newDirectory();
    const planted = 'planted-7f3a9c@example.org';
    const stream = new SqliteEventStream(join(directory, 'stream.db'), options);
    await stream.put([record('a known key', `{"email":"${planted}"}`)]);
    expect(filesHolding(directory, 'a known key')).not.toEqual([]);
    expect(filesHolding(directory, planted)).toEqual([]);
    stream.close();
    expect(filesHolding(directory, planted)).toEqual([]);
    expect(filesHolding(directory, Buffer.from(planted).toString('base64').slice(4, -4))).toEqual([]);
  });

  test('removes records past their retention at the next put, and counts them on', async () => {
    let now = new Date('2026-01-01T00:00:00Z');
    const stream = new SqliteEventStream(':memory:', { ...options, shards: 1, clock: { now: () => now } });
    const read = async () =>
      (await stream.read('shardId-000000000000', undefined, 100)).map(({ data }) => Buffer.from(data).toString());
    await stream.put([record('k', 'first')]);
    now = new Date('2026-01-02T00:00:00Z');
    await stream.put([record('k', 'second')]);
    expect(await read()).toEqual(['first', 'second']);
    now = new Date('2026-01-02T00:00:01Z');
    const [third] = await stream.put([record('k', 'third')]);
    expect(third).toMatchObject({ sequence: '00000000000000000003' });
    expect(await read()).toEqual(['second', 'third']);
    expect(stream.recordCount()).toEqual({ total: 3, shards: { 'shardId-000000000000': 3 } });
    stream.close();
  });

  test('counts no record of a put that it refused', async () => {
    const stream = new SqliteEventStream(':memory:', options);
    await stream.put([record('a'), record('b'), record('c')]);
    await expect(stream.put([record('a'), record('')])).rejects.toThrow(AdapterError);
    expect(stream.recordCount().total).toBe(3);
    stream.close();
  });

  test('keeps records, times and numbers when it is opened anew', async () => {
    const path = join(newDirectory(), 'stream.db');
    const clock = { now: () => new Date('2026-01-02T03:04:05.678Z') };
    const stream = new SqliteEventStream(path, { ...options, clock, shards: 1 });
    await stream.put([record('k', 'one')]);
    stream.close();
    const again = new SqliteEventStream(path, { ...options, clock, shards: 1 });
    await again.put([record('k', 'two')]);
    const read = await again.read('shardId-000000000000', undefined, 100);
    expect(read.map(({ sequence, arrivedAt, data }) => [sequence, arrivedAt, Buffer.from(data).toString()])).toEqual([
      ['00000000000000000001', clock.now(), 'one'],
      ['00000000000000000002', clock.now(), 'two'],
    ]);
    again.close();
  });

  test.each`
    change                                 | refusal
    ${{ key: new Uint8Array(32).fill(8) }} | ${/was written under another key: restore the key directory/}
    ${{ shards: 8 }}                       | ${/has 4 shards, the settings ask for 8: set them back to 4/}
  `('refuses to be opened with $change', ({ change, refusal }) => {
    const path = join(newDirectory(), 'stream.db');
    new SqliteEventStream(path, options).close();
    expect(() => new SqliteEventStream(path, { ...options, ...change })).toThrow(refusal);
    expect(filesBelow(join(path, '..'))).toEqual([path]);
  });

  test('refuses a file that is no stream', () => {
    const path = join(newDirectory(), 'stream.db');
    writeFileSync(path, 'no database'.repeat(200));
    expect(() => new SqliteEventStream(path, options)).toThrow(AdapterError);
  });

  test('is created while another process writes to its file, once that has ended', async () => {
    const path = join(newDirectory(), 'stream.db');
    const module = pathToFileURL(join(import.meta.dirname, '../../../../src/adapters/local/sqlite.ts')).href;
    const other = new DatabaseSync(path);
    other.exec('create table other (a); begin immediate; insert into other values (1)');
    setTimeout(() => other.close(), 300);
    const [journal] = await raceProcesses<string>(
      1,
      `const { SqliteFile } = await import('${module}');
       await start();
       const file = new SqliteFile(${JSON.stringify(path)}, { journal: 'wal', schema: 'create table if not exists mine (a)' });
       report(file.get('pragma journal_mode').journal_mode);`,
    );
    expect(journal).toBe('wal');
  });

  test('is written and read by several processes at once, without a gap or a lost record', async () => {
    const path = join(newDirectory(), 'stream.db');
    const module = (name: string) =>
      pathToFileURL(join(import.meta.dirname, '../../../../src/adapters/local', name)).href;
    const reports = await raceProcesses<string[][]>(
      3,
      `const { SqliteEventStream } = await import('${module('sqlite-event-stream.ts')}');
       const { systemClock } = await import('${module('system.ts')}');
       await start();
       const key = new Uint8Array(32).fill(7);
       const stream = new SqliteEventStream(${JSON.stringify(path)}, { clock: systemClock, key, shards: 4, retentionHours: 24 });
       const newRecord = () => ({ partitionKey: crypto.randomUUID(), data: new Uint8Array(300) });
       const read = [[], [], [], []];
       for (let batch = 0; read.flat().length < 600; batch += 1) {
         if (batch < 20) await stream.put(Array.from({ length: 10 }, newRecord));
         for (const [index, shard] of (await stream.shards()).entries()) {
           const records = await stream.read(shard, read[index].at(-1), 50);
           read[index].push(...records.map(({ sequence }) => sequence));
         }
       }
       report(read);`,
    );
    const stream = new SqliteEventStream(path, options);
    const { total, shards } = stream.recordCount();
    stream.close();
    expect(total).toBe(600);
    for (const read of reports) {
      expect(read.map((sequences) => sequences.map(Number))).toEqual(
        Object.values(shards).map((count) => Array.from({ length: count }, (_, index) => index + 1)),
      );
    }
  });
});
