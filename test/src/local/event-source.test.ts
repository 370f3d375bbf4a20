import { SqliteEventStream } from '../../../src/adapters/local/sqlite-event-stream.ts';
import { SqliteHotStore } from '../../../src/adapters/local/sqlite-hot-store.ts';
import { open } from '../../../src/domain/privacy/seal.ts';
import { archiveEventSource, type EventSourceSettings } from '../../../src/domain/stream/event-source-settings.ts';
import type { KinesisBatchResponse, KinesisEvent } from '../../../src/flows/kinesis-handler.ts';
import type { FailedBatch } from '../../../src/flows/redrive-failures.ts';
import { type ConsumeOptions, consumeStream, type EventSource } from '../../../src/local/event-source.ts';
import { AdapterError, type Environment } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { virtualTimer, withOutage } from '../../support/stream.ts';

const newDirectory = temporaryDirectories();
const shards = ['shardId-000000000000', 'shardId-000000000001'];
/** MD5 of the first begins with 0c, of the other with 92. */
const keyOfShard = ['a', 'b'];

let platform: DoorPlatform;
let env: Environment;
let timer: ReturnType<typeof virtualTimer>;

beforeEach(() => {
  platform = doorPlatform(newDirectory());
  const { clock } = platform;
  timer = virtualTimer(clock);
  env = {
    ...platform.env,
    stream: new SqliteEventStream(':memory:', { clock, key: Buffer.alloc(32), shards: 2, retentionHours: 7 * 24 }),
    hot: new SqliteHotStore(':memory:', { clock }),
  };
});
afterEach(() => platform.close());

/** Puts records into one shard; each holds its number. */
const put = (shard: 0 | 1, ...numbers: number[]) =>
  env.stream.put(numbers.map((number) => ({ partitionKey: keyOfShard[shard]!, data: Buffer.from(String(number)) })));

const numbersOf = (event: KinesisEvent) =>
  event.Records.map(({ kinesis }) => Number(Buffer.from(kinesis.data, 'base64').toString()));

/** The stream with some of its methods replaced. */
function streamWith(replaced: Partial<Environment['stream']>): Environment['stream'] {
  const { stream } = env;
  return {
    put: (records) => stream.put(records),
    shards: () => stream.shards(),
    read: (...args) => stream.read(...args),
    ...replaced,
  };
}

type Answer = 'ok' | 'throw' | number[] | KinesisBatchResponse;

/** An event source whose consumer writes down what it is given and answers as told: with the numbers that failed, say. */
function sourceOf(answer: (numbers: number[]) => Answer, settings: Partial<EventSourceSettings> = {}) {
  const invocations: number[][] = [];
  const events: KinesisEvent[] = [];
  const source: EventSource = {
    consumer: 'test',
    settings: { ...archiveEventSource, batchSize: 4, onFailurePrefix: 'failed/test/', ...settings },
    invoke: async (event) => {
      const numbers = numbersOf(event);
      invocations.push(numbers);
      events.push(event);
      const given = answer(numbers);
      if (given === 'throw') throw new Error('planted');
      if (given === 'ok') return { batchItemFailures: [] };
      if (!Array.isArray(given)) return given;
      const failed = event.Records.filter((_, index) => given.includes(numbers[index]!));
      return { batchItemFailures: failed.map(({ kinesis }) => ({ itemIdentifier: kinesis.sequenceNumber })) };
    },
  };
  return { source, invocations, events };
}

const consume = (source: EventSource, options: ConsumeOptions = {}) =>
  consumeStream(env, source, { timer, ...options });
const has = (number: number) => (numbers: number[]) => (numbers.includes(number) ? 'throw' : 'ok');
/** Answers in this order, and then `ok`. */
const inTurn =
  (...answers: Answer[]) =>
  () =>
    answers.shift() ?? 'ok';
const hours = 60;

/** The records in the on-failure store, by the object's key. */
async function discarded(): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {};
  for (const key of await platform.keys('failed/')) {
    const { payload, sealedOn } = await invocationRecord(key);
    const event = open((await env.vault.quarantineOpeningKey(sealedOn))!, payload, key).toString();
    found[key] = numbersOf(JSON.parse(event) as KinesisEvent);
  }
  return found;
}

