import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { SqliteHotStore } from '../../../src/adapters/local/sqlite-hot-store.ts';
import { archiveEventSource } from '../../../src/domain/stream/event-source-settings.ts';
import { readStatus } from '../../../src/flows/status.ts';
import { archiveStream } from '../../../src/local/archive-stream.ts';
import { openPlatform } from '../../../src/local/platform.ts';
import { produce } from '../../../src/local/produce.ts';
import { AdapterError, type Environment } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { Death, dyingAt, eventIdOf, eventsOf, intercept, virtualTimer, withOutage } from '../../support/stream.ts';

const newDirectory = temporaryDirectories();

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const idsOf = async (at: DoorPlatform) => (await at.raw('events')).map((line) => String(line.event_id)).toSorted();
const idsFrom = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => eventIdOf(from + index));

describe('archiving the stream', () => {
  test('takes what is new in each shard, and then nothing', async () => {
    await produce(platform.env, 'a', eventsOf(0, 30));
    expect(await archiveStream(platform.env)).toMatchObject({ received: 30, raw: 30 });
    expect(await archiveStream(platform.env)).toMatchObject({ received: 0 });
    await produce(platform.env, 'b', eventsOf(30, 40));
    expect(await archiveStream(platform.env)).toMatchObject({ received: 10 });
    expect(await idsOf(platform)).toEqual(idsFrom(0, 40));
  });

  test('takes as many records of a shard at a time as a batch has', async () => {
    await produce(platform.env, 'a', eventsOf(0, 30));
    const progress: number[] = [];
    const settings = { ...archiveEventSource, batchSize: 10 };
    await archiveStream(platform.env, { settings, onProgress: (records) => progress.push(records) });
    const steps = progress.map((records, index) => records - (progress[index - 1] ?? 0));
    expect(Math.max(...steps)).toBe(10);
    expect(await idsOf(platform)).toEqual(idsFrom(0, 30));
  });

  test.each(['before', 'after'] as const)(
    'tries the same records again where the process died %s any call, whatever has arrived since',
    async (when) => {
      await produce(platform.env, 'a', eventsOf(0, 30));
      const { env, state } = dyingAt(platform.env, -1, when);
      await archiveStream(env);
      expect(state.calls).toBeGreaterThan(15);
      for (let at = 0; at < state.calls; at += 1) {
        const other = doorPlatform(newDirectory());
        await produce(other.env, 'a', eventsOf(0, 30));
        await expect(archiveStream(dyingAt(other.env, at, when).env)).rejects.toThrow(Death);
        other.clock.advance(1);
        await produce(other.env, 'b', eventsOf(30, 60));
        await archiveStream(other.env);
        // A batch with other boundaries would be another object, and its records would lie there twice.
        expect([at, await idsOf(other)]).toEqual([at, idsFrom(0, 60)]);
        other.close();
      }
    },
  );

  test('goes on where the batch that was cut off has outlived the stream', async () => {
    await produce(platform.env, 'a', eventsOf(0, 30));
    const dying = intercept(platform.env, async (port, _method, call) => {
      if (port === 'vault') throw new Death();
      return call();
    });
    await expect(archiveStream(dying, { timer: mortalTimer })).rejects.toThrow(Death);
    platform.clock.advance(60 * 24 * 400);
    await produce(platform.env, 'b', eventsOf(30, 60));
    await archiveStream(platform.env);
    expect(await idsOf(platform)).toEqual(idsFrom(30, 60));
  });

  /** A process that dies where it would have to wait. */
  const mortalTimer = { sleep: () => Promise.reject(new Death()), random: () => 0 };
});

