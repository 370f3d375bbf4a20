/** Ends a run: says in its record what became of it, removes what nobody will see, and gives the lock back. */
import { isObject, type JsonObject } from '../domain/json.ts';
import { qualityReportKey } from '../domain/lake/layout.ts';
import type { EndedRun } from '../domain/metrics/measure.ts';
import type { QualityReport } from '../domain/quality/report.ts';
import type { Environment } from '../ports.ts';
import { newestSnapshot } from './documents.ts';
import { writeQualityReport } from './quality-report.ts';
import { freeRunLock, ownRunLock, runLeaseMs, runLockHolder } from './run-lock.ts';
import { removeOutputs } from './run-models.ts';
import { noteRun, type RunFailure, type RunRecord, readRun } from './run-record.ts';
import { stepOfState } from './run-steps.ts';

interface NotifyPayload {
  /** Name of the state machine's execution. */
  execution: string;
  /**
   * The state machine's document; `failed` where a state was caught: state -> what Step Functions says of it. Left out where
   * the execution has ended, and it is not known whether it said so.
   */
  input?: JsonObject;
}

type Failure = Pick<RunFailure, 'failedStep' | 'reason'>;

interface Notified {
  status: RunRecord['status'];
}

interface NotifyOptions {
  /** Told of each run that ended; again where its end is noted again. */
  onEnded?: (ended: EndedRun) => void;
}

/**
 * Ends the run of an execution, which may have failed before it told its id: then the run lock knows it. Doing it again
 * changes nothing, and tells nobody twice. Of an execution that has ended it frees the lock, where that is still its own, by which its
 * record is told as interrupted.
 */
export const notifyRun =
  (env: Environment, { onEnded }: NotifyOptions = {}) =>
  async ({ execution, input }: NotifyPayload): Promise<Notified> => {
    if (!input) {
      await freeRunLock(env, (holder) => holder.process === execution);
      return { status: 'interrupted' };
    }
    const holder = await runLockHolder(env);
    const runId = holder?.process === execution ? holder.runId : textOf(input.runId);
    const failure = await failureOf(env, runId, input);
    if (!runId) {
      // It never began: it was asked for what no run does.
      if (failure) await alertFailed(env, execution, { ...failure, whatToDo: 'nothing was changed' });
      return { status: failure ? 'failed' : 'idle' };
    }
    try {
      const ended = failure ? await endFailed(env, runId, failure) : { status: endedWell(input) };
      const finishedAt = env.clock.now().toISOString();
      const { startedAt, steps } = await noteRun(env, runId, { ...ended, finishedAt, currentStep: undefined });
      const report = await writeQualityReport(env)({ runId });
      if (ended.status === 'failed') await alertFailed(env, runId, ended);
      else if (report && report.refused > 0) await alertRefused(env, report);
      onEnded?.({ ...ended, startedAt, finishedAt, steps, report, snapshot: await newestSnapshot(env) });
      return { status: ended.status };
    } finally {
      await ownRunLock(env)({ runId, process: execution }, { leaseMs: runLeaseMs }).release();
    }
  };

const alertFailed = (env: Environment, run: string, { failedStep, reason, whatToDo }: RunFailure): Promise<void> =>
  env.alerts.send({
    id: `run ${run} failed`,
    severity: 'critical',
    subject: `Customer 360: a run failed at ${failedStep}`,
    text: `Run ${run} failed at ${failedStep}: ${reason}\n\nWhat to do: ${whatToDo}.`,
  });

const alertRefused = (env: Environment, { runId, refused }: QualityReport): Promise<void> =>
  env.alerts.send({
    id: `run ${runId} refused rows`,
    severity: 'warning',
    subject: `Customer 360: refused rows wait in quarantine (${refused})`,
    text:
      `Run ${runId} published its snapshot without the rows that break a check (${refused}).\n\n` +
      `What to do: ${qualityReportKey(runId, 'md')} says which, and what to do about them within 21 days.`,
  });

const endedWell = ({ next }: JsonObject): 'idle' | 'succeeded' => (next === 'nothing' ? 'idle' : 'succeeded');

/** What a gate stopped is repaired elsewhere than what broke. */
const seeReport = (runId: string): string =>
  `${qualityReportKey(runId, 'md')} says what broke which check, and what to do about it: nothing was published, and the next ` +
  'run takes the same input up';

async function endFailed(
  env: Environment,
  runId: string,
  failure: Failure,
): Promise<{ status: 'failed' | 'interrupted' } & RunFailure> {
  const isServing = servingSteps.has(failure.failedStep);
  // Where it was tried to publish, the snapshot may stand although no answer came.
  const isPublished = isServing || (await newestSnapshot(env))?.runId === runId;
  if (!isPublished) await removeOutputs(env)(runId).catch(() => {});
  const status = failure.reason === stopped ? 'interrupted' : 'failed';
  return { status, ...failure, whatToDo: isPublished ? resumeAtLoad : runAgain(runId, failure) };
}

const servingSteps = new Set([stepOfState.LoadWarehouse, stepOfState.PublishAnswers]);

const runAgain = (runId: string, { failedStep }: Failure): string =>
  failedStep.endsWith(' gate')
    ? seeReport(runId)
    : 'nothing was published, and readers see what they saw before: repair the cause and run again, and the next run takes the same input up';
const resumeAtLoad =
  'the new snapshot is published: repair the cause and run again, and the next run resumes at the load';

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Which step failed and why: a state that was caught, or a gate that did not pass. */
async function failureOf(
  env: Environment,
  runId: string | undefined,
  { failed, gate }: JsonObject,
): Promise<Failure | undefined> {
  const caught = isObject(failed) ? Object.entries(failed).at(-1) : undefined;
  if (caught) return { failedStep: stepOfState[caught[0]] ?? caught[0], reason: reasonOf(caught[1]) };
  if (!runId || !isObject(gate) || gate.verdict === 'passed') return undefined;
  const steps = (await readRun(env, runId))?.steps ?? [];
  const failedStep = steps.findLast(({ step }) => step.endsWith(' gate'))?.step ?? 'quality gate';
  return { failedStep, reason: String(gate.reason) };
}

/** Somebody wanted it, so that nobody has to be told. */
const stopped = 'it was stopped';

/** Errors of our own, whose messages hold no data: of others only the name is told. */
export const ownErrors = new Set([
  'RefusedInput',
  'EngineError',
  'AdapterError',
  'RunLocked',
  'SnapshotTaken',
  'States.DataLimitExceeded',
]);

/** The last word of `glue-scripts/run_models.py`, which holds no data. Glue puts the name of Python's exception before it. */
const scriptsWord = /\brun_models failed: (.*)/;

/** What Step Functions says of an error, in a line: a Lambda's error or a Glue run lies in `Cause` as JSON. */
function reasonOf(caught: unknown): string {
  const { Error: name, Cause: cause } = isObject(caught) ? caught : {};
  const said = parsed(textOf(cause) ?? '');
  if (typeof said.errorMessage === 'string' && ownErrors.has(String(said.errorType))) return said.errorMessage;
  const ofJob = textOf(said.ErrorMessage) ?? '';
  const word = scriptsWord.exec(ofJob)?.[1];
  if (word) return word;
  if (name === 'ExecutionAbortedError') return stopped;
  if (name === 'States.Timeout') return 'it took longer than its time limit';
  const unexpected = said.errorType ?? /^\w+(?=:)/.exec(ofJob)?.[0] ?? name;
  return `an unexpected ${String(unexpected)}; the log of the step holds its stack`;
}

function parsed(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