async function invocationRecord(key: string): Promise<FailedBatch> {
  return JSON.parse(Buffer.from((await platform.env.objects.get(key))!).toString()) as FailedBatch;
}

describe('an event source', () => {
  test('gives each shard’s records in order, in batches of the size that is set, and at its end stops', async () => {
    await put(0, 1, 2, 3, 4, 5);
    await put(1, 11, 12);
    const { source, invocations } = sourceOf(() => 'ok');
    await consume(source);
    expect(invocations).toEqual(expect.arrayContaining([[1, 2, 3, 4], [5], [11, 12]]));
    await put(0, 6);
    await consume(source);
    expect(invocations.slice(3)).toEqual([[6]]);
    expect(timer.waits).toEqual([]);
  });

  test('speaks Lambda’s Kinesis event', async () => {
    await put(0, 7);
    const { source, events } = sourceOf(() => 'ok');
    await consume(source);
    expect(events).toEqual([
      {
        Records: [
          {
            eventID: `${shards[0]}:00000000000000000001`,
            eventSourceARN: 'arn:aws:kinesis:local:000000000000:stream/events',
            kinesis: {
              sequenceNumber: '00000000000000000001',
              partitionKey: keyOfShard[0],
              data: Buffer.from('7').toString('base64'),
              approximateArrivalTimestamp: 1_772_362_799.5,
            },
          },
        ],
      },
    ]);
  });

  test('gives an invocation no more than it can carry', async () => {
    const big = { partitionKey: keyOfShard[0]!, data: new Uint8Array(1_000_000) };
    for (let index = 0; index < 6; index += 1) await env.stream.put([big]);
    const { source, events } = sourceOf(() => 'ok', { batchSize: 100 });
    await consume(source);
    expect(events.map(({ Records }) => Records.length)).toEqual([4, 2]);
  });

  test('keeps the checkpoints of each consumer apart', async () => {
    await put(0, 1, 2, 3);
    const one = sourceOf(() => 'ok');
    const other = sourceOf(inTurn('throw', 'throw', 'throw'), { bisectBatchOnError: false });
    await consume(one.source);
    await consume({ ...other.source, consumer: 'other' });
    await consume(one.source);
    expect([one.invocations, other.invocations]).toEqual([[[1, 2, 3]], Array(4).fill([1, 2, 3])]);
  });
});

describe('a partial response', () => {
  test('puts the checkpoint before the lowest failed record', async () => {
    await put(0, 1, 2, 3, 4);
    const { source, invocations } = sourceOf(inTurn([4, 3], [3]));
    await consume(source);
    expect(invocations).toEqual([
      [1, 2, 3, 4],
      [3, 4],
      [3, 4],
    ]);
  });

  test('with the first record asks for the same batch again, however many have arrived', async () => {
    await put(0, 1, 2);
    const { source, invocations } = sourceOf((numbers) => {
      if (invocations.length > 2) return 'ok';
      void put(0, 10 + invocations.length);
      return numbers.slice(0, 1);
    });
    await consume(source);
    expect(invocations).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
      [11, 12],
    ]);
  });

  test.each([[[{ itemIdentifier: '' }]], [[{ itemIdentifier: '99' }, { itemIdentifier: '00000000000000000002' }]]])(
    'with %j, which names no record of the batch, is a failure of the whole',
    async (batchItemFailures) => {
      await put(0, 1, 2);
      const { source, invocations } = sourceOf(inTurn({ batchItemFailures }));
      await consume(source);
      expect(invocations).toEqual([[1, 2], [1], [2]]);
    },
  );

  test('counts as success where it is not asked for', async () => {
    await put(0, 1, 2);
    const { source, invocations } = sourceOf(inTurn([1]), { reportBatchItemFailures: false });
    await consume(source);
    expect(invocations).toEqual([[1, 2]]);
  });
});

