/** The steps of a run, as people are told of them. */
import type { EngineResult } from '../domain/lake/run-plan.ts';
import type { Snapshot } from '../domain/lake/snapshot.ts';
import type { GateDocument } from '../domain/quality/judge.ts';
import type { Environment } from '../ports.ts';
import type { Excluded } from './exclude-rows.ts';
import type { Load } from './load-warehouse.ts';
import type { RunInputs } from './plan-run.ts';
import type { ServingIndex } from './publish-answers.ts';
import { ownRunLock, type RunLock, runLeaseMs } from './run-lock.ts';
import { noteRun, noteStep, readRun } from './run-record.ts';

/** State of the machine -> its step; the other states are plumbing, of which nothing is told. */
export const stepOfState: Record<string, string> = {
  Plan: 'plan',
  CleanModels: 'clean models',
  CleanGate: 'clean gate',
  ExcludeRows: 'exclude rows',
  PlanCurated: 'plan curated',
  CuratedModels: 'curated models',
  CuratedGate: 'curated gate',
  PublishSnapshot: 'publish snapshot',
  LoadWarehouse: 'load warehouse',
  PublishAnswers: 'publish answers',
  Notify: 'notify',
};

export interface StepDone<T> {
  value: T;
  /** What the step did, in words with figures; none where it is not done yet, and is called again. */
  outcome?: string;
}

/**
 * Does a step's work under the run's lock, and writes down in the run's record that it began and what it did. Where the step is
 * called again before it is done, its work is told when it began at first.
 */
export async function notedStep<T>(
  env: Environment,
  runId: string,
  step: string,
  work: (startedAt: Date, lock: RunLock) => Promise<StepDone<T>>,
): Promise<T> {
  const { execution = '', currentStep, currentStepSince } = (await readRun(env, runId)) ?? {};
  const lock = ownRunLock(env)({ runId, process: execution }, { leaseMs: runLeaseMs });
  await lock.renew();
  const isBegun = currentStep === step && currentStepSince !== undefined;
  const startedAt = isBegun ? currentStepSince : env.clock.now().toISOString();
  await noteRun(env, runId, { currentStep: step, currentStepSince: startedAt });
  const { value, outcome } = await work(new Date(startedAt), lock);
  if (outcome === undefined) return value;
  const seconds = (env.clock.now().getTime() - Date.parse(startedAt)) / 1000;
  await noteStep(env, runId, { step, startedAt, seconds, outcome });
  return value;
}

/** Notes what an engine did, unless it is noted already. */
export async function notedModels(env: Environment, runId: string, result: EngineResult): Promise<void> {
  const [step, gate] = [`${result.layer} models`, `${result.layer} gate`];
  const { steps = [], currentStep } = (await readRun(env, runId)) ?? {};
  // A gate that is called again stands behind them, begun or done.
  if ([step, gate].includes(steps.at(-1)?.step ?? '') || currentStep === gate) return;
  const seconds = result.models.reduce((sum, model) => sum + model.seconds, 0);
  const startedAt = new Date(env.clock.now().getTime() - seconds * 1000).toISOString();
  await noteStep(env, runId, { step, startedAt, seconds, outcome: told.models(result) });
}

/** What a step did, in words with figures. */
export const told = {
  plan: ({ newRaw, haveRatesChanged, again }: RunInputs): string => {
    const counts = Object.entries(newRaw).map(([dataset, keys]) => `${dataset} ${keys.length}`);
    if (again) return `to make anew: ${madeAgain(again)}, of raw objects: ${counts.join(', ') || 'none'}`;
    const objects = counts.length > 0 ? `new raw objects: ${counts.join(', ')}` : 'no new raw objects';
    return haveRatesChanged ? `${objects}; other exchange rates` : objects;
  },
  models: ({ models }: EngineResult): string =>
    models.map(({ table, rows }) => `${table.split('.')[1]} ${rows}`).join(', ') || 'nothing to rewrite',
  gate: ({ verdict, reason }: GateDocument): string => `${verdict}: ${reason}`,
  excluded: ({ rows }: Excluded): string => (rows > 0 ? `${rows} rows into quarantine` : 'no single row is at fault'),
  snapshot: ({ number, tables, restored }: Snapshot): string => {
    const files = `${Object.values(tables).flat().length} files in ${Object.keys(tables).length} tables`;
    return `snapshot ${number}${restored === undefined ? '' : `, as snapshot ${restored} was`}: ${files}`;
  },
  load: ({ tables }: Load): string =>
    tables.length > 0
      ? `${tables.reduce((sum, { rows }) => sum + rows, 0)} rows into ${tables.length} tables`
      : 'already loaded',
  answers: ({ answers }: ServingIndex): string => `${answers.length} answers in serving/`,
};

function madeAgain({ dates, tables }: NonNullable<RunInputs['again']>): string {
  const range = dates.length > 1 ? [`${dates.length} dates from ${dates[0]} to ${dates.at(-1)}`] : dates;
  return [...range, ...tables].join(', ') || 'nothing';
}
