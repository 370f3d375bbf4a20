/** Runs on one machine: the pipeline as its state machine, and what an operator does with snapshots. */

import type { JsonObject } from '../domain/json.ts';
import type { Snapshot } from '../domain/lake/snapshot.ts';
import { loadWarehouse } from '../flows/load-warehouse.ts';
import { notifyRun } from '../flows/notify-run.ts';
import { publishAnswers } from '../flows/publish-answers.ts';
import { publishRollback } from '../flows/publish-snapshot.ts';
import {
  freeRunLock,
  type LockHolder,
  newRunId,
  type RunLock,
  runLeaseMs,
  runLockHolder,
  takeRunLock,
} from '../flows/run-lock.ts';
import { noteRun, type RunFailure, type RunRecord, readRun, type StepReport } from '../flows/run-record.ts';
import { notedStep, stepOfState, told } from '../flows/run-steps.ts';
import { vacuum } from '../flows/vacuum.ts';
import type { Environment, HotValue } from '../ports.ts';
import { readPipelineDefinition } from './pipeline-definition.ts';
import { callResource } from './pipeline-resources.ts';
import { repositoryRoot } from './root.ts';
import { executeStateMachine, TaskError } from './state-machine.ts';
import type { TaskResource } from './supported-states.ts';

export interface RunResult {
  runId: string;
  /** `idle` where nothing was new. */
  status: 'succeeded' | 'idle';
  snapshot: number;
  steps: StepReport[];
}

export interface RunWatcher {
  /** A step begins; of those that prepare others and of the last nothing more is told. */
  started?(step: string): void;
  finished?(report: StepReport): void;
  failed?(failure: RunFailure): void;
  /** The run is over, however it went. */
  over?(): void;
}

/** A run that failed although none of its steps threw: a gate refused it, it took too long, or it was stopped. */
export class RunFailed extends Error {
  override name = 'RunFailed';
}

/** What the state machine is asked: nothing for what is new, or `{kind, …}` (`RunRequest`). */
export type RunInput = Record<string, HotValue>;

/**
 * Executes the pipeline's state machine. Where it fails, throws what the failed step threw, or RunFailed; RunLocked where
 * another run is going on. A step that fails leaves the published snapshot as it was; the next run takes up what is missing.
 */
export async function runPipeline(
  env: Environment,
  watcher: RunWatcher = {},
  input: RunInput = {},
  signal?: AbortSignal,
): Promise<RunResult> {
  const { machine } = await readPipelineDefinition(repositoryRoot);
  await freeRunLock(env, isOfDeadProcess);
  const run = new PipelineRun(env, watcher);
  try {
    await executeStateMachine(machine, { name: run.name, input, call: run.call, signal });
  } catch (error) {
    throw await run.failure(error);
  } finally {
    watcher.over?.();
  }
  return run.result();
}

/** One execution of the state machine: does its tasks, and tells who watches. */
class PipelineRun {
  readonly name: string;
  readonly #env: Environment;
  readonly #watcher: RunWatcher;
  #runId: string | undefined;
  #state = 'Plan';
  #told = 0;
  #thrown: TaskError | undefined;

  constructor(env: Environment, watcher: RunWatcher) {
    this.#env = env;
    this.#watcher = watcher;
    this.name = `${thisProcess}-${env.ids.uuid()}`;
  }

