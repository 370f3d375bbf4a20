import fc from 'fast-check';
import { archiveStream } from '../../../src/local/archive-stream.ts';
import { produce, recordsIn } from '../../../src/local/produce.ts';
import type { EventStream, PutResult } from '../../../src/ports.ts';
import { collect } from '../../support/collect.ts';
import { type DoorPlatform, doorPlatform, failingAt } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { sampleEvent } from '../../support/sample-records.ts';
import { virtualTimer } from '../../support/stream.ts';

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
    const produced = await produce(platform.env, 'a', eventsOf(1201), {
      onProgress: (records) => progress.push(records),
    });
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
    expect(await archiveStream(platform.env)).toMatchObject({ received: 5, raw: 1, quarantined: 4 });
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
    await archiveStream(platform.env);
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

  test('gets those again, and only those, after a while', async () => {
    const stream = throttled(platform.env.stream);
    const timer = virtualTimer(platform.clock);
    expect(await produce({ ...platform.env, stream }, 'a', eventsOf(10), { timer })).toMatchObject({ sent: 10 });
    expect(stream.puts).toEqual([10, 5, 2, 1]);
    expect(timer.waits).toEqual([100, 100, 100]);
    expect(new Set((await recordsInStream()).map(({ partitionKey }) => partitionKey)).size).toBe(10);
  });

  test('is waited for longer and longer while it takes none, and ends with an error that says how to go on', async () => {
    const stream = {
      ...throttled(platform.env.stream),
      put: async (records: unknown[]) => records.map((): PutResult => ({ ok: false, error: 'internal' })),
    };
    const timer = virtualTimer(platform.clock);
    const refused = produce({ ...platform.env, stream }, 'a', eventsOf(3), { timer });
    await expect(refused).rejects.toThrow('the stream refused 3 records 8 times; produce again to go on');
    await expect(refused).rejects.toMatchObject({ retryable: true });
    expect(timer.waits).toEqual([100, 200, 400, 800, 1600, 3200, 5000]);
  });
});

describe('producing at a pace', () => {
  const arrivals = async () => (await recordsInStream()).map(({ arrivedAt }) => arrivedAt.getTime()).toSorted();

  test.each`
    rate   | seconds | sent
    ${2}   | ${5}    | ${10}
    ${0.5} | ${6}    | ${3}
    ${25}  | ${1}    | ${25}
    ${300} | ${2}    | ${600}
    ${7}   | ${999}  | ${700}
  `('of $rate records a second for $seconds s puts $sent of 700, evenly', async ({ rate, seconds, sent }) => {
    const timer = virtualTimer(platform.clock);
    const start = platform.clock.now().getTime();
    expect(await produce(platform.env, 'a', eventsOf(700), { rate, seconds, timer })).toMatchObject({ sent });
    const times = await arrivals();
    expect(times).toHaveLength(sent);
    // Record n is due n / rate seconds after the start, and goes with those of its tenth of a second; the virtual clock
    // is good to a millisecond.
    const leads = times.map((time, index) => start + (index / rate) * 1000 - time);
    expect(Math.min(...leads)).toBeGreaterThan(-2);
    expect(Math.max(...leads)).toBeLessThan(100 + 1000 / rate);
  });

  test('goes on the next time where it ended', async () => {
    const options = { rate: 10, seconds: 2, timer: virtualTimer(platform.clock) };
    await produce(platform.env, 'a', eventsOf(50), options);
    expect(await produce(platform.env, 'a', eventsOf(50), options)).toEqual({ sent: 20, known: 20, oversized: [] });
    expect(await produce(platform.env, 'a', eventsOf(50), options)).toEqual({ sent: 10, known: 40, oversized: [] });
    expect(new Set((await recordsInStream()).map(({ partitionKey }) => partitionKey)).size).toBe(50);
  });

  test('ends on time where the stream is slower than asked for', async () => {
    const { stream } = platform.env;
    const slow: EventStream = {
      shards: () => stream.shards(),
      read: (...args) => stream.read(...args),
      put: (records) => {
        platform.clock.advance(1 / 60);
        return stream.put(records);
      },
    };
    const timer = virtualTimer(platform.clock);
    const start = platform.clock.now().getTime();
    const options = { rate: 100, seconds: 5, timer };
    const { sent } = await produce({ ...platform.env, stream: slow }, 'a', eventsOf(700), options);
    expect([sent, platform.clock.now().getTime() - start]).toEqual([50, 5000]);
  });
});

describe('the lines of a file', () => {
  const linesOf = async (chunks: Uint8Array[]) => (await collect(recordsIn(chunks))).map((line) => Buffer.from(line));

  test.each`
    what                                    | text                | lines
    ${'end with a line feed'}               | ${'a\nb\n'}         | ${['a', 'b']}
    ${'or with the file'}                   | ${'a\nb'}           | ${['a', 'b']}
    ${'or with a carriage return as well'}  | ${'a\r\nb\r\n'}     | ${['a', 'b']}
    ${'hold other carriage returns'}        | ${'a\rb\r\r\nc'}    | ${['a\rb\r', 'c']}
    ${'and what only other programs break'} | ${'a\u2028b\u0085'} | ${['a\u2028b\u0085']}
    ${'may be empty'}                       | ${'\n\r\na'}        | ${['', '', 'a']}
    ${'are none of an empty file'}          | ${''}               | ${[]}
  `('$what', async ({ text, lines }: { text: string; lines: string[] }) => {
    expect((await linesOf([Buffer.from(text)])).map(String)).toEqual(lines);
  });

  test('are the same bytes wherever the file is cut into chunks', async () => {
    const byte = fc.constantFrom(0, 10, 13, 65, 128, 255);
    const chunks = fc.array(fc.array(byte, { maxLength: 6 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(chunks, async (parts) => {
        const ends = Buffer.from(parts.flat()).toString('latin1').split('\n');
        if (ends.at(-1) === '') ends.pop();
        const expected = ends.map((line) => Buffer.from(line.replace(/\r$/, ''), 'latin1'));
        expect(await linesOf(parts.map((part) => Uint8Array.from(part)))).toEqual(expected);
      }),
    );
  });

  test('that no stream takes are cut, and the next one is whole', async () => {
    const chunk = new Uint8Array(65_536).fill(65);
    const lines = await linesOf([...Array<Uint8Array>(800).fill(chunk), Buffer.from('\nb\n')]);
    expect(lines.map(({ length }) => length)).toEqual([1_048_576, 1]);
    expect(await produce(platform.env, 'a', lines)).toMatchObject({ sent: 1, oversized: [1] });
  });

  test('that are no UTF-8 reach quarantine to the byte', async () => {
    const broken = [Buffer.from('7b22c3287d', 'hex'), Buffer.from([0xff, 0xfe, 0, 13, 65])];
    const file = Buffer.concat(broken.flatMap((line) => [line, Buffer.from('\n')]));
    expect(await produce(platform.env, 'a', recordsIn([file]))).toMatchObject({ sent: 2 });
    expect(await archiveStream(platform.env)).toMatchObject({ received: 2, quarantined: 2 });
    const bodies = await Promise.all((await platform.quarantine('events')).map((line) => platform.openBody(line)));
    expect(bodies.toSorted(Buffer.compare)).toEqual(broken);
  });
});
