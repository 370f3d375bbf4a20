import { archiveConsumer } from '../../../src/flows/archive-events.ts';
import {
  type HandlerOptions,
  type KinesisEvent,
  kinesisHandler,
  ProcessingFailed,
  type StreamConsumer,
} from '../../../src/flows/kinesis-handler.ts';
import { AdapterError, type StreamRecord } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { eventsOf, withOutage } from '../../support/stream.ts';

const newDirectory = temporaryDirectories();
const shard = 'shardId-000000000001';

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const kinesisEvent = (bodies: Uint8Array[], first = 1): KinesisEvent => ({
  Records: bodies.map((body, index) => ({
    eventID: `${shard}:${first + index}`,
    eventSourceARN: 'arn:aws:kinesis:eu-central-1:000000000000:stream/events',
    kinesis: {
      sequenceNumber: String(first + index),
      partitionKey: `key ${first + index}`,
      data: Buffer.from(body).toString('base64'),
      approximateArrivalTimestamp: 1_772_362_799.5,
    },
  })),
});

/** A consumer that fails as told, and writes down what it was given. */
function consumerFailing(failure: () => unknown) {
  const refused: unknown[] = [];
  const taken: StreamRecord[][] = [];
  const consumer: StreamConsumer = {
    name: 'test',
    process: async (records) => {
      taken.push(records);
      const error = failure();
      if (error) throw error;
    },
    refuse: async (record, rejection) => void refused.push([record.sequence, rejection]),
  };
  return { consumer, taken, refused };
}

const secret = 'jane@example.com';
const bug = () => new TypeError(`cannot read ${secret}\n    at ${secret}`);

const handlerOf = (consumer: StreamConsumer, options?: HandlerOptions) =>
  kinesisHandler(platform.env, consumer, options);

describe('the handler', () => {
  test('gives the consumer the records as they were put, to the byte and the millisecond', async () => {
    const { consumer, taken } = consumerFailing(() => undefined);
    const bytes = Uint8Array.of(0, 255, 10, 13, 128);
    expect(await handlerOf(consumer)(kinesisEvent([bytes, Buffer.from('b')], 9))).toEqual({ batchItemFailures: [] });
    expect(taken).toEqual([
      [
        {
          shard,
          sequence: '9',
          partitionKey: 'key 9',
          arrivedAt: new Date('2026-03-01T10:59:59.500Z'),
          data: Buffer.from(bytes),
        },
        expect.objectContaining({ sequence: '10', data: Buffer.from('b') }),
      ],
    ]);
  });

  test('asks for the whole batch again while a dependency is down, and says so', async () => {
    const outage = new AdapterError('vault: no answer', { retryable: true });
    const { consumer, refused } = consumerFailing(() => outage);
    const told: Error[] = [];
    const handler = handlerOf(consumer, { onFailure: (failure) => told.push(failure) });
    for (const records of [3, 1, 1, 1, 1, 1, 1, 1]) {
      const event = kinesisEvent(eventsOf(0, records), 7);
      expect(await handler(event)).toEqual({ batchItemFailures: [{ itemIdentifier: '7' }] });
    }
    expect(told).toEqual(Array(8).fill(outage));
    expect(refused).toEqual([]);
  });

  test('throws at any other error, so that the batch is halved, and never lets a foreign message pass', async () => {
    const { consumer, refused } = consumerFailing(bug);
    const failure: ProcessingFailed = await handlerOf(consumer)(kinesisEvent(eventsOf(0, 3))).catch((error) => error);
    expect(failure).toBeInstanceOf(ProcessingFailed);
    expect(failure.message).toBe(`test failed on ${shard}, records 1 to 3: TypeError`);
    expect(failure.stack).toMatch(/TypeError\n {4}at .*kinesis-handler/);
    expect(`${failure.stack}${JSON.stringify(failure)}${String(failure.cause)}`).not.toContain(secret);
    expect(refused).toEqual([]);
  });

  test.each([null, 'text', Object.assign(new Error(secret), { message: 'another' }), new Error('')])(
    'throws its own error at %p as well',
    async (thrown) => {
      const { consumer } = consumerFailing(() => undefined);
      const throwing = { ...consumer, process: () => Promise.reject(thrown) };
      const failure = await handlerOf(throwing)(kinesisEvent(eventsOf(0, 2))).catch((error) => error);
      expect(failure).toBeInstanceOf(ProcessingFailed);
      expect(failure.stack).not.toContain(secret);
    },
  );

  test('refuses a record when it has failed alone five times', async () => {
    const { consumer, refused } = consumerFailing(bug);
    const handler = handlerOf(consumer);
    await expect(handler(kinesisEvent(eventsOf(0, 2), 4))).rejects.toThrow(ProcessingFailed);
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await expect(handler(kinesisEvent(eventsOf(0, 1), 4))).rejects.toThrow(ProcessingFailed);
    }
    await expect(handler(kinesisEvent(eventsOf(0, 1), 5))).rejects.toThrow(ProcessingFailed);
    expect(refused).toEqual([]);
    expect(await handler(kinesisEvent(eventsOf(0, 1), 4))).toEqual({ batchItemFailures: [] });
    const rule = 'processing without an error; it failed 5 times with TypeError';
    expect(refused).toEqual([['4', { kind: 'processing_failed', reasons: [{ path: '', rule }] }]]);
  });

  test('forgets a record’s failures when the stream no longer holds it', async () => {
    const { consumer, refused } = consumerFailing(bug);
    const handler = handlerOf(consumer);
    for (let attempt = 1; attempt <= 4; attempt += 1) await handler(kinesisEvent(eventsOf(0, 1))).catch(() => {});
    platform.clock.advance(9 * 24 * 60);
    await expect(handler(kinesisEvent(eventsOf(0, 1)))).rejects.toThrow(ProcessingFailed);
    expect(refused).toEqual([]);
  });

  test('counts the failures of each consumer apart', async () => {
    const [one, other] = [consumerFailing(bug), consumerFailing(bug)];
    const handlers = [handlerOf(one.consumer), handlerOf({ ...other.consumer, name: 'other' })];
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      for (const handler of handlers) await handler(kinesisEvent(eventsOf(0, 1))).catch(() => {});
    }
    await handlers[0]!(kinesisEvent(eventsOf(0, 1)));
    expect([one.refused.length, other.refused.length]).toEqual([1, 0]);
  });
});