describe('a vault that is down', () => {
  /** Days of retries each write their position: in memory they take a moment. */
  let base: Environment;
  beforeEach(() => {
    base = { ...platform.env, hot: new SqliteHotStore(':memory:', { clock: platform.clock }) };
  });

  const minutesDown = (minutes: number) => {
    const until = platform.clock.now().getTime() + minutes * 60_000;
    return () => platform.clock.now().getTime() < until;
  };

  test.each([1, 60, 5 * 24 * 60])('for %i minutes stalls the archive, and loses and leaks nothing', async (minutes) => {
    const lines = [...eventsOf(0, 20), Buffer.from('{"broken')];
    await produce(platform.env, 'a', lines);
    const isDown = minutesDown(minutes);
    const told: string[] = [];
    const writes: string[] = [];
    const env = intercept(withOutage(base, 'vault', isDown), async (port, method, call) => {
      if (port === 'objects' && method.startsWith('put') && isDown()) writes.push(method);
      return call();
    });
    const timer = virtualTimer(platform.clock);
    const onFailure = ({ message }: Error) => void told.push(message);
    expect(await archiveStream(env, { timer, onFailure })).toMatchObject({ received: 21, raw: 20, quarantined: 1 });
    expect([await idsOf(platform), await platform.keys('failed/'), writes]).toEqual([idsFrom(0, 20), [], []]);
    // Of each shard one object, as if nothing had happened: a waiting batch is not halved.
    expect((await platform.keys('raw/')).length).toBeLessThanOrEqual(2);
    expect(new Set(told.map((message) => message.replace(/: .*/, '')))).toEqual(new Set(['vault']));
  });

  test('for longer than the record age sends the records, sealed, to the on-failure store as soon as it can seal', async () => {
    // In one shard: another's waits would move the clock while this one's calls are under way.
    await platform.env.stream.put(eventsOf(0, 20).map((data) => ({ partitionKey: 'key', data })));
    const env = withOutage(base, 'vault', minutesDown(6 * 24 * 60 + 30));
    expect(await archiveStream(env, { timer: virtualTimer(platform.clock) })).toMatchObject({ received: 0 });
    expect([await platform.keys('raw/'), await platform.keys('quarantine/')]).toEqual([[], []]);
    const keys = await platform.keys('failed/archive-events/dt=2026-03-01/');
    let records = 0;
    for (const key of keys) {
      const object = JSON.parse(Buffer.from((await platform.env.objects.get(key))!).toString());
      expect(object.requestContext).toMatchObject({ condition: 'RecordAgeExceeded' });
      records += object.KinesisBatchInfo.batchSize;
      expect(object.payload).toMatch(/^sealed:1:/);
    }
    expect(records).toBe(20);
  });

  test('for longer than who waits has patience ends with how to go on', async () => {
    await produce(platform.env, 'a', eventsOf(0, 20));
    const env = withOutage(base, 'vault', () => true);
    const waiting = archiveStream(env, { timer: virtualTimer(platform.clock), patienceSeconds: 60 });
    await expect(waiting).rejects.toThrow(/did not get on with .* for 60 s; nothing is lost, run the command again/);
    expect(await archiveStream(base)).toMatchObject({ received: 20, raw: 20 });
  });
});

describe('a record that the archive cannot process', () => {
  /** The environment in which the vault's client has a bug: it fails on a batch with this person. */
  const withBugAt = (person: string): Environment =>
    intercept(platform.env, async (port, method, call, args) => {
      if (port === 'vault' && method === 'resolve' && JSON.stringify(args).includes(person))
        throw new RangeError(person);
      return call();
    });

  test('is refused alone, and its neighbours are archived once', async () => {
    await produce(platform.env, 'a', eventsOf(0, 60));
    const poison = eventsOf(60, 61).map((event) => Buffer.from(event.toString().replace(/"u0"/, '"u-poison"')));
    await produce(platform.env, 'b', poison);
    await produce(platform.env, 'c', eventsOf(61, 90));
    const told: string[] = [];
    const counts = await archiveStream(withBugAt('u-poison'), {
      timer: virtualTimer(platform.clock),
      onFailure: ({ message }) => void told.push(message),
    });
    expect(counts).toMatchObject({ received: 90, raw: 89, quarantined: 1 });
    expect(await idsOf(platform)).toEqual([...idsFrom(0, 60), ...idsFrom(61, 90)]);
    const [line] = await platform.quarantine('events');
    expect([line?.kind, await platform.openBody(line!)]).toEqual(['processing_failed', poison[0]]);
    expect(told.join()).toMatch(/RangeError/);
    expect(told.join()).not.toMatch(/u-poison/);
  });
});

