/** Ends a run: says in its record what became of it, removes what nobody will see, and gives the lock back. */
import { isObject, type JsonObject } from '../domain/json.ts';
import type { Environment } from '../ports.ts';
import { newestSnapshot } from './documents.ts';
import { ownRunLock, runLeaseMs, runLockHolder } from './run-lock.ts';
import { removeOutputs } from './run-models.ts';
import { noteRun, type RunFailure, type RunRecord } from './run-record.ts';
import { stepOfState } from './run-steps.ts';

interface NotifyPayload {
  /** Name of the state machine's execution. */
  execution: string;
  /** The state machine's document; `failed` where a state was caught: state -> what Step Functions says of it. */
  input: JsonObject;
}

type Failure = Pick<RunFailure, 'failedStep' | 'reason'>;

interface Notified {
  status: RunRecord['status'];
}

export const notifyRun =
  (env: Environment) =>
  async ({ execution, input }: NotifyPayload): Promise<Notified> => {
    // A run that failed in its plan has told nobody its id; the lock knows it by the execution.
    const holder = await runLockHolder(env);
    const runId = holder?.process === execution ? holder.runId : textOf(input.runId);
    const failure = failureOf(input);
    const finishedAt = env.clock.now().toISOString();
    if (!runId) return { status: failure ? 'failed' : 'idle' };
    try {
      const ended = failure ? await endFailed(env, runId, failure) : { status: endedWell(input) };
      await noteRun(env, runId, { ...ended, finishedAt, currentStep: undefined });
      return { status: ended.status };
    } finally {
      await ownRunLock(env)({ runId, process: execution }, { leaseMs: runLeaseMs }).release();
    }
  };

const endedWell = ({ next }: JsonObject): 'idle' | 'succeeded' => (next === 'nothing' ? 'idle' : 'succeeded');

async function endFailed(
  env: Environment,
  runId: string,
  failure: Failure,
): Promise<{ status: 'failed' } & RunFailure> {
  const isServing = servingSteps.has(failure.failedStep);
  // Where it was tried to publish, the snapshot may stand although no answer came.
  const isPublished = isServing || (await newestSnapshot(env))?.runId === runId;
  if (!isPublished) await removeOutputs(env)(runId).catch(() => {});
  return { status: 'failed', ...failure, whatToDo: isPublished ? resumeAtLoad : runAgain };
}

const servingSteps = new Set([stepOfState.LoadWarehouse, stepOfState.PublishAnswers]);

const runAgain =
  'nothing was published, and readers see what they saw before: repair the cause and run again, and the next run takes the same input up';
const resumeAtLoad =
  'the new snapshot is published: repair the cause and run again, and the next run resumes at the load';

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Which step failed and why: a state that was caught, or a gate's verdict. */
function failureOf({ failed, gate }: JsonObject): Failure | undefined {
  const caught = isObject(failed) ? Object.entries(failed).at(-1) : undefined;
  if (caught) return { failedStep: stepOfState[caught[0]] ?? caught[0], reason: reasonOf(caught[1]) };
  if (!isObject(gate) || gate.verdict === 'passed') return undefined;
  return { failedStep: 'quality gate', reason: String(gate.reason) };
}

/** Errors of our own, whose messages hold no data: of others only the name is told. */
const ownErrors = new Set([
  'RefusedInput',
  'EngineError',
  'AdapterError',
  'RunLocked',
  'SnapshotTaken',
  'States.DataLimitExceeded',
]);

/** What Step Functions says of an error, in a line: a Lambda's error or a Glue run lies in `Cause` as JSON. */
function reasonOf(caught: unknown): string {
  const { Error: name, Cause: cause } = isObject(caught) ? caught : {};
  const said = parsed(textOf(cause) ?? '');
  if (typeof said.errorMessage === 'string' && ownErrors.has(String(said.errorType))) return said.errorMessage;
  if (typeof said.ErrorMessage === 'string') return said.ErrorMessage;
  if (name === 'ExecutionAbortedError') return 'it was stopped';
  if (name === 'States.Timeout') return 'it took longer than its time limit';
  return `an unexpected ${String(said.errorType ?? name)}; the log of the step holds its stack`;
}

function parsed(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
