/** Task states: each with a timeout, retries with backoff and jitter, and a way on where it fails for good. */
import { Duration } from 'aws-cdk-lib';
import { CustomState, type IChainable, JitterType, type RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

export interface TaskProps {
  /** ARN of the service integration. */
  resource: string;
  parameters: Record<string, unknown>;
  timeout: Duration;
  /** In this order; the last is for all errors. */
  retries: RetryProps[];
  /** Where the run goes on when the task has failed for good. What failed stands at `$.failed.<name>`. */
  onFailure: IChainable;
  /** Error -> where the run goes on with it instead: what is no failure. */
  expected?: Record<string, IChainable>;
  /** What is kept of the result, and where; `discarded`, or with neither the result replaces the state's input. */
  selector?: Record<string, unknown>;
  resultPath?: string | typeof discarded;
}

export const discarded = null;

/** Errors that say what is wrong with the run: the same call fails again. */
const lasting = ['RefusedInput', 'RunLocked', 'SnapshotTaken', 'EngineError'];

const backoff = { backoffRate: 2, jitterStrategy: JitterType.FULL };

/** For functions, which may be called twice: four attempts within some minutes. */
export const functionRetries: RetryProps[] = [
  { errors: lasting, maxAttempts: 0 },
  { ...backoff, interval: Duration.seconds(2), maxAttempts: 3, maxDelay: Duration.minutes(1) },
];

/** For the engine: it waits for another job's end, and a job that failed is tried once more, unless its time was over. */
export const engineRetries: RetryProps[] = [
  { errors: [...lasting, 'States.Timeout'], maxAttempts: 0 },
  {
    ...backoff,
    errors: ['Glue.ConcurrentRunsExceededException', 'Glue.InternalServiceException', 'Glue.ThrottlingException'],
    interval: Duration.seconds(30),
    maxAttempts: 6,
    maxDelay: Duration.minutes(5),
  },
  { ...backoff, interval: Duration.seconds(10), maxAttempts: 1, maxDelay: Duration.minutes(1) },
];

export function task(scope: Construct, name: string, props: TaskProps): CustomState {
  const { resource, parameters, timeout, retries, onFailure, expected = {}, selector, resultPath } = props;
  const state = new CustomState(scope, name, {
    stateJson: {
      Type: 'Task',
      Resource: resource,
      Parameters: parameters,
      ...(selector && { ResultSelector: selector }),
      ...(resultPath !== undefined && { ResultPath: resultPath }),
      TimeoutSeconds: timeout.toSeconds(),
    },
  });
  for (const retry of retries) state.addRetry(retry);
  const told = { resultPath: `$.failed.${name}` };
  for (const [error, next] of Object.entries(expected)) state.addCatch(next, { errors: [error], ...told });
  return state.addCatch(onFailure, { errors: ['States.ALL'], ...told });
}
