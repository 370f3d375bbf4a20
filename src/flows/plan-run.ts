/** First step of a run: finds the raw objects that no run has consumed, and writes the plan of the clean layer. */
import { type Dataset, datasets, fileDatasets } from '../contracts/index.ts';
import { arrivalDayOfKey, batchOfKey, planKey } from '../domain/lake/layout.ts';
import { type LayerContext, type MadeAgain, planClean } from '../domain/lake/plan-layer.ts';
import type { RunPlan } from '../domain/lake/run-plan.ts';
import { consumes, type Snapshot } from '../domain/lake/snapshot.ts';
import type { Environment } from '../ports.ts';
import { isCounted } from './begun-batches.ts';
import { writeDocument } from './documents.ts';
import { exclusionKeys, readExclusions } from './exclusions.ts';
import { readModels } from './models.ts';
import { ratesInForce } from './rates.ts';

/**
 * Longer than any door's delay between a record's arrival and its object: six days in the stream, then 21 in the on-failure
 * store, from which `c360 redrive --failures` archives it under its arrival.
 */
const windowDays = 28;

/** What a run consumes: an explicit list of input files. */
export interface RunInputs {
  runId: string;
  /** Dataset -> keys of raw objects that no run has consumed; with `again`, of those that were. */
  newRaw: Partial<Record<Dataset, string[]>>;
  /** Consumed keys that the next run must still know, this run's included. */
  consumed: string[];
  consumedSince: string;
  /** Keys that a rollback has withdrawn and that stay so. */
  held: string[];
  /** Key of the exchange rates in force. */
  rates: string;
  /** True where the newest snapshot was made with others. */
  haveRatesChanged: boolean;
  /** What is made anew of records that are consumed already; nothing new is taken in then. */
  again?: MadeAgain;
}

/**
 * Lists what is new since the newest snapshot: arrivals from `consumedSince` on, less the keys that it consumed, and with
 * `release` those that are held. An object whose batch has not been counted is left for a later run: its door was cut off
 * between the two and comes again.
 */
export const findNewInputs =
  (env: Environment) =>
  async (runId: string, newest: Snapshot | undefined, { release = false } = {}): Promise<RunInputs> => {
    const since = newest?.consumedSince ?? '';
    const consumedSince = await oldestToCome(env);
    const isConsumed = newest ? consumes(newest) : () => false;
    const held = new Set(release ? [] : newest?.held);
    const released = release ? (newest?.held ?? []).filter((key) => arrivalDayOfKey(key) < since) : [];
    const rates = await ratesInForce(env);
    const haveRatesChanged = newest !== undefined && newest.rates !== rates;
    const kept = { consumed: [] as string[], consumedSince, held: [...held] };
    const inputs: RunInputs = { runId, newRaw: {}, ...kept, rates, haveRatesChanged };
    for (const dataset of datasets) {
      const newKeys = released.filter((key) => key.startsWith(`raw/${dataset}/`));
      for await (const { key } of env.objects.list(`raw/${dataset}/`, `raw/${dataset}/dt=${since}`)) {
        if (held.has(key)) continue;
        if (!isConsumed(key)) {
          const batch = await env.hot.get('batches', { partition: dataset, sort: batchOfKey(key) });
          if (!batch || !isCounted(batch)) continue;
          newKeys.push(key);
        }
        if (arrivalDayOfKey(key) >= consumedSince) inputs.consumed.push(key);
      }
      if (newKeys.length > 0) inputs.newRaw[dataset] = newKeys;
    }
    return inputs;
  };

const windowStart = (env: Environment): string =>
  new Date(env.clock.now().getTime() - windowDays * 86_400_000).toISOString().slice(0, 10);

/**
 * True where a rollback holds objects of before the window. The clean layer knows unchanged rows without updated_at for 30
 * days only, so that these come in by making every table anew.
 */
export const isHeldLong = (env: Environment, { held }: Snapshot): boolean =>
  held.some((key) => arrivalDayOfKey(key) < windowStart(env));

/** The day from which on objects may still come: of the window, or of the oldest file whose ingest is not finished. */
async function oldestToCome(env: Environment): Promise<string> {
  const times = [windowStart(env)];
  for (const dataset of fileDatasets) {
    for (const { values } of await env.hot.query('files', dataset)) {
      if (values.isIngested === false) times.push(String(values.arrivedAt));
    }
  }
  return times.sort()[0]!.slice(0, 10);
}

export const planCleanLayer =
  (env: Environment) =>
  async (inputs: RunInputs, newest: Snapshot | undefined): Promise<RunPlan> => {
    const tables = newest?.tables ?? {};
    const exclusions = await exclusionKeys(env, inputs.newRaw);
    const arrivals = await countArrivals(env, inputs.newRaw, exclusions);
    const at = env.clock.now();
    const plan = planClean({ ...readModels(env.sql), ...inputs, tables, exclusions, arrivals, at });
    await writeDocument(env, planKey(inputs.runId, 'clean'), plan);
    return plan;
  };

/** How many records the doors counted in raw objects, less those that gates have refused. */
async function countArrivals(
  env: Environment,
  newRaw: RunInputs['newRaw'],
  exclusions: string[],
): Promise<LayerContext['arrivals']> {
  const refused = new Map<string, number>();
  for (const { object } of (await readExclusions(env, { keys: exclusions })).values()) {
    refused.set(object, (refused.get(object) ?? 0) + 1);
  }
  const arrivals: LayerContext['arrivals'] = {};
  for (const [dataset, keys] of Object.entries(newRaw)) {
    let records = 0;
    for (const key of keys) {
      const batch = await env.hot.get('batches', { partition: dataset, sort: batchOfKey(key) });
      records += Number(batch?.values.raw ?? 0) - (refused.get(key) ?? 0);
    }
    arrivals[dataset as Dataset] = records;
  }
  return arrivals;
}
