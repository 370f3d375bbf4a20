/** A run on AWS: started as an execution of the state machine, and followed by what its steps write down. */
import type { Deployment } from '../adapters/aws/deployment.ts';
import type { PipelineExecution } from '../adapters/aws/pipeline-executions.ts';
import { systemTimer } from '../adapters/local/timer.ts';
import { lookUntil } from '../flows/looking.ts';
import { freeRunLock, type IsDead, RunLocked, runLockHolder } from '../flows/run-lock.ts';
import { listRuns, type RunRecord } from '../flows/run-record.ts';
import { RunFailed, type RunInput, type RunResult, type RunWatcher } from '../local/run-pipeline.ts';
import type { Environment, Timer } from '../ports.ts';
import { type Commands, commands, type GlobalOptions } from './context.ts';
import { say } from './output.ts';
import { openDeployment } from './target.ts';

interface StartedRun {
  env: Environment;
  /** The execution's name. */
  execution: string;
  /** Tells each step as it passes, until the run has ended. RunFailed where it failed. */
  follow(watcher: RunWatcher): Promise<RunResult>;
}

/** Asks Step Functions whether the execution of a lock's holder has ended. */
export const isDeadOnAws =
  (deployment: Deployment): IsDead =>
  async ({ process }) => {
    const { pipelineExecutions } = await import('../adapters/aws/pipeline-executions.ts');
    return pipelineExecutions(deployment).hasEnded(process);
  };

/** Starts a run. RunLocked where another is going on. */
export async function startOnAws(globals: GlobalOptions, input: RunInput): Promise<StartedRun> {
  const { pipelineExecutions } = await import('../adapters/aws/pipeline-executions.ts');
  const deployment = await openDeployment(globals);
  const { env } = deployment;
  const executions = pipelineExecutions(deployment);
  await refuseSecondRun(env, isDeadOnAws(deployment), commands(globals));
  const execution = `c360-${env.ids.uuid()}`;
  await executions.start(execution, input);
  const describe = () => executions.describe(execution);
  const following = { execution, describe, c360: commands(globals), timer: systemTimer };
  return { env, execution, follow: (watcher) => followRun(env, { ...following, watcher }) };
}

/** RunLocked where a run is going on. One that was ended from outside gives its lock back here. */
export async function refuseSecondRun(env: Environment, isDead: IsDead, c360: Commands): Promise<void> {
  const freed = await freeRunLock(env, isDead);
  if (freed) say(`Run ${freed.runId} was ended from outside, and its lock is free again.`);
  const holder = await runLockHolder(env);
  if (!holder) return;
  const show = c360(`runs show ${holder.runId}`);
  throw new RunLocked(`run ${holder.runId} is going on; wait for it to end (${show})`);
}

export interface FollowOptions {
  execution: string;
  describe(): Promise<PipelineExecution>;
  watcher: RunWatcher;
  timer: Timer;
  c360: Commands;
}

/** Newer runs than one that is followed are few, since there is one at a time. */
const newestRuns = 10;

/** Follows an execution to its end. AdapterError where AWS could not be asked ten times in a row; the run goes on. */
export async function followRun(
  env: Environment,
  { execution, describe, watcher, timer, c360 }: FollowOptions,
): Promise<RunResult> {
  const look = async () => {
    // Asked first: what the last step wrote is read behind the end.
    const ended = await describe();
    const isDead: IsDead = ({ process }) => process === execution && ended.status !== 'RUNNING';
    const runs = await listRuns(env)({ limit: newestRuns, isDead });
    return { ...ended, record: runs.find((run) => run.execution === execution) };
  };
  let told = 0;
  try {
    return await lookUntil(timer, look, (seen) => {
      const { steps = [], currentStep } = seen.record ?? {};
      for (const report of steps.slice(told)) watcher.finished?.(report);
      told = steps.length;
      if (seen.status === 'SUCCEEDED') return resultOf(seen.record, c360);
      if (seen.status !== 'RUNNING') throw failureOf(execution, seen, seen.record, watcher);
      if (currentStep) watcher.started?.(currentStep);
      return undefined;
    });
  } catch (error) {
    if (!(error instanceof RunFailed)) say(`The run goes on: ${c360('runs')} tells how it ends`);
    throw error;
  } finally {
    watcher.over?.();
  }
}

/** An execution that ended well without a record met another run, which began a moment before. */
function resultOf(record: RunRecord | undefined, c360: Commands): RunResult {
  if (!record) throw new RunFailed(`another run is going on; wait for it to end (${c360('runs')})`);
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