describe('an invocation that throws', () => {
  test('has its batch halved until the record stands alone; the halves come in order and at once', async () => {
    await put(0, 1, 2, 3, 4, 5);
    const { source, invocations } = sourceOf(inTurn('throw', 'ok', 'throw', 'throw'));
    await consume(source);
    expect(invocations).toEqual([[1, 2, 3, 4], [1, 2], [3, 4], [3], [3], [4], [5]]);
    expect(timer.waits).toEqual([1000]);
  });

  test('is tried again as it was where bisect is off, after longer and longer waits', async () => {
    await put(0, 1, 2);
    const throws = Array<Answer>(9).fill('throw');
    const { source, invocations } = sourceOf(inTurn(...throws), { bisectBatchOnError: false });
    await consume(source);
    expect(invocations).toEqual(Array(10).fill([1, 2]));
    expect(timer.waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1000));
  });

  test('leaves the other shards alone', async () => {
    await put(0, 1);
    await put(1, 11, 12, 13, 14, 15);
    const { source, invocations } = sourceOf((numbers) =>
      numbers[0] === 1 && invocations.flat().filter((number) => number > 10).length < 5 ? 'throw' : 'ok',
    );
    await consume(source);
    expect(invocations).toEqual(expect.arrayContaining([[1], [11, 12, 13, 14], [15]]));
    expect(timer.waits.length).toBeLessThan(5);
  });

  test('ends at the patience of who waits, and is gone on with by the next call', async () => {
    await put(0, 1);
    await put(1, 11);
    const failing = sourceOf(has(1));
    const given = consume(failing.source, { patienceSeconds: 5 });
    await expect(given).rejects.toThrow(
      `test did not get on with ${shards[0]} for 5 s; nothing is lost, run the command again to go on`,
    );
    await expect(given).rejects.toBeInstanceOf(AdapterError);
    expect(timer.waits).toEqual([1000, 2000, 4000]);
    const { source, invocations } = sourceOf(() => 'ok');
    await consume(source);
    expect(invocations).toEqual([[1]]);
  });
});

describe('the on-failure store', () => {
  test('takes a batch past its attempts, and the shard goes on', async () => {
    await put(0, 1, 2, 3);
    const { source, invocations } = sourceOf(has(2), { retryAttempts: 2 });
    await consume(source);
    expect(invocations).toEqual([[1, 2, 3], [1, 2], [1], [2], [2], [2], [3]]);
    const key = `failed/test/dt=2026-03-01/${shards[0]}-00000000000000000002-00000000000000000002.json`;
    expect(await discarded()).toEqual({ [key]: [2] });
    const { payload, sealedOn, ...about } = await invocationRecord(key);
    expect([payload, sealedOn]).toEqual([expect.stringMatching(/^sealed:1:/), '2026-03-01']);
    expect(about).toEqual({
      version: '1.0',
      requestContext: { functionArn: 'test', condition: 'RetryAttemptsExhausted', approximateInvokeCount: 3 },
      KinesisBatchInfo: {
        shardId: shards[0],
        startSequenceNumber: '00000000000000000002',
        endSequenceNumber: '00000000000000000002',
        approximateArrivalOfFirstRecord: '2026-03-01T10:59:59.500Z',
        approximateArrivalOfLastRecord: '2026-03-01T10:59:59.500Z',
        batchSize: 1,
        streamArn: 'arn:aws:kinesis:local:000000000000:stream/events',
      },
    });
  });

  test('takes the whole batch where bisect is off', async () => {
    await put(0, 1, 2, 3, 4, 5);
    const { source, invocations } = sourceOf(has(2), { retryAttempts: 0, bisectBatchOnError: false });
    await consume(source);
    expect(invocations).toEqual([[1, 2, 3, 4], [5]]);
    expect(Object.values(await discarded())).toEqual([[1, 2, 3, 4]]);
  });

  test('takes records over their age untried, to the second, and leaves younger ones', async () => {
    await put(0, 1, 2);
    platform.clock.advance(1 / 60);
    await put(0, 3);
    platform.clock.advance(6 * 24 * hours);
    const { source, invocations } = sourceOf(() => 'ok');
    await consume(source);
    expect(invocations).toEqual([[3]]);
    expect(Object.values(await discarded())).toEqual([[1, 2]]);
  });

  test('that is down is waited for', async () => {
    await put(0, 1);
    const since = env.clock.now().getTime();
    const isDown = () => env.clock.now().getTime() < since + 30 * 60_000;
    const { source, invocations } = sourceOf(has(1), { retryAttempts: 0 });
    await consumeStream(withOutage(env, 'objects', isDown), source, { timer });
    expect([invocations, Object.values(await discarded())]).toEqual([[[1]], [[1]]]);
    expect(isDown()).toBe(false);
  });
});

