/** Whatever fails and whenever the process dies: no record is lost, none overtakes another. */
import fc from 'fast-check';
import { SqliteEventStream } from '../../../src/adapters/local/sqlite-event-stream.ts';
import { SqliteHotStore } from '../../../src/adapters/local/sqlite-hot-store.ts';
import { open } from '../../../src/domain/privacy/seal.ts';
import { archiveEventSource } from '../../../src/domain/stream/event-source-settings.ts';
import type { KinesisEvent } from '../../../src/flows/kinesis-handler.ts';
import type { FailedBatch } from '../../../src/flows/redrive-failures.ts';
import { consumeStream } from '../../../src/local/event-source.ts';
import type { Environment } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { Death, intercept, virtualTimer } from '../../support/stream.ts';

const newDirectory = temporaryDirectories();

let platform: DoorPlatform;
let runs = 0;
beforeAll(() => {
  platform = doorPlatform(newDirectory());
});
afterAll(() => platform.close());

/** What the consumer does at one invocation: fails from a place on (as a part of the batch), or in one of these ways. */
type Act = 'succeeds' | 'throws' | 'dies before its work' | 'dies after its work' | number;

interface Script {
  /** How many records each shard holds. */
  records: [number, number];
  settings: { batchSize: number; retryAttempts: number; bisectBatchOnError: boolean };
  /** By invocation; afterwards all succeed. */
  acts: Act[];
  /** At which calls of a port, counted over all, the process dies. */
  deaths: number[];
}

const acts = fc.oneof(
  fc.constantFrom<Act>('succeeds', 'throws', 'throws', 'dies before its work', 'dies after its work'),
  fc.double({ min: 0, max: 1, noNaN: true }),
);

const scripts: fc.Arbitrary<Script> = fc.record({
  records: fc.tuple(fc.nat(12), fc.nat(12)),
  settings: fc.record({
    batchSize: fc.integer({ min: 1, max: 6 }),
    retryAttempts: fc.integer({ min: -1, max: 2 }),
    bisectBatchOnError: fc.boolean(),
  }),
  acts: fc.array(acts, { maxLength: 25 }),
  deaths: fc.array(fc.nat(80), { maxLength: 4 }),
});

interface Delivery {
  shard: string;
  /** The records of the invocation, in its order. */
  given: string[];
  /** Those that the consumer did its work on. */
  taken: string[];
}

/** Plays the script, a new process after each death, until the stream is at its end. */
async function play(script: Script): Promise<{ expected: string[]; deliveries: Delivery[]; discarded: string[] }> {
  const { clock } = platform;
  runs += 1;
  const onFailurePrefix = `failed/run-${runs}/`;
  const env: Environment = {
    ...platform.env,
    stream: new SqliteEventStream(':memory:', { clock, key: Buffer.alloc(32), shards: 2, retentionHours: 168 }),
    hot: new SqliteHotStore(':memory:', { clock }),
  };
  for (const [shard, count] of script.records.entries()) {
    const partitionKey = ['a', 'b'][shard]!;
    await env.stream.put(Array.from({ length: count }, () => ({ partitionKey, data: Buffer.from('x') })));
  }
  const remaining = [...script.acts];
  const deliveries: Delivery[] = [];
  let isDead = false;
  let calls = 0;
  const die = (): never => {
    isDead = true;
    throw new Death();
  };
  const mortal = intercept(env, async (_port, _method, call) => {
    calls += 1;
    if (isDead || script.deaths.includes(calls)) die();
    return call();
  });
  const invoke = async ({ Records }: KinesisEvent) => {
    const ids = Records.map(({ eventID }) => eventID);
    const act = remaining.shift() ?? 'succeeds';
    const failedFrom = typeof act === 'number' ? Math.floor(act * (ids.length - 1)) : undefined;
    const works = act !== 'throws' && act !== 'dies before its work';
    const taken = works ? ids.slice(0, failedFrom) : [];
    deliveries.push({ shard: ids[0]!.split(':')[0]!, given: ids, taken });
    if (act === 'throws') throw new Error('planted');
    if (String(act).startsWith('dies')) die();
    const failed = failedFrom === undefined ? [] : Records.slice(failedFrom);
    return { batchItemFailures: failed.map(({ kinesis }) => ({ itemIdentifier: kinesis.sequenceNumber })) };
  };
  const timer = virtualTimer(clock);
  const source = { consumer: 'test', settings: { ...archiveEventSource, onFailurePrefix, ...script.settings }, invoke };
  for (let isDone = false; !isDone; isDead = false) {
    isDone = await consumeStream(mortal, source, { timer }).then(
      () => true,
      (error) => {
        if (!(error instanceof Death)) throw error;
        return false;
      },
    );
  }
  const shards = await env.stream.shards();
  const records = await Promise.all(shards.map((shard) => env.stream.read(shard, undefined, 100)));
  const expected = records.flat().map(({ shard, sequence }) => `${shard}:${sequence}`);
  return { expected, deliveries, discarded: await discardedBelow(onFailurePrefix) };
}