describe('whatever fails', () => {
  type Mishap = 'no answer' | 'lost answer' | 'death';

  /** The environment with mishaps at these calls, counted over all processes. */
  function mishapsAt(env: Environment, mishaps: Map<number, Mishap>, bug: string) {
    const process = { isDead: false };
    let calls = 0;
    const outage = () => new AdapterError('no answer', { retryable: true });
    const failing = intercept(env, async (_port, method, call, args) => {
      const mishap = mishaps.get(calls);
      calls += 1;
      if (mishap === 'death') process.isDead = true;
      if (process.isDead) throw new Death();
      if (mishap === 'no answer') throw outage();
      if (method === 'resolve' && JSON.stringify(args).includes(bug)) throw new TypeError(bug);
      const result = await call();
      if (mishap === 'lost answer') throw outage();
      return result;
    });
    return { env: failing, process };
  }

  const mishaps = fc.array(
    fc.tuple(fc.nat(120), fc.constantFrom<Mishap>('no answer', 'lost answer', 'lost answer', 'death')),
    { maxLength: 12 },
  );

  test('each record ends in raw or in quarantine, once by provenance, and the counts say so', async () => {
    await fc.assert(
      fc.asyncProperty(
        mishaps,
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom('nobody', 'u3'),
        async (script, count, bug) => {
          const at = doorPlatform(newDirectory());
          const lines = [...eventsOf(0, count), Buffer.from('{"broken'), Buffer.from([0xff, 0xfe])];
          await produce(at.env, 'a', lines);
          const failing = mishapsAt(at.env, new Map(script), bug);
          const timer = virtualTimer(at.clock);
          for (let isDone = false; !isDone; failing.process.isDead = false) {
            isDone = await archiveStream(failing.env, { timer }).then(
              () => true,
              (error) => {
                if (!(error instanceof Death || error instanceof AdapterError)) throw error;
                return false;
              },
            );
          }
          const raw = (await at.raw('events')).map((line) => `${line.source_shard}/${line.source_sequence}`);
          const refused = (await at.quarantine('events')).map(
            ({ origin }) => `${origin.source_shard}/${origin.source_sequence}`,
          );
          const { datasets } = await readStatus(at.env)();
          expect([...raw, ...refused].toSorted()).toEqual(await placesIn(at.env));
          expect(datasets[0]).toMatchObject({ received: lines.length, raw: raw.length, isBalanced: true });
          expect(await at.keys('failed/')).toEqual([]);
          at.close();
        },
      ),
      { numRuns: 20 },
    );
  });
});

/** Where the stream's records stand, in order. */
async function placesIn({ stream }: Environment): Promise<string[]> {
  const shards = await stream.shards();
  const records = await Promise.all(shards.map((shard) => stream.read(shard, undefined, 100_000)));
  return records.flat().map(({ shard, sequence }) => `${shard}/${sequence}`);
}

describe('a process that is killed', () => {
  const run = promisify(execFile);
  const child = join(import.meta.dirname, '../../support/killed-archive.mjs');
  /** True where the process was killed, false where it came to its end before. */
  const isKilled = (dataDir: string, killAt: number): Promise<boolean> =>
    run(process.execPath, ['--disable-warning=ExperimentalWarning', child, dataDir, String(killAt)]).then(
      () => false,
      ({ signal }) => {
        expect(signal).toBe('SIGKILL');
        return true;
      },
    );

  test('again and again, all over its work, has archived every record once when it comes to its end', async () => {
    const lines = [...eventsOf(0, 8000), ...Array.from({ length: 40 }, (_, index) => Buffer.from(`broken ${index}`))];
    await produce(platform.env, 'a', lines);
    platform.close();
    const { dataDir } = platform.paths;
    /** Records archived at each kill. */
    const progress: number[] = [];
    for (let killAt = 1; await isKilled(dataDir, killAt % 2 ? killAt : -killAt); killAt += 2 + (killAt % 2)) {
      const reader = openPlatform({ dataDir, access: 'read' });
      progress.push((await readStatus(reader.env)()).datasets[0]!.received);
      reader.close();
    }
    platform = doorPlatform(join(dataDir, '..'));
    const raw = (await platform.raw('events')).map((line) => `${line.source_shard}/${line.source_sequence}`);
    const refused = (await platform.quarantine('events')).map(
      ({ origin }) => `${origin.source_shard}/${origin.source_sequence}`,
    );
    expect([raw.length, refused.length]).toEqual([8000, 40]);
    expect([...raw, ...refused].toSorted()).toEqual(await placesIn(platform.env));
    expect((await readStatus(platform.env)()).datasets[0]).toMatchObject({ received: 8040, isBalanced: true });
    expect(progress.length).toBeGreaterThanOrEqual(10);
    expect(new Set(progress).size).toBeGreaterThan(4);
  });
});