describe('the archive’s handler', () => {
  const poisoned = () => {
    const consumer = archiveConsumer(platform.env);
    return { ...consumer, process: () => Promise.reject(bug()) };
  };
  const failFiveTimes = async (handler: ReturnType<typeof kinesisHandler>, bodies: Uint8Array[]) => {
    for (let attempt = 1; attempt <= 4; attempt += 1) await handler(kinesisEvent(bodies)).catch(() => {});
    return handler(kinesisEvent(bodies));
  };

  test('puts a record that it cannot process to quarantine, sealed and to the byte', async () => {
    const body = Buffer.from(`{"secret":"${secret}"}`);
    expect(await failFiveTimes(handlerOf(poisoned()), [body])).toEqual({ batchItemFailures: [] });
    const [line, ...others] = await platform.quarantine('events');
    expect(others).toEqual([]);
    expect(line).toMatchObject({
      kind: 'processing_failed',
      origin: { source_shard: shard, source_sequence: '1' },
      arrivedAt: '2026-03-01T10:59:59.500Z',
    });
    expect(JSON.stringify(line)).not.toContain(secret);
    expect(await platform.openBody(line!)).toEqual(body);
    const counts = (await platform.env.hot.query('batches', 'events')).map(({ values }) => values);
    expect(counts).toMatchObject([{ received: 1, quarantined: 1, raw: 0 }]);
  });

  test('keeps such a record in the stream while quarantine cannot take it', async () => {
    let isDown = true;
    const env = withOutage(platform.env, 'vault', () => isDown);
    const consumer = { ...archiveConsumer(env), process: () => Promise.reject(bug()) };
    const handler = kinesisHandler(env, consumer);
    expect(await failFiveTimes(handler, [Buffer.from('x')])).toEqual({ batchItemFailures: [{ itemIdentifier: '1' }] });
    expect(await platform.quarantine('events')).toEqual([]);
    isDown = false;
    expect(await handler(kinesisEvent([Buffer.from('x')]))).toEqual({ batchItemFailures: [] });
    expect(await platform.quarantine('events')).toHaveLength(1);
  });
});
