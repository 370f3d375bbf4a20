import { consumeStream } from '../../../src/local/consume-stream.ts';
import { produce } from '../../../src/local/produce.ts';
import type { EventStream, PutResult } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform, failingAt } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { sampleEvent } from '../../support/sample-records.ts';

const newDirectory = temporaryDirectories();

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
const eventOf = (number: number) =>
  JSON.stringify({ ...sampleEvent('events/login/1', { userId: `u${number}` }), eventId: idOf(number) });
const eventsOf = (count: number) => Array.from({ length: count }, (_, number) => Buffer.from(eventOf(number)));

async function recordsInStream() {
  const { stream } = platform.env;
  return (await Promise.all((await stream.shards()).map((shard) => stream.read(shard, undefined, 10_000)))).flat();
}

describe('producing', () => {
  test('puts each line once, by the event’s id', async () => {
    const progress: number[] = [];
    const produced = await produce(platform.env, 'a', eventsOf(1201), (records) => progress.push(records));
    expect(produced).toEqual({ sent: 1201, known: 0, oversized: [] });
    expect(progress).toEqual([500, 1000, 1201]);
    const records = await recordsInStream();
    expect(new Set(records.map(({ partitionKey }) => partitionKey)).size).toBe(1201);
    expect(
      records.every(({ partitionKey, data }) => JSON.parse(String(Buffer.from(data))).eventId === partitionKey),
    ).toBe(true);
  });

  test('goes on where it ended, and puts nothing twice', async () => {
    await produce(platform.env, 'a', eventsOf(700));
    expect(await produce(platform.env, 'a', eventsOf(700))).toEqual({ sent: 0, known: 700, oversized: [] });
    expect(await produce(platform.env, 'a', eventsOf(900))).toEqual({ sent: 200, known: 700, oversized: [] });
    expect(await produce(platform.env, 'b', eventsOf(3))).toMatchObject({ sent: 3, known: 0 });
    expect(await recordsInStream()).toHaveLength(903);
  });

  test.each(['before', 'after'] as const)('that was cut off %s a call repeats at most one put', async (when) => {
    for (let at = 0; at < 5; at += 1) {
      const { env } = failingAt(platform.env, at, when);
      await expect(produce(env, `source ${at}`, eventsOf(1000))).rejects.toThrow();
      const before = (await recordsInStream()).length;
      const { sent, known } = await produce(platform.env, `source ${at}`, eventsOf(1000));
      expect([at, sent + known]).toEqual([at, 1000]);
      expect((await recordsInStream()).length - before).toBe(sent);
    }
    expect((await recordsInStream()).length).toBeLessThanOrEqual(5 * 1500);
  });

  test('skips blank lines and reports lines that no stream takes, up to the byte', async () => {
    const fits = 1_048_576 - 64;
    const lines = [eventOf(1), '', 'x'.repeat(fits + 1), 'y'.repeat(fits), eventOf(2)].map((line) => Buffer.from(line));
    expect(await produce(platform.env, 'a', lines)).toEqual({ sent: 3, known: 0, oversized: [3] });
    expect(await recordsInStream()).toHaveLength(3);
  });

  test('sends what is no event as well, to be refused with a reason', async () => {
    const lines = ['{"broken', '[]', '{"eventId":7}', eventOf(1), '\u0000'].map((line) => Buffer.from(line));
    expect(await produce(platform.env, 'a', lines)).toMatchObject({ sent: 5 });
    expect(await consumeStream(platform.env)).toMatchObject({ received: 5, raw: 1, quarantined: 4 });
  });

  test('brings an event whose id is spelled in capitals to the shard of its duplicate', async () => {
    const lower = JSON.stringify({
      ...sampleEvent('events/login/1', { userId: 'u' }),
      eventId: 'abcdefab-0000-4000-8000-00000000000a',
    });
    await produce(
      platform.env,
      'a',
      [lower, lower.replace(/"abcdefab[^"]*"/, (id) => id.toUpperCase())].map((line) => Buffer.from(line)),
    );
    const records = await recordsInStream();
    expect(new Set(records.map(({ shard }) => shard)).size).toBe(1);
    await consumeStream(platform.env);
    expect(new Set((await platform.raw('events')).map((line) => line.event_id)).size).toBe(1);
  });
});

describe('a stream that refuses some records', () => {
  /** A stream that takes every second record only. */
  function throttled(stream: EventStream): EventStream & { puts: number[] } {
    const puts: number[] = [];
    return {
      puts,
      shards: () => stream.shards(),
      read: (...args) => stream.read(...args),
      put: async (records) => {
        puts.push(records.length);
        const results = await stream.put(records.filter((_, index) => index % 2 === 0));
        return records.map(
          (_, index): PutResult => (index % 2 === 0 ? results[index / 2]! : { ok: false, error: 'throttled' }),
        );
      },
    };
  }

  test('gets those again, and only those', async () => {
    const stream = throttled(platform.env.stream);
    expect(await produce({ ...platform.env, stream }, 'a', eventsOf(10))).toMatchObject({ sent: 10 });
    expect(stream.puts).toEqual([10, 5, 2, 1]);
    expect(new Set((await recordsInStream()).map(({ partitionKey }) => partitionKey)).size).toBe(10);
  });

  test('for good ends with an error that says how to go on', async () => {
    const stream = {
      ...throttled(platform.env.stream),
      put: async (records: unknown[]) => records.map((): PutResult => ({ ok: false, error: 'internal' })),
    };
    const refused = produce({ ...platform.env, stream }, 'a', eventsOf(3));
    await expect(refused).rejects.toThrow('the stream refused 3 records 8 times; produce again to go on');
    await expect(refused).rejects.toMatchObject({ retryable: true });
  });
});
