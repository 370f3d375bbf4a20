/** A run on AWS: started as an execution of the state machine, and followed by what its steps write down. */
import type { PipelineExecution } from '../adapters/aws/pipeline-executions.ts';
import { systemTimer } from '../adapters/local/timer.ts';
import { lookUntil } from '../flows/looking.ts';
import { RunLocked, runLockHolder } from '../flows/run-lock.ts';
import { listRuns, type RunRecord } from '../flows/run-record.ts';
import { RunFailed, type RunInput, type RunResult, type RunWatcher } from '../local/run-pipeline.ts';
import type { Environment, Timer } from '../ports.ts';
import type { GlobalOptions } from './context.ts';
import { say } from './output.ts';
import { openDeployment } from './target.ts';

interface StartedRun {
  env: Environment;
  /** The execution's name. */
  execution: string;
  /** Tells each step as it passes, until the run has ended. RunFailed where it failed. */
  follow(watcher: RunWatcher): Promise<RunResult>;
}

/** Starts a run. RunLocked where another is going on: it would end at once, and alert people. */
export async function startOnAws(globals: GlobalOptions, input: RunInput): Promise<StartedRun> {
  const { pipelineExecutions } = await import('../adapters/aws/pipeline-executions.ts');
  const deployment = await openDeployment(globals);
  const { env } = deployment;
  const executions = pipelineExecutions(deployment);
  const holder = await runLockHolder(env);
  if (holder) {
    throw new RunLocked(`run ${holder.runId} is going on; wait for it to end (c360 runs show ${holder.runId})`);
  }
  const execution = `c360-${env.ids.uuid()}`;
  await executions.start(execution, input);
  const describe = () => executions.describe(execution);
  return { env, execution, follow: (watcher) => followRun(env, { execution, describe, watcher, timer: systemTimer }) };
}

export interface FollowOptions {
  execution: string;
  describe(): Promise<PipelineExecution>;
  watcher: RunWatcher;
  timer: Timer;
}

/** Newer runs than one that is followed are few, since there is one at a time. */
const newestRuns = 10;

/** Follows an execution to its end. AdapterError where AWS could not be asked ten times in a row; the run goes on. */
export async function followRun(
  env: Environment,
  { execution, describe, watcher, timer }: FollowOptions,
): Promise<RunResult> {
  const look = async () => {
    // Asked first: what the last step wrote is read behind the end.
    const ended = await describe();
    const runs = await listRuns(env)({ limit: newestRuns });
    return { ...ended, record: runs.find((run) => run.execution === execution) };
  };
  let told = 0;
  try {
    return await lookUntil(timer, look, (seen) => {
      const { steps = [], currentStep } = seen.record ?? {};
      for (const report of steps.slice(told)) watcher.finished?.(report);
      told = steps.length;
      if (seen.status === 'SUCCEEDED') return resultOf(execution, seen.record);
      if (seen.status !== 'RUNNING') throw failureOf(execution, seen, seen.record, watcher);
      if (currentStep) watcher.started?.(currentStep);
      return undefined;
    });
  } catch (error) {
    if (!(error instanceof RunFailed)) say('The run goes on: c360 runs --target aws tells how it ends');
    throw error;
  } finally {
    watcher.over?.();
  }
}

function resultOf(execution: string, record: RunRecord | undefined): RunResult {
  if (!record)
    throw new RunFailed(`execution ${execution} has ended and left no record; c360 runs --target aws lists runs`);
  const { runId, status, snapshot = 0, steps } = record;
  return { runId, status: status === 'idle' ? 'idle' : 'succeeded', snapshot, steps };
}

function failureOf(
  execution: string,
  { status, error }: PipelineExecution,
  record: RunRecord | undefined,
  watcher: RunWatcher,
): RunFailed {
  const { failedStep, reason, whatToDo } = record ?? {};
  if (failedStep && reason && whatToDo) {
    watcher.failed?.({ failedStep, reason, whatToDo });
    return new RunFailed(`${failedStep}: ${reason}`);
  }
  return new RunFailed(
    `execution ${execution} ended with ${error ?? status} and left no reason; readers see what they saw before, and the ` +
      'alert and the execution in the console of Step Functions tell more',
  );
}
