/**
 * The tasks of the pipeline's state machine: each a function of the environment and a small payload that carries keys and
 * never lists. On AWS each is a Lambda function, locally the runner calls them by the same names. A task may be called
 * again after its answer was lost: it then finds what it did.
 */
import type { EngineResult, Layer } from '../domain/lake/run-plan.ts';
import { parseRunRequest, type RunKind } from '../domain/lake/run-request.ts';
import type { Snapshot } from '../domain/lake/snapshot.ts';
import type { GateDocument } from '../domain/quality/judge.ts';
import type { Environment, HotValue } from '../ports.ts';
import { publishToCatalog } from './catalog.ts';
import { newestSnapshot, readSnapshot } from './documents.ts';
import { type Excluded, excludeRows } from './exclude-rows.ts';
import { judgeQuality } from './judge-quality.ts';
import { type Load, loadedSnapshot, loadWarehouse } from './load-warehouse.ts';
import { notifyRun } from './notify-run.ts';
import { planCleanLayer } from './plan-run.ts';
import { publishAnswers, servingIndex } from './publish-answers.ts';
import { publishSnapshot } from './publish-snapshot.ts';
import { planRun, readPlannedRun, readResult } from './run-inputs.ts';
import { newRunId, RunLocked, runLeaseMs, runLockHolder, takeRunLock } from './run-lock.ts';
import { planCuratedLayer } from './run-models.ts';
import { noteRun } from './run-record.ts';
import { notedModels, notedStep, told } from './run-steps.ts';

/** What of the state machine's document most tasks need. */
interface RunPayload {
  runId: string;
}

interface SnapshotPayload extends RunPayload {
  /** The snapshot's number. */
  snapshot: number;
}

interface PlanPayload {
  /** Name of the state machine's execution: its retries find the run that it has begun. */
  execution: string;
  /** The execution's input (`RunRequest`). */
  input: Record<string, HotValue>;
}

/** The state machine's document after the step `plan`. */
interface Planned {
  runId: string;
  kind: RunKind;
  /** `models` where there is something to make, `load` where the newest snapshot is not yet served. */
  next: 'models' | 'load' | 'nothing';
  /** The newest published snapshot; 0 where there is none. */
  snapshot: { number: number };
}

/** Begins a run: takes the lock, lists what it takes in, plans the clean layer. */
const plan =
  (env: Environment) =>
  async ({ execution, input }: PlanPayload): Promise<Planned> => {
    const request = parseRunRequest(input);
    const runId = await beginRun(env, execution);
    await noteRun(env, runId, { kind: request.kind, execution, request: input });
    return notedStep(env, runId, 'plan', async () => {
      const { inputs, base } = await planRun(env)(runId, request);
      const newest = await newestSnapshot(env);
      const isNew = inputs.again !== undefined || Object.keys(inputs.newRaw).length > 0 || inputs.haveRatesChanged;
      if (isNew) await planCleanLayer(env)(inputs, base);
      const next = isNew ? 'models' : newest && !(await isServed(env, newest)) ? 'load' : 'nothing';
      const counts = Object.entries(inputs.newRaw).map(([dataset, keys]) => [dataset, keys.length]);
      await noteRun(env, runId, { inputs: Object.fromEntries(counts), snapshot: newest?.number ?? 0 });
      const planned: Planned = { runId, kind: request.kind, next, snapshot: { number: newest?.number ?? 0 } };
      return { value: planned, outcome: told.plan(inputs) };
    });
  };

/** Takes the run lock for a new run, or finds the run that this execution has begun before. */
async function beginRun(env: Environment, execution: string): Promise<string> {
  const runId = newRunId(env);
  try {
    await takeRunLock(env)({ runId, process: execution }, { leaseMs: runLeaseMs });
    return runId;
  } catch (error) {
    // A call before this one, which was given up, may take the lock while this one tries to: its holder is known only now.
    const holder = error instanceof RunLocked ? await runLockHolder(env) : undefined;
    if (holder?.process !== execution) throw error;
    return holder.runId;
  }
}

