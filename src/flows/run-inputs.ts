/** The document of a run that says what it takes in and what it builds on; its later steps read it. */
import { datasets } from '../contracts/index.ts';
import { planKey } from '../domain/lake/layout.ts';
import type { MadeAgain } from '../domain/lake/plan-layer.ts';
import type { EngineResult, Layer } from '../domain/lake/run-plan.ts';
import { daysBetween, type RunRequest } from '../domain/lake/run-request.ts';
import { consumes, emptied, type Snapshot } from '../domain/lake/snapshot.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import type { Environment } from '../ports.ts';
import { newestSnapshot, readDocument, readSnapshot, writeDocument } from './documents.ts';
import { readModels } from './models.ts';
import { findNewInputs, isHeldLong, type RunInputs } from './plan-run.ts';

/** What a run takes in and the snapshot that it builds on, if one is published. */
export interface PlannedRun {
  inputs: RunInputs;
  base: Snapshot | undefined;
}

interface RunDocument extends RunInputs {
  /** Number of the snapshot that the run builds on; 0 where none is published. */
  base: number;
  /** True where every table is made anew, as if that snapshot had consumed nothing but what is held. */
  isAnew: boolean;
}

/** Finds what the request is about, and writes it down. */
export const planRun =
  (env: Environment) =>
  async (runId: string, request: RunRequest): Promise<PlannedRun> => {
    const newest = await newestSnapshot(env);
    const isRelease = 'release' in request && request.release;
    const isAnew = request.kind === 'replay' || (isRelease && newest !== undefined && isHeldLong(env, newest));
    const base = newest && isAnew ? emptied(newest) : newest;
    const inputs =
      'release' in request
        ? await findNewInputs(env)(runId, base, { release: isRelease })
        : await findConsumed(env, runId, newest, await madeAgain(env, request));
    const document: RunDocument = { ...inputs, base: newest?.number ?? 0, isAnew };
    await writeDocument(env, planKey(runId, 'inputs'), document);
    return { inputs, base };
  };

export async function readPlannedRun(env: Environment, runId: string): Promise<PlannedRun> {
  const { base: number, isAnew, ...inputs } = await readRunDocument<RunDocument>(env, runId, 'inputs');
  const base = number === 0 ? undefined : await readSnapshot(env, number);
  return { inputs, base: base && isAnew ? emptied(base) : base };
}

export const readResult = (env: Environment, runId: string, layer: Layer): Promise<EngineResult> =>
  readRunDocument<EngineResult>(env, runId, `${layer}.result`);

/** A document that an earlier step of the run has written. */
export async function readRunDocument<T>(env: Environment, runId: string, name: string): Promise<T> {
  const key = planKey(runId, name);
  const document = await readDocument<T>(env, key);
  if (document === undefined) throw new Error(`${key} is missing, though a step of this run wrote it; run again`);
  return document;
}

async function madeAgain(
  env: Environment,
  request: Exclude<RunRequest, { kind: 'run' | 'replay' }>,
): Promise<MadeAgain> {
  if (request.kind === 'backfill') return { dates: daysBetween(request.from, request.to), tables: [] };
  const results = ['clean', 'curated'].map((layer) =>
    readDocument<EngineResult>(env, planKey(request.run, `${layer}.result`)),
  );
  const models = (await Promise.all(results)).flatMap((result) => result?.models ?? []);
  if (models.length === 0) {
    throw new RefusedInput(
      `nothing is known of what run ${request.run} made: it made nothing, or its plans are gone (\`c360 vacuum\` ` +
        'removes them on one machine, on AWS they end after 90 days); `c360 replay --from --to` makes a range of dates anew',
    );
  }
  const dates = models.flatMap(({ touched }) => (touched === 'whole' ? [] : touched));
  const tables = models.filter(({ table, touched }) => touched === 'whole' && table.startsWith('clean.'));
  return { dates: [...new Set(dates)].sort(), tables: tables.map(({ table }) => table) };
}

/** Lists the raw records of what is made anew: all that the newest snapshot has consumed. What has come since waits. */
async function findConsumed(
  env: Environment,
  runId: string,
  newest: Snapshot | undefined,
  again: MadeAgain,
): Promise<RunInputs> {
  if (!newest) throw new RefusedInput('nothing has been published yet, so there is nothing to make anew; run first');
  const { consumed, consumedSince, held, rates } = newest;
  const inputs: RunInputs = { runId, newRaw: {}, consumed, consumedSince, held, rates, haveRatesChanged: false, again };
  const isConsumed = consumes(newest);
  const { models } = readModels(env.sql);
  const isDated = (table: string) => models.some((model) => model.table === table && model.header.partition);
  for (const dataset of datasets) {
    // The dimensions describe what events and sales name, so that they are read with any table without dates.
    const isRead = again.tables.length > 0 || (again.dates.length > 0 && isDated(`clean.${dataset}`));
    if (!isRead) continue;
    const keys: string[] = [];
    for await (const { key } of env.objects.list(`raw/${dataset}/`)) if (isConsumed(key)) keys.push(key);
    if (keys.length > 0) inputs.newRaw[dataset] = keys;
  }
  return inputs;
}
