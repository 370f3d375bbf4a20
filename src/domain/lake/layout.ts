/** Where things lie in the lake: the keys of its objects. */
import { type Dataset, fileDatasets } from '../../contracts/index.ts';

/** `dt=2026-01-31/hour=07`, of an arrival time, UTC. */
function arrivalFolder(arrivedAt: Date): string {
  const text = arrivedAt.toISOString();
  return `dt=${text.slice(0, 10)}/hour=${text.slice(11, 13)}`;
}

/** A raw object; `batch` names the records in it, so that the same batch written twice is one object. */
export function rawKey(dataset: Dataset, arrivedAt: Date, batch: string): string {
  return `raw/${dataset}/${arrivalFolder(arrivedAt)}/${batch}.jsonl.gz`;
}

/** The batch that a raw object's key names. */
export function batchOfKey(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1, -'.jsonl.gz'.length);
}

/** The day of arrival, `YYYY-MM-DD`, that a raw object's key names. */
export function arrivalDayOfKey(key: string): string {
  return /\/dt=(\d{4}-\d\d-\d\d)\//.exec(key)?.[1] ?? '';
}

export function quarantineKey(dataset: Dataset, arrivedAt: Date, batch: string): string {
  return `quarantine/${dataset}/${arrivalFolder(arrivedAt).split('/')[0]}/${batch}.jsonl.gz`;
}

/** `mapping` names the one of `mappingKey` under which the file is to be read; absent where it needs none. */
export function landingKey(dataset: Dataset, contentHash: string, mapping?: string): string {
  return `landing/${dataset}/${mapping === undefined ? '' : `${mapping}/`}${contentHash}`;
}

export interface LandingPlace {
  dataset: Dataset;
  contentHash: string;
  mapping?: string;
}

/** What a landing key says; undefined where it is none. */
export function landingPlace(key: string): LandingPlace | undefined {
  const [, name, mapping, contentHash] =
    /^landing\/(\w+)\/(?:([a-z][a-z0-9_-]{0,62})\/)?([0-9a-f]{64})$/.exec(key) ?? [];
  const dataset = fileDatasets.find((one) => one === name);
  return dataset && contentHash ? { dataset, contentHash, mapping } : undefined;
}

/** A mapping that files may name by their landing key. */
export function mappingKey(dataset: Dataset, name: string): string {
  return `mappings/${dataset}/${name}.json`;
}

/** Folder of the files that one run writes for one table (`clean.events`). */
export function tablePrefix(table: string, runId: string): string {
  return `${table.replace('.', '/')}/run=${runId}`;
}

export function planKey(runId: string, layer: string): string {
  return `plans/${runId}/${layer}.json`;
}

/** The rows of a table that its gate refused, by the checks that they broke; the engine writes it. */
export function refusedRowsKey(runId: string, table: string): string {
  return `plans/${runId}/refused/${table}.jsonl`;
}

/** What a gate refused in one pass of a run: the origins that the clean layer leaves out from then on. */
export function exclusionsKey(runId: string, pass: number): string {
  return `exclusions/${runId}.${pass}.jsonl`;
}

export function qualityReportKey(runId: string, format: 'json' | 'md'): string {
  return `reports/quality/${runId}.${format}`;
}

export function ratesKey(contentHash: string): string {
  return `rates/${contentHash}.jsonl`;
}

export function snapshotKey(number: number): string {
  return `snapshots/${paddedNumber(number)}.json`;
}

/** The number that a snapshot's key names. */
export const snapshotNumber = (key: string): number => Number(key.slice('snapshots/'.length, -'.json'.length));

/** An answer lies beside the others of its snapshot; which of them readers see, the index says. */
export function servingKey(snapshot: number, query: string): string {
  return `serving/${paddedNumber(snapshot)}/${query}.json`;
}

export const servingIndexKey = 'serving/index.json';

/** Sorts as the numbers do. */
const paddedNumber = (snapshot: number): string => String(snapshot).padStart(8, '0');