async function discardedBelow(prefix: string): Promise<string[]> {
  const ids: string[] = [];
  for (const key of await platform.keys(prefix)) {
    const { payload, sealedOn } = JSON.parse(
      Buffer.from((await platform.env.objects.get(key))!).toString(),
    ) as FailedBatch;
    const sealingKey = await platform.env.vault.quarantineOpeningKey(sealedOn);
    const { Records } = JSON.parse(open(sealingKey!, payload, key).toString()) as KinesisEvent;
    ids.push(...Records.map(({ eventID }) => eventID));
  }
  return ids;
}

test('every record is taken, or in the on-failure store where attempts are limited', async () => {
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const { expected, deliveries, discarded } = await play(script);
      const taken = deliveries.flatMap((delivery) => delivery.taken);
      expect([...new Set([...taken, ...discarded])].toSorted()).toEqual(expected);
      if (script.settings.retryAttempts < 0) expect(discarded).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test('no record is given before all earlier ones of its shard are taken or discarded, and batches have no gaps', async () => {
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const { expected, deliveries, discarded } = await play(script);
      const done = new Set(discarded);
      for (const { shard, given, taken } of deliveries) {
        const ofShard = expected.filter((id) => id.startsWith(shard));
        const from = ofShard.indexOf(given[0]!);
        expect(given).toEqual(ofShard.slice(from, from + given.length));
        expect(ofShard.slice(0, from).filter((id) => !done.has(id))).toEqual([]);
        for (const id of taken) done.add(id);
      }
    }),
    { numRuns: 150 },
  );
});

test('no record is taken twice while the process lives', async () => {
  const living = scripts.map((script) => ({
    ...script,
    deaths: [],
    acts: script.acts.filter((act) => !String(act).startsWith('dies')),
  }));
  await fc.assert(
    fc.asyncProperty(living, async (script) => {
      const { deliveries, discarded } = await play(script);
      const taken = [...deliveries.flatMap((delivery) => delivery.taken), ...discarded];
      expect(taken).toHaveLength(new Set(taken).size);
    }),
    { numRuns: 100 },
  );
});

test('a batch that was cut off comes again with the same records', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 6 })),
      fc.nat(60),
      async ([count, batchSize], death) => {
        const settings = { batchSize, retryAttempts: -1, bisectBatchOnError: true };
        const { deliveries } = await play({ records: [count, 0], settings, acts: [], deaths: [death] });
        const batches = new Map<string, string>();
        for (const { given } of deliveries) {
          expect(batches.get(given[0]!) ?? given.at(-1)).toBe(given.at(-1));
          batches.set(given[0]!, given.at(-1)!);
        }
      },
    ),
    { numRuns: 60 },
  );
});
