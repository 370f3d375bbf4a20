/** One run of the pipeline on one machine: the steps in order, each told to who watches, and a record of what happened. */
import type { Snapshot } from '../domain/lake/snapshot.ts';
import { newestSnapshot } from '../flows/documents.ts';
import { loadedSnapshot, loadWarehouse } from '../flows/load-warehouse.ts';
import { findNewInputs, planCleanLayer } from '../flows/plan-run.ts';
import { publishAnswers, servingIndex } from '../flows/publish-answers.ts';
import { publishSnapshot } from '../flows/publish-snapshot.ts';
import { planCuratedLayer, runModels } from '../flows/run-models.ts';
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

/** Runs the pipeline. A step that fails leaves the published snapshot as it was; the next run takes up what is missing. */
export async function runPipeline(env: Environment, watcher: RunWatcher = {}): Promise<RunResult> {
  const startedAt = env.clock.now();
  const runId = `${startedAt.toISOString().replace(/[-:]|\.\d+/g, '')}-${env.ids.uuid().slice(0, 8)}`;
  const steps: StepReport[] = [];
  let current: StepName = 'plan';

  const step = async <T>(name: StepName, work: () => Promise<T>, outcome: (value: T) => string): Promise<T> => {
    current = name;
    watcher.started?.(name);
    const began = env.clock.now().getTime();
    const value = await work();
    const report = { step: name, seconds: (env.clock.now().getTime() - began) / 1000, outcome: outcome(value) };
    steps.push(report);
    watcher.finished?.(report);
    return value;
  };

  try {
    const newest = await newestSnapshot(env);
    const inputs = await step(
      'plan',
      () => findNewInputs(env)(runId, newest),
      ({ newRaw }) => {
        const counts = Object.entries(newRaw).map(([dataset, keys]) => `${dataset} ${keys.length}`);
        return counts.length > 0 ? `new raw objects: ${counts.join(', ')}` : 'no new raw objects';
      },
    );
    const hasNew = Object.keys(inputs.newRaw).length > 0;
    if (!hasNew && (!newest || (await isServed(env, newest)))) {
      return { runId, status: 'idle', snapshot: newest?.number ?? 0, steps };
    }
    let snapshot = newest;
    if (hasNew) {
      const rows = ({ models }: { models: { table: string; rows: number }[] }) =>
        models.map(({ table, rows: count }) => `${table.split('.')[1]} ${count}`).join(', ') || 'nothing to rewrite';
      const clean = await step(
        'clean models',
        async () => runModels(env)(await planCleanLayer(env)(inputs, newest)),
        rows,
      );
      const curated = await step(
        'curated models',
        async () => runModels(env)(await planCuratedLayer(env)(clean, newest)),
        rows,
      );
      snapshot = await step(
        'publish snapshot',
        () => publishSnapshot(env)(inputs, newest, clean, curated),
        ({ number, tables }) =>
          `snapshot ${number}: ${Object.values(tables).flat().length} files in ${Object.keys(tables).length} tables`,
      );
    }
    await step(
      'load warehouse',
      () => loadWarehouse(env)(snapshot!),
      ({ tables }) =>
        tables.length > 0
          ? `${tables.reduce((sum, { rows }) => sum + rows, 0)} rows into ${tables.length} tables`
          : 'already loaded',
    );
    await step(
      'publish answers',
      () => publishAnswers(env)(snapshot!),
      ({ answers }) => `${answers.length} answers in serving/`,
    );
    await record(env, runId, { status: 'succeeded', startedAt, snapshot: snapshot!.number, steps });
    return { runId, status: 'succeeded', snapshot: snapshot!.number, steps };
  } catch (error) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    // Where the note fails too, as it does on a full disk, the run's own failure is what there is to tell.
    await record(env, runId, { status: 'failed', startedAt, steps, failedStep: current, message }).catch(() => {});
    throw error;
  }
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
