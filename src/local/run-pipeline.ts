/** One run of the pipeline on one machine: the steps in order, each told to who watches, and a record of what happened. */

import type { EngineResult } from '../domain/lake/run-plan.ts';
import { emptied, type Snapshot } from '../domain/lake/snapshot.ts';
import { newestSnapshot } from '../flows/documents.ts';
import { type Load, loadedSnapshot, loadWarehouse } from '../flows/load-warehouse.ts';
import { findNewInputs, isHeldLong, planCleanLayer, type RunInputs } from '../flows/plan-run.ts';
import { publishAnswers, type ServingIndex, servingIndex } from '../flows/publish-answers.ts';
import { publishRollback, publishSnapshot } from '../flows/publish-snapshot.ts';
import { freeRunLock, newRunId, type RunLock, runLeaseMs, takeRunLock } from '../flows/run-lock.ts';
import { planCuratedLayer, removeOutputs, runModels } from '../flows/run-models.ts';
import { vacuum } from '../flows/vacuum.ts';
import type { Environment, HotValue } from '../ports.ts';

type StepName = 'plan' | 'clean models' | 'curated models' | 'publish snapshot' | 'load warehouse' | 'publish answers';

interface StepReport {
  step: StepName;
  seconds: number;
  /** What the step did, in words with figures. */
  outcome: string;
}

export interface RunResult {
  runId: string;
  /** `idle` where nothing was new. */
  status: 'succeeded' | 'idle';
  snapshot: number;
  steps: StepReport[];
}

export interface RunWatcher {
  started?(step: StepName): void;
  finished?(report: StepReport): void;
}

export interface RunOptions {
  /** Make every table anew, from all raw records. */
  replay?: boolean;
  /** Consume what a rollback holds, too. */
  release?: boolean;
}

/** Runs the pipeline. A step that fails leaves the published snapshot as it was; the next run takes up what is missing. */
export const runPipeline = (
  env: Environment,
  watcher: RunWatcher = {},
  { replay = false, release = false }: RunOptions = {},
): Promise<RunResult> =>
  recorded(env, replay ? 'replay' : 'run', watcher, async (runId, step) => {
    const newest = await newestSnapshot(env);
    const isAnew = replay || (release && newest !== undefined && isHeldLong(env, newest));
    const base = newest && isAnew ? emptied(newest) : newest;
    const inputs = await step('plan', () => findNewInputs(env)(runId, base, { release }), told.plan);
    const hasNew = Object.keys(inputs.newRaw).length > 0 || inputs.haveRatesChanged;
    if (!hasNew && (!newest || (await isServed(env, newest)))) return newest;
    const snapshot = hasNew ? await makeSnapshot(env, inputs, base, step) : newest!;
    await serve(env, snapshot, step);
    return snapshot;
  });

/** Publishes an earlier snapshot's lists anew and serves them; what later runs consumed is held. */
export const rollBack = (env: Environment, number: number, watcher: RunWatcher = {}): Promise<RunResult> =>
  recorded(env, 'rollback', watcher, async (runId, step) => {
    const snapshot = await step('publish snapshot', () => publishRollback(env)(runId, number), told.snapshot);
    await serve(env, snapshot, step);
    return snapshot;
  });

/** Removes what no kept snapshot names, while no run is going on. */
export async function vacuumLake(env: Environment, options: Parameters<ReturnType<typeof vacuum>>[0]) {
  const lock = await takeLock(env, newRunId(env));
  try {
    return await vacuum(env)(options);
  } finally {
    await lock.release();
  }
}

type Step = <T>(name: StepName, work: () => Promise<T>, outcome: (value: T) => string) => Promise<T>;

async function makeSnapshot(
  env: Environment,
  inputs: RunInputs,
  base: Snapshot | undefined,
  step: Step,
): Promise<Snapshot> {
  const layers = async () => {
    const clean = await step(
      'clean models',
      async () => runModels(env)(await planCleanLayer(env)(inputs, base)),
      told.models,
    );
    const curated = await step(
      'curated models',
      async () => runModels(env)(await planCuratedLayer(env)(inputs, clean, base)),
      told.models,
    );
    return { clean, curated };
  };
  const { clean, curated } = await layers().catch(async (error: unknown) => {
    // Only up to here: once it is tried to publish, the snapshot may stand although no answer came.
    await removeOutputs(env)(inputs.runId).catch(() => {});
    throw error;
  });
  return step('publish snapshot', () => publishSnapshot(env)(inputs, base, clean, curated), told.snapshot);
}

