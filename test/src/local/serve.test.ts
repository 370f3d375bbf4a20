/** The platform kept going: it archives, runs when it is due, outlives runs that fail, and stops behind a step. */
import { takeRunLock } from '../../../src/flows/run-lock.ts';
import { listRuns } from '../../../src/flows/run-record.ts';
import { produce } from '../../../src/local/produce.ts';
import { parseSchedule } from '../../../src/local/schedule.ts';
import { type ServeOptions, type ServeWatcher, serve } from '../../../src/local/serve.ts';
import { EngineError, type Environment, type Timer } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform, withoutAnswers } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
let platform: DoorPlatform;
let env: Environment;
let told: string[];
let stop: AbortController;

beforeEach(() => {
  platform = doorPlatform(newDirectory(), '2026-03-01T10:00:00Z');
  env = withoutAnswers(platform.env);
  told = [];
  stop = new AbortController();
});
afterEach(() => platform.close());

/** A second of waiting is one of the virtual clock, shared by all who wait. */
const timer: Timer = {
  sleep: async (milliseconds) => {
    platform.clock.advance(milliseconds / 60_000 / 2);
    await new Promise((resolve) => setTimeout(resolve, 1));
  },
  random: () => 0.5,
};

const shortTime = (time: Date) => time.toISOString().slice(11, 16);

const watcher: ServeWatcher = {
  waiting: (due) => told.push(`waits for ${due && shortTime(due)}`),
  due: (due) => told.push(`due ${shortTime(due)}`),
  ended: ({ status, snapshot }) => told.push(`${status} ${snapshot}`),
  broken: (error) => told.push(String(error)),
};

const serving = (options: Partial<ServeOptions> = {}) =>
  serve(env, { nextDue: parseSchedule('rate(1 hour)'), input: {}, signal: stop.signal, timer, watcher, ...options });

const event = (n: number) =>
  Buffer.from(
    JSON.stringify({
      eventId: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
      type: 'page_view',
      timestamp: '2026-02-28T10:00:00Z',
      payload: { userId: 'u1', page: '/' },
    }),
  );

/** Stops when a line is told, and says all that was told until then. */
function stopAt(line: RegExp): void {
  const push = told.push.bind(told);
  told.push = (...lines) => {
    if (lines.some((text) => line.test(text))) stop.abort();
    return push(...lines);
  };
}

test('what comes into the stream is archived, and brought to the answers when a run is due', async () => {
  await produce(env, 'events', [event(1)]);
  stopAt(/^succeeded/);
  await serving();
  expect([...told]).toEqual(['waits for 11:00', 'due 11:00', 'succeeded 1']);
  expect((await env.warehouse.query('select count(*) from fact_event')).rows).toEqual([[1]]);
});

test('a run that fails is told, and the next one is due', async () => {
  await produce(env, 'events', [event(1)]);
  const execute = async () => {
    throw new EngineError('clean.events: Conversion Error');
  };
  const { engine } = env;
  env.engine = { execute };
  stopAt(/^waits for 12/);
  await serving({ isNow: false });
  expect([...told]).toEqual([
    'waits for 11:00',
    'due 11:00',
    'EngineError: clean.events: Conversion Error',
    expect.stringMatching(/^waits for 12:0/),
  ]);
  env.engine = engine;
});

test('stopped in a run it ends behind the step that is going on, gives the lock back and says so in the record', async () => {
  await produce(env, 'events', [event(1)]);
  const steps: string[] = [];
  await serving({
    watcher: {
      ...watcher,
      started: (step) => {
        steps.push(step);
        if (step === 'clean models') stop.abort();
      },
    },
  });
  expect(steps).toEqual(['plan', 'clean models']);
  const [record] = await listRuns(env)();
  expect(record).toMatchObject({ status: 'interrupted', failedStep: 'clean models', reason: 'it was stopped' });
  expect(record!.steps.map(({ step }) => step)).toEqual(['plan', 'clean models']);
  expect(await platform.keys('clean/')).toEqual([]);
  await takeRunLock(env)({ runId: 'next', process: 'p' }, { leaseMs: 1000 });
});

test('where the stream can no longer be read it ends with that failure', async () => {
  const shards = async () => {
    throw new Error('the stream is gone');
  };
  const broken: Environment = { ...env, stream: Object.assign(Object.create(env.stream), { shards }) };
  const options = { nextDue: parseSchedule('rate(1 hour)'), input: {}, signal: stop.signal, timer, watcher };
  await expect(serve(broken, options)).rejects.toThrow('the stream is gone');
});
