/** The tasks of a run, its record and its end: done again they find what they did, and what went wrong is said without data. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PublishedPartitions } from '../../../src/domain/lake/catalog.ts';
import { type EndedRun, measureRun } from '../../../src/domain/metrics/measure.ts';
import { newestSnapshot } from '../../../src/flows/documents.ts';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { pipelineTasks } from '../../../src/flows/pipeline-tasks.ts';
import { servingIndex } from '../../../src/flows/publish-answers.ts';
import { freeRunLock, RunLocked, runLeaseMs, runLockHolder, takeRunLock } from '../../../src/flows/run-lock.ts';
import { listRuns, noteRun, readRun } from '../../../src/flows/run-record.ts';
import { runPipeline } from '../../../src/local/run-pipeline.ts';
import { AdapterError, EngineError, type Environment } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform, withoutAnswers } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { loadingBy } from '../../support/warehouse-over.ts';

const newDirectory = temporaryDirectories();
let platform: DoorPlatform;
let env: Environment;

beforeEach(() => {
  platform = doorPlatform(newDirectory());
  env = withoutAnswers(platform.env);
});
afterEach(() => platform.close());

const header =
  'transaction_id,line_no,customer_id,product_id,quantity,amount,currency,channel,country,payment_method,ordered_at';

async function sale(id: string): Promise<void> {
  const row = `${id},1,u1,p1,1,10,USD,web,DE,card,2026-02-01T10:00:00Z`;
  await ingestBatch(env)(await platform.land('transactions', `${header}\n${row}\n`));
  platform.clock.advance(60);
}

const run = (given = env, input = {}) => {
  platform.clock.advance(1);
  return runPipeline(given, {}, input);
};

/** Subjects and texts of the alerts that were told. */
function alerts(): { subject: string; text: string; severity: string }[] {
  const lines = readFileSync(join(platform.paths.dataDir, 'alerts.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

const failing = (error: Error) => async () => {
  throw error;
};

describe('a task whose answer was lost, called again,', () => {
  const plan = () => pipelineTasks['plan-run'](env)({ execution: 'e1', input: {} });

  test('finds the run that its execution has begun', async () => {
    await sale('a');
    const first = await plan();
    expect(await plan()).toEqual(first);
    expect(await runLockHolder(env)).toEqual({ runId: first.runId, process: 'e1' });
    expect((await readRun(env, first.runId))?.steps.map(({ step }) => step)).toEqual(['plan']);
  });

  test('goes on with the run for which the call before takes the lock only now', async () => {
    await sale('a');
    let answerOfFirst: Awaited<ReturnType<typeof plan>> | undefined;
    const write: Environment['hot']['write'] = async (writes) => {
      if (!answerOfFirst && writes.some(({ table }) => table === 'locks')) {
        platform.clock.advance(1);
        answerOfFirst = await plan();
      }
      return env.hot.write(writes);
    };
    const { hot } = env;
    const given = { ...env, hot: { get: hot.get.bind(hot), query: hot.query.bind(hot), write } };
    const second = await pipelineTasks['plan-run'](given)({ execution: 'e1', input: {} });
    expect(second).toEqual(answerOfFirst);
    expect(await runLockHolder(env)).toEqual({ runId: second.runId, process: 'e1' });
    expect((await listRuns(env)()).map(({ runId }) => runId)).toEqual([second.runId]);
  });

  test('finds the snapshot that its run has published, the load and the answers that stand', async () => {
    await sale('a');
    const { runId } = await run();
    await takeRunLock(env)({ runId, process: (await readRun(env, runId))!.execution }, { leaseMs: 60_000 });
    const before = await newestSnapshot(env);
    expect(await pipelineTasks['publish-snapshot'](env)({ runId })).toEqual({ number: 1 });
    expect(await pipelineTasks['load-warehouse'](env)({ runId, snapshot: 1 })).toEqual({ state: 'loaded' });
    await pipelineTasks['publish-answers'](env)({ runId, snapshot: 1 });
    expect(await newestSnapshot(env)).toEqual(before);
  });

  test('notes once what an engine did that knows nothing of the record', async () => {
    await sale('a');
    const { runId } = await run();
    await noteRun(env, runId, { steps: [] });
    await takeRunLock(env)({ runId, process: (await readRun(env, runId))!.execution }, { leaseMs: 60_000 });
    await pipelineTasks['judge-quality'](env)({ runId, layer: 'clean' });
    await pipelineTasks['judge-quality'](env)({ runId, layer: 'clean' });
    const { steps } = (await readRun(env, runId))!;
    expect(steps.map(({ step, outcome }) => `${step}: ${outcome}`)).toEqual([
      'clean models: transactions 1',
      expect.stringMatching(/^clean gate: passed/),
    ]);
  });
});

test('answers of a run that was stopped from outside do not come after those of the next one', async () => {
  await sale('a');
  const { runId } = await run();
  await takeRunLock(env)({ runId, process: (await readRun(env, runId))!.execution }, { leaseMs: runLeaseMs });
  await sale('b');
  let isFirst = true;
  const query: Environment['warehouse']['query'] = async (sql, what) => {
    const answer = await env.warehouse.query(sql, what);
    if (isFirst) {
      isFirst = false;
      await freeRunLock(env, () => true);
      await run();
    }
    return answer;
  };
  const stopped = { ...env, warehouse: Object.create(env.warehouse, { query: { value: query } }) };
  await expect(pipelineTasks['publish-answers'](stopped)({ runId, snapshot: 1 })).rejects.toThrow(RunLocked);
  expect(await servingIndex(env)).toMatchObject({ snapshot: 2 });
});

describe('the record of a run', () => {
  test('says what it was asked, took in, did and wrote', async () => {
    await sale('a');
    const { runId } = await run(env, { kind: 'run', release: true });
    expect(await readRun(env, runId)).toMatchObject({
      kind: 'run',
      status: 'succeeded',
      request: { kind: 'run', release: true },
      inputs: { transactions: 1 },
      outputs: { 'clean.transactions': 1, 'curated.fact_sales': 1 },
      snapshot: 1,
      startedAt: '2026-03-01T12:00:59.500Z',
      finishedAt: '2026-03-01T12:00:59.500Z',
    });
  });

  test('tells the newest first, those that found nothing new for a week', async () => {
    await sale('a');
    const first = await run();
    const second = await run();
    expect((await listRuns(env)()).map(({ runId, status }) => [runId, status])).toEqual([
      [second.runId, 'idle'],
      [first.runId, 'succeeded'],
    ]);
    platform.clock.advance(8 * 24 * 60);
    expect((await listRuns(env)()).map(({ runId }) => runId)).toEqual([first.runId]);
  });

  test('of one that was killed says so as soon as its holder is known to be dead, or another run began', async () => {
    await sale('a');
    const { runId } = await pipelineTasks['plan-run'](env)({ execution: 'killed', input: {} });
    await noteRun(env, runId, { currentStep: 'clean models' });
    const told = async (isDead: boolean) => (await listRuns(env)({ isDead: () => isDead })).at(-1);
    expect(await told(false)).toMatchObject({ runId, status: 'running' });
    expect(await told(true)).toMatchObject({ runId, status: 'interrupted', failedStep: 'clean models' });
    await run();
    expect(await told(false)).toMatchObject({ runId, status: 'interrupted', failedStep: 'clean models' });
  });
});

describe('who measures runs', () => {
  /** Ends the newest run once more, as a task whose answer was lost, and takes what is measured of it. */
  async function ended(): Promise<Record<string, number>> {
    const { runId, execution, failedStep, status } = (await listRuns(env)())[0]!;
    const measured: Record<string, number> = {};
    const onEnded = (run: EndedRun) => {
      for (const { dimensions, values } of measureRun(run)) {
        const of = Object.values(dimensions);
        for (const [name, value] of Object.entries(values)) measured[[name, ...of].join(' ')] = value;
      }
    };
    const failed = failedStep && { failed: { LoadWarehouse: { Error: 'EngineError' } } };
    const input = { runId, ...(status === 'idle' && { next: 'nothing' }), ...failed };
    await pipelineTasks.notify(env, { onEnded })({ execution, input });
    return measured;
  }

  test('is told of one that succeeded, of its load and its counts, and how old what readers see was then', async () => {
    await sale('a');
    await run();
    expect(await ended()).toMatchObject({
      'EndedRuns succeeded': 1,
      'StepSeconds clean models': expect.any(Number),
      FailedLoads: 0,
      RowCountMismatches: 0,
      // From 11:00, the hour of the arrival, to 13:00:59.5.
      'AgeSeconds transactions': 7260,
    });
  });

  test('is told of one that found nothing new, while what readers see grows older', async () => {
    await sale('a');
    await run();
    platform.clock.advance(60);
    await run();
    const measured = await ended();
    expect(measured).toMatchObject({ 'EndedRuns idle': 1, FailedLoads: 0, 'AgeSeconds transactions': 10_920 });
    expect(measured).not.toHaveProperty('RowCountMismatches');
  });

  test('is told of one whose load failed', async () => {
    await sale('a');
    const advance = failing(new EngineError('sql/load/stage_table.sql: planted'));
    const warehouse = loadingBy(env.warehouse, advance);
    await expect(run({ ...env, warehouse })).rejects.toThrow('planted');
    expect(await ended()).toMatchObject({ 'EndedRuns failed': 1, FailedLoads: 1 });
  });
});

describe('the catalog', () => {
  /** What each call was told, and the newest snapshot then; the first `refused` calls fail behind that. */
  const catalogue = (refused = 0) => {
    const told: { number: number | undefined; tables: PublishedPartitions }[] = [];
    const publish = async (tables: PublishedPartitions) => {
      told.push({ number: (await newestSnapshot(env))?.number, tables });
      if (told.length <= refused) throw new AdapterError('Glue: planted', { retryable: true });
    };
    return { told, given: { ...env, catalog: { publish } } };
  };

  test('is pointed to the files of a snapshot behind its commit, dates by themselves and other tables whole', async () => {
    const { told, given } = catalogue();
    await sale('a');
    const { runId } = await run(given);
    const [{ number, tables }] = told as [(typeof told)[0]];
    expect([told.length, number]).toEqual([1, 1]);
    expect(tables).toMatchObject({
      clean_transactions: { '2026-02-01': `clean/transactions/run=${runId}/dt=2026-02-01/` },
      curated_fact_sales: { '2026-02-01': `curated/fact_sales/run=${runId}/dt=2026-02-01/` },
      curated_dim_channel: { all: `curated/dim_channel/run=${runId}/` },
      clean_events: {},
    });
    for (const folder of Object.values(tables).flatMap((partitions) => Object.values(partitions))) {
      expect(await platform.keys(folder)).not.toEqual([]);
    }
  });

  test.each([
    ['finds nothing new', async () => {}],
    ['has something new', () => sale('b')],
  ])('that refused a snapshot to the end is pointed to the newest by a run that %s', async (_what, arrives) => {
    const { told, given } = catalogue(4);
    await sale('a');
    await expect(run(given)).rejects.toThrow('Glue: planted');
    expect((await listRuns(env)())[0]).toMatchObject({ failedStep: 'load warehouse', snapshot: 1 });
    await arrives();
    await run(given);
    const newest = (await newestSnapshot(env))!;
    expect(told.map(({ number }) => number)).toEqual([1, 1, 1, 1, newest.number]);
    expect(Object.keys(told.at(-1)!.tables.clean_transactions!)).toEqual([
      ...new Set(newest.tables['clean.transactions']!.map(({ partition }) => partition)),
    ]);
  });

  test('that does not answer is told the same again, of the same snapshot', async () => {
    const { told, given } = catalogue(1);
    await sale('a');
    await run(given);
    expect(told.map(({ number }) => number)).toEqual([1, 1]);
    expect(told[1]).toEqual(told[0]);
    expect((await newestSnapshot(env))?.number).toBe(1);
  });
});

describe('the end of a run that failed', () => {
  test('says the step, why and what to do, removes what it wrote, tells people once, and frees the lock', async () => {
    await sale('a');
    let layers = 0;
    const execute: Environment['engine']['execute'] = async (plan) => {
      layers += 1;
      if (plan.layer === 'curated') throw new EngineError('curated.fact_sales: Conversion Error');
      return env.engine.execute(plan);
    };
    await expect(run({ ...env, engine: { execute } })).rejects.toThrow('curated.fact_sales: Conversion Error');
    // The job that failed was tried once more, as on AWS.
    expect(layers).toBe(3);
    const [record] = await listRuns(env)();
    expect(record).toMatchObject({
      status: 'failed',
      failedStep: 'curated models',
      reason: 'curated.fact_sales: Conversion Error',
      whatToDo: expect.stringContaining('nothing was published'),
    });
    expect(await platform.keys('clean/')).toEqual([]);
    expect(await runLockHolder(env)).toBeUndefined();
    expect(alerts().map(({ subject }) => subject)).toEqual(['Customer 360: a run failed at curated models']);
    expect(alerts()[0]!.text).toContain(`Run ${record!.runId} failed at curated models: curated.fact_sales`);
  });

  test('behind its snapshot says that the next run resumes at the load', async () => {
    await sale('a');
    const advance = failing(new EngineError('sql/load/stage_table.sql: planted'));
    const warehouse = loadingBy(env.warehouse, advance);
    await expect(run({ ...env, warehouse })).rejects.toThrow('planted');
    expect((await listRuns(env)())[0]).toMatchObject({
      failedStep: 'load warehouse',
      snapshot: 1,
      whatToDo: expect.stringContaining('the next run resumes at the load'),
    });
    expect((await run()).steps.map(({ step }) => step)).toEqual(['plan', 'load warehouse', 'publish answers']);
  });

  test('never repeats the words of a foreign error, which may quote the data', async () => {
    await sale('a');
    const advance = failing(new SyntaxError('Unexpected token at "Jane Doe, jane@example.com"'));
    const warehouse = loadingBy(env.warehouse, advance);
    await expect(run({ ...env, warehouse })).rejects.toThrow(SyntaxError);
    const [record] = await listRuns(env)();
    expect(record?.reason).toBe('an unexpected SyntaxError; the log of the step holds its stack');
    expect(JSON.stringify([record, alerts()])).not.toContain('Jane');
  });

  test('nor those of one that the engine did not expect', async () => {
    await sale('a');
    const execute = failing(new SyntaxError('Unexpected token at "Jane Doe, jane@example.com"'));
    await expect(run({ ...env, engine: { execute } })).rejects.toThrow(SyntaxError);
    const [record] = await listRuns(env)();
    expect(record?.reason).toBe('an unexpected SyntaxError; the log of the step holds its stack');
    expect(JSON.stringify([record, alerts()])).not.toContain('Jane');
  });

  const own = 'clean.events: a file is damaged or cut short (raw/events/a.jsonl.gz)';
  const unexpected = (name: string) => `an unexpected ${name}; the log of the step holds its stack`;
  test.each([
    ['the script ended with', `SystemExit: run_models failed: ${own}`, own],
    ['it has put into a category', `Error Category: UNCLASSIFIED_ERROR; SystemExit: run_models failed: ${own}`, own],
    ['another exception said', 'Py4JJavaError: An error occurred: jane@example.com', unexpected('Py4JJavaError')],
    ['it says itself', 'Command failed with exit code 1', unexpected('States.TaskFailed')],
  ])('of Glue is told by what %s', async (_, ErrorMessage, reason) => {
    await sale('a');
    const { runId } = await pipelineTasks['plan-run'](env)({ execution: 'one', input: {} });
    const Cause = JSON.stringify({ JobName: 'models', JobRunState: 'FAILED', ErrorMessage });
    const failed = { CleanModels: { Error: 'States.TaskFailed', Cause } };
    await pipelineTasks.notify(env)({ execution: 'one', input: { runId, failed } });
    expect((await listRuns(env)())[0]).toMatchObject({ failedStep: 'clean models', reason });
  });

  test('that is asked for what no run does is told, and nothing was changed', async () => {
    await expect(run(env, { kind: 'backfill' })).rejects.toThrow('from must be');
    expect(alerts()[0]!.text).toMatch(/failed at plan: from must be .*\n\nWhat to do: nothing was changed/s);
    expect(await listRuns(env)()).toEqual([]);
  });
});

describe('an execution that has ended', () => {
  const plan = (execution: string) => pipelineTasks['plan-run'](env)({ execution, input: {} });

  test('from outside gives its lock back, is told as interrupted, and leaves its files to what may still be at work', async () => {
    await sale('a');
    const { runId } = await plan('aborted');
    expect(await pipelineTasks.notify(env)({ execution: 'aborted' })).toEqual({ status: 'interrupted' });
    expect(await runLockHolder(env)).toBeUndefined();
    expect((await listRuns(env)())[0]).toMatchObject({ runId, status: 'interrupted', failedStep: 'plan' });
    expect(await platform.keys(`plans/${runId}/`)).not.toEqual([]);
    expect((await plan('next')).next).toBe('models');
  });

  test('changes nothing of the run that has the lock since', async () => {
    await sale('a');
    const { runId } = await plan('next');
    await pipelineTasks.notify(env)({ execution: 'aborted' });
    expect(await runLockHolder(env)).toEqual({ runId, process: 'next' });
  });
});

describe('a run that meets another', () => {
  test('is refused with its name, changes nothing of it, and alerts nobody', async () => {
    await sale('a');
    // A holder of this process is not taken for dead.
    const process = `local-${globalThis.process.pid}-${Math.round(performance.timeOrigin)}-other`;
    await takeRunLock(env)({ runId: 'r1', process }, { leaseMs: 60_000 });
    await expect(run()).rejects.toThrow('run r1 is going on and holds the run lock');
    expect(await runLockHolder(env)).toEqual({ runId: 'r1', process });
    expect(await listRuns(env)()).toEqual([]);
    expect(existsSync(join(platform.paths.dataDir, 'alerts.jsonl'))).toBe(false);
  });
});