async function isServed(env: Environment, { number }: Snapshot): Promise<boolean> {
  return (await loadedSnapshot(env)) === number && (await servingIndex(env))?.snapshot === number;
}

/** Judges a layer. The engine's own step is noted here where the engine, as on AWS, knows nothing of the run's record. */
const judge =
  (env: Environment) =>
  async ({ runId, layer }: RunPayload & { layer: Layer }): Promise<Pick<GateDocument, 'verdict' | 'reason'>> => {
    await notedModels(env, runId, await readResult(env, runId, layer));
    return notedStep(env, runId, `${layer} gate`, async () => {
      const gate = await judgeQuality(env)({ runId, layer });
      return { value: { verdict: gate.verdict, reason: gate.reason }, outcome: told.gate(gate) };
    });
  };

const exclude =
  (env: Environment) =>
  async ({ runId }: RunPayload): Promise<Excluded> =>
    notedStep(env, runId, 'exclude rows', async () => {
      const value = await excludeRows(env)({ runId });
      return { value, outcome: told.excluded(value) };
    });

const planCurated =
  (env: Environment) =>
  async ({ runId }: RunPayload): Promise<RunPayload> => {
    const { inputs, base } = await readPlannedRun(env, runId);
    await planCuratedLayer(env)(inputs, await readResult(env, runId, 'clean'), base);
    return { runId };
  };

const publish =
  (env: Environment) =>
  async ({ runId }: RunPayload): Promise<{ number: number }> =>
    notedStep(env, runId, 'publish snapshot', async () => {
      const { inputs, base } = await readPlannedRun(env, runId);
      const [clean, curated] = [await readResult(env, runId, 'clean'), await readResult(env, runId, 'curated')];
      const snapshot = await publishSnapshot(env)(inputs, base, clean, curated);
      await noteRun(env, runId, { snapshot: snapshot.number, outputs: outputsOf([clean, curated]) });
      return { value: { number: snapshot.number }, outcome: told.snapshot(snapshot) };
    });

const outputsOf = (results: EngineResult[]): Record<string, number> =>
  Object.fromEntries(results.flatMap(({ models }) => models.map(({ table, rows }) => [table, rows])));

/** Points the catalog to the snapshot, and loads it; `loading` asks to be called again after a while. */
const load =
  (env: Environment) =>
  async ({ runId, snapshot: number }: SnapshotPayload): Promise<Pick<Load, 'state'>> =>
    notedStep(env, runId, 'load warehouse', async (startedAt) => {
      const snapshot = await published(env, number);
      await publishToCatalog(env)(snapshot);
      const loaded = await loadWarehouse(env)(snapshot, startedAt);
      const { state } = loaded;
      return { value: { state }, ...(state === 'loaded' && { outcome: told.load(loaded) }) };
    });

const answer =
  (env: Environment) =>
  async ({ runId, snapshot }: SnapshotPayload): Promise<{ answers: number }> =>
    notedStep(env, runId, 'publish answers', async (_startedAt, lock) => {
      const index = await publishAnswers(env)(await published(env, snapshot), lock);
      return { value: { answers: index.answers.length }, outcome: told.answers(index) };
    });

async function published(env: Environment, number: number): Promise<Snapshot> {
  const snapshot = await readSnapshot(env, number);
  if (!snapshot) throw new Error(`snapshot ${number} is missing, though this run is to serve it; run again`);
  return snapshot;
}

/** Task name -> its function, which answers a payload with a small result. */
export const pipelineTasks = {
  'plan-run': plan,
  'judge-quality': judge,
  'exclude-rows': exclude,
  'plan-curated': planCurated,
  'publish-snapshot': publish,
  'load-warehouse': load,
  'publish-answers': answer,
  notify: notifyRun,
};
