/** What every EventStream promises. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { AdapterError, type EventStream, type NewRecord, type StreamRecord } from '../../src/ports.ts';

interface Made {
  stream: EventStream;
  close(): Promise<void> | void;
}

/** `make` gives a new stream of several shards. */
export function eventStreamContract(name: string, make: () => Promise<Made>): void {
  describe(`event stream contract: ${name}`, () => {
    let stream: EventStream;
    let close: Made['close'];

    beforeEach(async () => {
      ({ stream, close } = await make());
    });
    afterEach(() => close());

    test('gives back what was put, under the shard and sequence that the put named', async () => {
      const records = [record('a'), record('b'), { partitionKey: 'c', data: Uint8Array.of(0, 255, 10) }];
      const results = await stream.put(records);
      const read = await readAll(stream);
      expect(read).toHaveLength(3);
      for (const [position, result] of results.entries()) {
        const found = read.find(
          ({ shard, sequence }) => result.ok && shard === result.shard && sequence === result.sequence,
        );
        expect(found?.partitionKey).toBe(records[position]!.partitionKey);
        expect([...found!.data]).toEqual([...records[position]!.data]);
        expect(found!.arrivedAt.getUTCFullYear()).toBeGreaterThan(2000);
      }
    });

    test('has several shards, of which every one gets its part', async () => {
      const shards = await stream.shards();
      expect(new Set(shards).size).toBeGreaterThan(1);
      const results = await stream.put(Array.from({ length: 200 }, () => record(randomUUID())));
      expect(new Set(results.map((result) => result.ok && result.shard))).toEqual(new Set(shards));
    });

    test('sends equal partition keys to one shard, so that a duplicate meets its first', async () => {
      const first = await stream.put(['a', 'b', 'c', 'd', 'e'].map((key) => record(key)));
      const again = await stream.put(['e', 'd', 'c', 'b', 'a'].map((key) => record(key)));
      expect(again.toReversed().map((result) => result.ok && result.shard)).toEqual(
        first.map((result) => result.ok && result.shard),
      );
    });

    test('keeps the order of each shard, whatever is put and however it is read', async () => {
      const batches = fc.array(fc.array(fc.string({ minLength: 1, maxLength: 8 }), { maxLength: 12 }), {
        maxLength: 6,
      });
      await fc.assert(
        fc.asyncProperty(batches, fc.integer({ min: 1, max: 7 }), async (keys, limit) => {
          const made = await make();
          const put: { shard: string; sequence: string; data: string }[] = [];
          for (const [batch, partitionKeys] of keys.entries()) {
            const records = partitionKeys.map((key, position) => record(key, `${batch}/${position}`));
            for (const [position, result] of (await made.stream.put(records)).entries()) {
              if (!result.ok) throw new Error(`record ${batch}/${position} was not put: ${result.error}`);
              put.push({ shard: result.shard, sequence: result.sequence, data: `${batch}/${position}` });
            }
          }
          for (const shard of await made.stream.shards()) {
            const read = await readShard(made.stream, shard, limit);
            const expected = put.filter((one) => one.shard === shard).sort(bySequence);
            expect(read.map(({ data }) => Buffer.from(data).toString())).toEqual(expected.map(({ data }) => data));
            expect(read.map(({ sequence }) => sequence)).toEqual(expected.map(({ sequence }) => sequence));
          }
          await made.close();
        }),
        { numRuns: 25 },
      );
    });

    test('gives later puts of one key greater sequence numbers', async () => {
      const sequences: bigint[] = [];
      for (let put = 0; put < 12; put += 1) {
        const [result] = await stream.put([record('one key')]);
        if (result?.ok) sequences.push(BigInt(result.sequence));
      }
      expect(sequences).toHaveLength(12);
      expect(sequences).toEqual(sequences.toSorted((a, b) => (a < b ? -1 : 1)));
      expect(new Set(sequences).size).toBe(12);
    });

    test('may be read again from any place, and is empty at the end', async () => {
      await stream.put(Array.from({ length: 40 }, (_, index) => record(randomUUID(), String(index))));
      const [shard] = await stream.shards();
      const whole = await readShard(stream, shard!, 100);
      const middle = whole[Math.floor(whole.length / 2)]!;
      expect(await stream.read(shard!, middle.sequence, 100)).toEqual(whole.slice(whole.indexOf(middle) + 1));
      expect(await stream.read(shard!, whole.at(-1)!.sequence, 100)).toEqual([]);
    });

    test('loses no record of several writers, and keeps the order of each', async () => {
      const writers = Array.from({ length: 5 }, (_, writer) => writer);
      await Promise.all(
        writers.map(async (writer) => {
          for (let put = 0; put < 10; put += 1) {
            const results = await stream.put(Array.from({ length: 8 }, () => record(`of ${writer}`, String(put))));
            expect(results.every((result) => result.ok)).toBe(true);
          }
        }),
      );
      const read = await readAll(stream);
      expect(read).toHaveLength(400);
      expect(new Set(read.map(({ shard, sequence }) => `${shard}/${sequence}`)).size).toBe(400);
      for (const writer of writers) {
        const puts = read.filter(({ partitionKey }) => partitionKey === `of ${writer}`);
        expect(puts.map(({ data }) => Number(Buffer.from(data)))).toEqual(
          Array.from({ length: 80 }, (_, index) => Math.floor(index / 8)),
        );
      }
    });

    test('takes keys of 1 to 256 characters of any script, and data of no byte', async () => {
      const keys = ['k', 'é'.repeat(256), '😀'];
      const results = await stream.put(keys.map((key) => ({ partitionKey: key, data: new Uint8Array() })));
      expect(results).toMatchObject(keys.map(() => ({ ok: true })));
      const read = await readAll(stream);
      expect(read.map(({ partitionKey }) => partitionKey).toSorted()).toEqual(keys.toSorted());
      expect(read.map(({ data }) => data.length)).toEqual([0, 0, 0]);
    });

    test.each`
      what                     | records
      ${'an empty key'}        | ${[record('k'), record('')]}
      ${'a key over 256'}      | ${[record('k'), record('k'.repeat(257))]}
      ${'501 records'}         | ${Array.from({ length: 501 }, () => record('k'))}
      ${'a record over 1 MiB'} | ${[record('k'), sized(1024 * 1024 + 1)]}
      ${'more than 5 MiB'}     | ${Array.from({ length: 6 }, () => sized(1024 * 1024 - 100))}
    `('refuses $what and puts nothing of it', async ({ records }) => {
      await expect(stream.put(records)).rejects.toThrow(AdapterError);
      expect(await readAll(stream)).toEqual([]);
    });

    test('takes 500 records, or one of nearly 1 MiB, or none', async () => {
      expect(await stream.put([])).toEqual([]);
      expect(await stream.put(Array.from({ length: 500 }, () => record(randomUUID())))).toHaveLength(500);
      expect(await stream.put([sized(1024 * 1024 - 100)])).toMatchObject([{ ok: true }]);
      expect(await readAll(stream)).toHaveLength(501);
    });

    test('refuses to read a shard that does not exist', async () => {
      await expect(stream.read('shardId-000000000999', undefined, 10)).rejects.toThrow(AdapterError);
    });
  });
}

function record(partitionKey: string, data = `data of ${partitionKey}`): NewRecord {
  return { partitionKey, data: Buffer.from(data) };
}

function sized(bytes: number): NewRecord {
  return { partitionKey: 'k', data: new Uint8Array(bytes) };
}

async function readShard(stream: EventStream, shard: string, limit: number): Promise<StreamRecord[]> {
  const records: StreamRecord[] = [];
  for (;;) {
    const read = await stream.read(shard, records.at(-1)?.sequence, limit);
    expect(read.length).toBeLessThanOrEqual(limit);
    if (read.length === 0) return records;
    records.push(...read);
  }
}

async function readAll(stream: EventStream): Promise<StreamRecord[]> {
  const shards = await stream.shards();
  return (await Promise.all(shards.map((shard) => readShard(stream, shard, 500)))).flat();
}

function bySequence(a: { sequence: string }, b: { sequence: string }): number {
  return BigInt(a.sequence) < BigInt(b.sequence) ? -1 : 1;
}