  readonly call = async (state: string, resource: TaskResource, parameters: JsonObject): Promise<JsonObject> => {
    this.#watcher.started?.(stepOfState[state] ?? 'notify');
    if (endings.has(state)) return callResource(this.#env, resource, parameters);
    this.#state = state;
    this.#thrown = undefined;
    try {
      return await callResource(this.#env, resource, parameters);
    } catch (error) {
      if (error instanceof TaskError) this.#thrown = error;
      throw error;
    } finally {
      await this.#tellSteps();
    }
  };

  async record(): Promise<RunRecord | undefined> {
    return this.#runId === undefined ? undefined : readRun(this.#env, this.#runId);
  }

  /** Tells what the record says of steps that have ended since. */
  async #tellSteps(): Promise<void> {
    const holder = await runLockHolder(this.#env);
    if (holder?.process === this.name) this.#runId = holder.runId;
    const { steps = [] } = (await this.record()) ?? {};
    for (const report of steps.slice(this.#told)) this.#watcher.finished?.(report);
    this.#told = steps.length;
  }

  /** What came of an execution that ended well, as it also does where another run is going on: then RunLocked. */
  async result(): Promise<RunResult> {
    if (this.#thrown) throw this.#thrown.thrown;
    const { runId, status, snapshot = 0, steps } = (await this.record())!;
    return { runId, status: status === 'idle' ? 'idle' : 'succeeded', snapshot, steps };
  }

  /** What a run is to throw whose execution failed. */
  async failure(error: unknown): Promise<unknown> {
    if ((await this.record())?.status === 'running') await this.#endUnsaid(error);
    const record = await this.record();
    const { failedStep, reason, whatToDo } = record ?? {};
    if (!failedStep || !reason || !whatToDo) return this.#thrown?.thrown ?? error;
    this.#watcher.failed?.({ failedStep, reason, whatToDo });
    return this.#thrown?.thrown ?? new RunFailed(`${failedStep}: ${reason}`, { cause: error });
  }

  /** The machine's own way to its end was cut off: stopped, or broken by what no state catches. */
  async #endUnsaid(error: unknown): Promise<void> {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const failed = {
      [this.#state]: { Error: name, Cause: JSON.stringify({ errorType: name, errorMessage: message }) },
    };
    // Where this fails too, as it does on a full disk, what ended the run is what there is to tell.
    await notifyRun(this.#env)({ execution: this.name, input: { runId: this.#runId, failed } }).catch(() => {});
  }
}

/** States that end a run: how they fare says nothing of why it failed. */
const endings = new Set(['Notify', 'NotifyFailure', 'AlertDirectly']);

/** Publishes an earlier snapshot's lists anew and serves them; what later runs consumed is held. */
export async function rollBack(env: Environment, number: number, watcher: RunWatcher = {}): Promise<RunResult> {
  return underLock(env, async (runId) => {
    await noteRun(env, runId, { kind: 'rollback', execution: thisProcess, request: { snapshot: number } });
    const step = async <T>(
      name: string,
      work: (lock: RunLock) => Promise<T>,
      outcome: (value: T) => string,
    ): Promise<T> => {
      watcher.started?.(name);
      const value = await notedStep(env, runId, name, async (_startedAt, lock) => {
        const done = await work(lock);
        return { value: done, outcome: outcome(done) };
      });
      watcher.finished?.((await readRun(env, runId))!.steps.at(-1)!);
      return value;
    };
    try {
      const snapshot: Snapshot = await step(
        'publish snapshot',
        () => publishRollback(env)(runId, number),
        told.snapshot,
      );
      await step('load warehouse', () => loadWarehouse(env)(snapshot), told.load);
      await step('publish answers', (lock) => publishAnswers(env)(snapshot, lock), told.answers);
      const record = await end(env, runId, { status: 'succeeded', snapshot: snapshot.number });
      return { runId, status: 'succeeded', snapshot: snapshot.number, steps: record.steps };
    } catch (error) {
      const { currentStep: failedStep = 'publish snapshot' } = (await readRun(env, runId)) ?? {};
      const reason = error instanceof Error ? error.message : String(error);
      const whatToDo = 'run again: where the snapshot was published, the next run resumes at the load';
      await end(env, runId, { status: 'failed', failedStep, reason, whatToDo }).catch(() => {});
      throw error;
    }
  });
}

const end = (env: Environment, runId: string, ended: Partial<RunRecord>): Promise<RunRecord> =>
  noteRun(env, runId, { ...ended, finishedAt: env.clock.now().toISOString(), currentStep: undefined });

/** Removes what no kept snapshot names, while no run is going on. */
export const vacuumLake = (env: Environment, options: Parameters<ReturnType<typeof vacuum>>[0]) =>
  underLock(env, () => vacuum(env)(options));

async function underLock<T>(env: Environment, work: (runId: string) => Promise<T>): Promise<T> {
  await freeRunLock(env, isOfDeadProcess);
  const runId = newRunId(env);
  const lock: RunLock = await takeRunLock(env)({ runId, process: thisProcess }, { leaseMs: runLeaseMs });
  try {
    return await work(runId);
  } finally {
    // A lock that cannot be given back ends with its lease; what was done, or why it failed, is what there is to tell.
    await lock.release().catch(() => {});
  }
}

const thisProcess = `local-${process.pid}-${Math.round(performance.timeOrigin)}`;

/** The data directory has one writer, so that a lock of another process is that of a run that was killed. */
const isOfDeadProcess = (holder: LockHolder): boolean => !holder.process.startsWith(thisProcess);