async function serve(env: Environment, snapshot: Snapshot, step: Step): Promise<void> {
  await step('load warehouse', () => loadWarehouse(env)(snapshot), told.load);
  await step('publish answers', () => publishAnswers(env)(snapshot), told.answers);
}

/** What a step did, in words with figures. */
const told = {
  plan: ({ newRaw, haveRatesChanged }: RunInputs) => {
    const counts = Object.entries(newRaw).map(([dataset, keys]) => `${dataset} ${keys.length}`);
    const objects = counts.length > 0 ? `new raw objects: ${counts.join(', ')}` : 'no new raw objects';
    return haveRatesChanged ? `${objects}; other exchange rates` : objects;
  },
  models: ({ models }: EngineResult) =>
    models.map(({ table, rows }) => `${table.split('.')[1]} ${rows}`).join(', ') || 'nothing to rewrite',
  snapshot: ({ number, tables, restored }: Snapshot) => {
    const files = `${Object.values(tables).flat().length} files in ${Object.keys(tables).length} tables`;
    return `snapshot ${number}${restored === undefined ? '' : `, as snapshot ${restored} was`}: ${files}`;
  },
  load: ({ tables }: Load) =>
    tables.length > 0
      ? `${tables.reduce((sum, { rows }) => sum + rows, 0)} rows into ${tables.length} tables`
      : 'already loaded',
  answers: ({ answers }: ServingIndex) => `${answers.length} answers in serving/`,
};

/** Runs the steps of one run under the run lock, tells who watches, and records what happened. */
async function recorded(
  env: Environment,
  kind: 'run' | 'replay' | 'rollback',
  watcher: RunWatcher,
  work: (runId: string, step: Step) => Promise<Snapshot | undefined>,
): Promise<RunResult> {
  const startedAt = env.clock.now();
  const runId = newRunId(env);
  const lock = await takeLock(env, runId);
  const steps: StepReport[] = [];
  let current: StepName = 'plan';

  const step: Step = async (name, doStep, outcome) => {
    current = name;
    await lock.renew();
    watcher.started?.(name);
    const began = env.clock.now().getTime();
    const value = await doStep();
    const report = { step: name, seconds: (env.clock.now().getTime() - began) / 1000, outcome: outcome(value) };
    steps.push(report);
    watcher.finished?.(report);
    return value;
  };

  try {
    const snapshot = await work(runId, step);
    const status = steps.some((report) => report.step !== 'plan') ? 'succeeded' : 'idle';
    const number = snapshot?.number ?? 0;
    if (status === 'succeeded') await record(env, runId, { kind, status, startedAt, snapshot: number, steps });
    return { runId, status, snapshot: number, steps };
  } catch (error) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    // Where the note fails too, as it does on a full disk, the run's own failure is what there is to tell.
    const failure = { kind, status: 'failed', startedAt, steps, failedStep: current, message };
    await record(env, runId, failure).catch(() => {});
    throw error;
  } finally {
    // A lock that cannot be given back ends with its lease; what the run did, or why it failed, is what there is to tell.
    await lock.release().catch(() => {});
  }
}

const thisProcess = `${process.pid} since ${Math.round(performance.timeOrigin)}`;

/** The data directory has one writer, so that a lock of another process is that of a run that was killed. */
async function takeLock(env: Environment, runId: string): Promise<RunLock> {
  await freeRunLock(env, (holder) => holder.process !== thisProcess);
  return takeRunLock(env)({ runId, process: thisProcess }, { leaseMs: runLeaseMs });
}

async function isServed(env: Environment, newest: Snapshot): Promise<boolean> {
  return (await loadedSnapshot(env)) === newest.number && (await servingIndex(env))?.snapshot === newest.number;
}

async function record(
  env: Environment,
  runId: string,
  {
    startedAt,
    steps,
    ...values
  }: { startedAt: Date; steps: StepReport[]; status: string; [name: string]: HotValue | Date | StepReport[] },
): Promise<void> {
  await env.hot.write([
    {
      table: 'runs',
      put: {
        partition: 'runs',
        sort: runId,
        values: {
          ...(values as Record<string, HotValue>),
          startedAt: startedAt.toISOString(),
          finishedAt: env.clock.now().toISOString(),
          steps: steps.map((report) => ({ ...report })),
        },
      },
    },
  ]);
}
