/** What came in and where it is: the conservation of the lake, told by counts that are taken in different places. */
import { type Dataset, datasets, fileDatasets } from '../contracts/index.ts';
import { batchOfKey } from '../domain/lake/layout.ts';
import { rowsOf } from '../domain/lake/snapshot.ts';
import { isQuarantineOver } from '../domain/privacy/quarantine-day.ts';
import { AdapterError, EngineError, type Environment } from '../ports.ts';
import { newestSnapshot } from './documents.ts';
import { addCounts, type BatchCounts, type DoorCounts, noCounts } from './door.ts';
import { readExclusions } from './exclusions.ts';
import { loadedSnapshot } from './load-warehouse.ts';
import { findNewInputs } from './plan-run.ts';
import { redrivenRecords } from './quarantine.ts';

/**
 * `received = raw + quarantined + expired + suppressed` and
 * `raw = clean + duplicates + superseded + refused + pending + held`.
 */
interface DatasetStatus extends DoorCounts {
  dataset: Dataset;
  /** Records that nobody brought back from quarantine in time; `quarantined` are those that wait there. */
  expired: number;
  clean: number;
  duplicates: number;
  superseded: number;
  /** Raw records that a gate refused, and that no redrive has replaced. */
  refused: number;
  /** Raw records that no published run has consumed. */
  pending: number;
  /** Raw records that a rollback has withdrawn. */
  held: number;
  isBalanced: boolean;
}

export interface Status {
  datasets: DatasetStatus[];
  /** Files whose ingest was cut off; uploading them again finishes it. */
  unfinishedFiles: number;
  snapshot: { number: number; runId: string; createdAt: string; files: number; bytes: number } | undefined;
  /** The snapshot that the warehouse holds, 0 before the first; undefined where it could not be asked. */
  loadedSnapshot: number | undefined;
  /** Why the warehouse could not be asked. */
  warehouseError?: AdapterError | EngineError;
  isBalanced: boolean;
}

export const readStatus = (env: Environment) => async (): Promise<Status> => {
  const newest = await newestSnapshot(env);
  const { newRaw } = await findNewInputs(env)('status', newest);
  const rows: DatasetStatus[] = [];
  for (const dataset of datasets) {
    const batches = await batchCounts(env, dataset);
    const door = [...batches.values()].reduce(addCounts, noCounts);
    const expired = expiredCount([...batches.values()], env.clock.now());
    const quarantined = door.quarantined - expired;
    const {
      raw: consumed,
      duplicates,
      superseded,
    } = newest?.counts[dataset] ?? { raw: 0, duplicates: 0, superseded: 0 };
    const clean = rowsOf(newest?.tables[`clean.${dataset}`]);
    const refusals = await countRefusals(env, dataset);
    const rawIn = (keys: string[]) =>
      keys.reduce((sum, key) => sum + (batches.get(batchOfKey(key))?.raw ?? 0) - (refusals.byObject.get(key) ?? 0), 0);
    const pending = rawIn(newRaw[dataset] ?? []);
    const held = rawIn((newest?.held ?? []).filter((key) => key.startsWith(`raw/${dataset}/`)));
    const isBalanced =
      door.received === door.raw + quarantined + expired + door.suppressed &&
      door.raw === consumed + refusals.waiting + pending + held &&
      consumed === clean + duplicates + superseded;
    const { waiting: refused } = refusals;
    const counts = { clean, duplicates, superseded, refused, pending, held };
    rows.push({ dataset, ...door, quarantined, expired, ...counts, isBalanced });
  }
  const files = Object.values(newest?.tables ?? {}).flat();
  return {
    datasets: rows,
    unfinishedFiles: await countUnfinished(env),
    snapshot: newest && {
      number: newest.number,
      runId: newest.runId,
      createdAt: newest.createdAt,
      files: files.length,
      bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    },
    ...(await askWarehouse(env)),
    isBalanced: rows.every((row) => row.isBalanced),
  };
};

/** The warehouse knows people of its own: whoever may read the lake may have no right there. */
export async function askWarehouse(env: Environment): Promise<Pick<Status, 'loadedSnapshot' | 'warehouseError'>> {
  try {
    return { loadedSnapshot: await loadedSnapshot(env) };
  } catch (error) {
    if (!(error instanceof AdapterError || error instanceof EngineError)) throw error;
    return { loadedSnapshot: undefined, warehouseError: error };
  }
}

/** What gates refused of a dataset, by the raw object that holds it, and how much of it no redrive has replaced. */
async function countRefusals(env: Environment, dataset: Dataset) {
  const exclusions = await readExclusions(env, { dataset });
  const redriven = await redrivenRecords(env, dataset);
  const byObject = new Map<string, number>();
  for (const { object } of exclusions.values()) byObject.set(object, (byObject.get(object) ?? 0) + 1);
  return { byObject, waiting: [...exclusions.keys()].filter((id) => !redriven.has(id)).length };
}

async function countUnfinished(env: Environment): Promise<number> {
  let unfinished = 0;
  for (const dataset of fileDatasets) {
    const files = await env.hot.query('files', dataset);
    unfinished += files.filter(({ values }) => values.isIngested === false).length;
  }
  return unfinished;
}

function expiredCount(batches: BatchCounts[], now: Date): number {
  const over = batches.filter(({ quarantinedOn }) => quarantinedOn && isQuarantineOver(quarantinedOn, now));
  return over.reduce((sum, { quarantined }) => sum + quarantined, 0);
}

/** What each batch of a dataset counted at its door, by the batch's name. */
async function batchCounts(env: Environment, dataset: Dataset): Promise<Map<string, BatchCounts>> {
  const counts = new Map<string, BatchCounts>();
  for (let after: string | undefined; ; ) {
    const page = await env.hot.query('batches', dataset, { after, limit: 1000 });
    for (const item of page) counts.set(item.sort, item.values as unknown as BatchCounts);
    after = page.at(-1)?.sort;
    if (page.length < 1000) return counts;
  }
}