describe('following', () => {
  const stopAfter = (seconds: number) => {
    const controller = new AbortController();
    const until = env.clock.now().getTime() + seconds * 1000;
    const isOver = () => env.clock.now().getTime() >= until;
    const sleep = async (milliseconds: number) => {
      await timer.sleep(milliseconds);
      if (isOver()) controller.abort();
    };
    return { follow: controller.signal, timer: { ...timer, sleep } };
  };

  test('takes what arrives until it is told to stop, and then what is left', async () => {
    const { source, invocations } = sourceOf(() => 'ok', { maxBatchingWindowSeconds: 0 });
    const { follow, timer: stopping } = stopAfter(10);
    let arrived = 0;
    const sleep = async (milliseconds: number) => {
      arrived += 1;
      await put(0, arrived);
      await stopping.sleep(milliseconds);
    };
    await consume(source, { follow, timer: { ...stopping, sleep } });
    expect(arrived).toBeGreaterThan(5);
    expect(invocations.flat()).toEqual(Array.from({ length: arrived }, (_, index) => index + 1));
  });

  test('takes what came just before it was told to stop', async () => {
    const controller = new AbortController();
    const { stream } = env;
    env.stream = streamWith({
      read: async (...args) => {
        const read = await stream.read(...args);
        if (controller.signal.aborted) return read;
        controller.abort();
        await put(0, 1);
        await put(1, 11);
        return read;
      },
    });
    const { source, invocations } = sourceOf(() => 'ok');
    await consume(source, { follow: controller.signal });
    expect(invocations.flat().toSorted()).toEqual([1, 11]);
  });

  test('waits for a full batch as long as the window is, and not a moment longer', async () => {
    await put(0, 1);
    const arrivals: Record<number, number[]> = { 3: [2], 8: [3, 4, 5, 6], 20: [7] };
    const taken: [number, number[]][] = [];
    const since = env.clock.now().getTime();
    const elapsed = () => (env.clock.now().getTime() - since) / 1000;
    const { source } = sourceOf(
      (numbers) => {
        taken.push([elapsed(), numbers]);
        return 'ok';
      },
      { maxBatchingWindowSeconds: 10 },
    );
    env.stream = streamWith({ shards: async () => [shards[0]!] });
    const { follow, timer: stopping } = stopAfter(60);
    const sleep = async (milliseconds: number) => {
      await stopping.sleep(milliseconds);
      const numbers = arrivals[elapsed()];
      if (numbers) await put(0, ...numbers);
    };
    await consume(source, { follow, timer: { ...stopping, sleep } });
    expect(taken).toEqual([
      [8, [1, 2, 3, 4]],
      [18, [5, 6]],
      [30, [7]],
    ]);
  });
});

describe('a failure of the stream or the hot store', () => {
  test.each(['stream', 'hot'] as const)('that passes (%s) is waited for', async (port) => {
    await put(0, 1, 2);
    let calls = 0;
    const isDown = () => {
      calls += 1;
      return calls % 7 > 3;
    };
    const { source, invocations } = sourceOf(() => 'ok');
    await consumeStream(withOutage(env, port, isDown), source, { timer });
    expect([...new Set(invocations.map(String))]).toEqual(['1,2']);
  });

  test('that does not is thrown when the other shards are done', async () => {
    await put(0, 1);
    await put(1, 11, 12, 13, 14, 15);
    const read = async (shard: string, ...rest: [string | undefined, number]) => {
      if (shard === shards[0]) throw new AdapterError('a broken disk', { retryable: false });
      return stream.read(shard, ...rest);
    };
    const { stream } = env;
    env.stream = streamWith({ read });
    const { source, invocations } = sourceOf(() => 'ok');
    await expect(consume(source)).rejects.toThrow('a broken disk');
    expect(invocations).toEqual([[11, 12, 13, 14], [15]]);
  });
});
