/** The record of a run: what it was asked, how far it came and what became of it, written as the run goes. */
import type { Dataset } from '../contracts/index.ts';
import type { RunKind } from '../domain/lake/run-request.ts';
import type { Environment, HotItem, HotValue } from '../ports.ts';
import { type IsDead, runLockHolder } from './run-lock.ts';

/** `idle` where nothing was new. */
type RunStatus = 'running' | 'succeeded' | 'idle' | 'failed' | 'interrupted';

export interface StepReport {
  /** `clean models` */
  step: string;
  startedAt: string;
  seconds: number;
  /** What the step did, in words with figures. */
  outcome: string;
}

/** Why a run failed. */
export interface RunFailure {
  failedStep: string;
  reason: string;
  whatToDo: string;
}

export interface RunRecord extends Partial<RunFailure> {
  runId: string;
  kind: RunKind | 'rollback';
  status: RunStatus;
  /** The state machine's execution, or the process, that the run belongs to. */
  execution: string;
  startedAt: string;
  finishedAt?: string;
  /** What the run was asked, as it was asked. */
  request?: Record<string, HotValue>;
  /** Dataset -> raw objects that it took in. */
  inputs?: Partial<Record<Dataset, number>>;
  /** Table -> rows that it wrote. */
  outputs?: Record<string, number>;
  /** The snapshot that it published, or else found. */
  snapshot?: number;
  steps: StepReport[];
  /** The step that goes on, or in which the run ended. */
  currentStep?: string;
  /** When it began. */
  currentStepSince?: string;
}

const partition = 'runs';

/** Runs that found nothing new are told for a week, the others as long as raw records are kept. */
const keptDays = { idle: 7, others: 400 };

export async function readRun(env: Environment, runId: string): Promise<RunRecord | undefined> {
  const item = await env.hot.get('runs', { partition, sort: runId });
  return item && recordOf(item);
}

/** Writes what is known of a run over what was known before. */
export async function noteRun(env: Environment, runId: string, changes: Partial<RunRecord>): Promise<RunRecord> {
  const known = (await readRun(env, runId)) ?? newRecord(env, runId);
  const { runId: _, ...values } = { ...known, ...changes };
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  const days = values.status === 'idle' ? keptDays.idle : keptDays.others;
  const expiresAt = new Date(Date.parse(values.startedAt) + days * 86_400_000);
  await env.hot.write([
    {
      table: 'runs',
      put: { partition, sort: runId, values: Object.fromEntries(given) as HotItem['values'], expiresAt },
    },
  ]);
  return { ...known, ...changes };
}

/** Adds a step. One that is told again, since its answer was lost, takes the place of the first. */
export async function noteStep(env: Environment, runId: string, report: StepReport): Promise<void> {
  const steps = (await readRun(env, runId))?.steps ?? [];
  const others = steps.at(-1)?.step === report.step ? steps.slice(0, -1) : steps;
  await noteRun(env, runId, { steps: [...others, report], currentStep: undefined, currentStepSince: undefined });
}

/**
 * Runs, the newest first. One that is written down as running is `interrupted` where it no longer holds the run lock, or
 * where its holder is known to be dead.
 */
export const listRuns =
  (env: Environment) =>
  async ({ limit, isDead = () => false }: { limit?: number; isDead?: IsDead } = {}): Promise<RunRecord[]> => {
    const holder = await runLockHolder(env);
    const alive = holder && !(await isDead(holder)) ? holder.runId : undefined;
    const items = await env.hot.query('runs', partition, { newestFirst: true, limit });
    return items.map(recordOf).map((record) => (record.runId === alive ? record : interrupted(record)));
  };

function interrupted(record: RunRecord): RunRecord {
  if (record.status !== 'running') return record;
  return {
    ...record,
    status: 'interrupted',
    failedStep: record.currentStep ?? record.steps.at(-1)?.step ?? 'plan',
    reason: 'it was ended from outside before it could say why',
    whatToDo: 'run again: what it had not published is unseen, and the next run takes its input up',
  };
}

function newRecord(env: Environment, runId: string): RunRecord {
  const startedAt = env.clock.now().toISOString();
  return { runId, kind: 'run', status: 'running', execution: '', startedAt, steps: [] };
}

const recordOf = ({ sort, values }: HotItem): RunRecord => ({ runId: sort, ...values }) as unknown as RunRecord;
