/** What has become of a file that was landed for a door that works behind a queue. */
import type { Dataset } from '../contracts/index.ts';
import type { Mapping } from '../domain/files/mapping.ts';
import { landingKey } from '../domain/lake/layout.ts';
import type { Environment, Timer } from '../ports.ts';
import { addCounts, type BatchCounts, type DoorCounts, noCounts } from './door.ts';
import { earlierUpload } from './ingest-batch.ts';
import { lookUntil } from './looking.ts';

export interface LandingFile {
  dataset: Dataset;
  /** SHA-256 of the file as it is, by which it lands. */
  landedHash: string;
  /** SHA-256 of the file unpacked, by which it is known. */
  contentHash: string;
  mapping?: Mapping;
  /** Under which the mapping lies in the lake. */
  mappingName?: string;
}

export type LandedState =
  /** Nothing has been ingested of it; or a part of it, and the rest is to come. */
  | { state: 'waiting'; counts: DoorCounts }
  | { state: 'ingested'; counts: DoorCounts; arrivedAt: Date }
  /** It cannot be used. The reason holds no payload. */
  | { state: 'refused'; reason: string };

export const keyOfLanding = ({ dataset, landedHash, mappingName }: LandingFile): string =>
  landingKey(dataset, landedHash, mappingName);

/** When a file was last refused, as the door wrote it down; undefined where it was not, or long ago. */
export async function refusalOf(
  env: Environment,
  { landedHash }: LandingFile,
): Promise<{ at: string; reason: string } | undefined> {
  const item = await env.hot.get('files', { partition: 'refused', sort: landedHash });
  return item && { at: String(item.values.refusedAt), reason: String(item.values.reason) };
}

/**
 * How far a file has come. `refusedBefore` is the time of a refusal that does not count any more, since the file was landed
 * anew. RefusedInput where its content came in with another mapping.
 */
export async function landedState(env: Environment, file: LandingFile, refusedBefore?: string): Promise<LandedState> {
  const refusal = await refusalOf(env, file);
  if (refusal && refusal.at !== refusedBefore) return { state: 'refused', reason: refusal.reason };
  const registered = await earlierUpload(env, file, file.contentHash);
  if (!registered) return { state: 'waiting', counts: noCounts };
  const batches = await env.hot.query('batches', file.dataset, { prefix: `${registered.fileId}-` });
  const counts = batches.map(({ values }) => values as unknown as BatchCounts).reduce(addCounts, noCounts);
  if (!registered.isIngested) return { state: 'waiting', counts };
  return { state: 'ingested', counts, arrivedAt: registered.arrivedAt };
}

export interface WaitOptions {
  timer: Timer;
  refusedBefore?: string;
  /** Told each time that it is looked, how many rows have been taken in. */
  onProgress?: (rows: number) => void;
  /** Gives up after this time. */
  patienceSeconds: number;
}

/**
 * Waits until the file is ingested or refused; `waiting` where the patience is at its end before. AdapterError where the
 * stores could not be asked ten times in a row; the file is taken in all the same.
 */
export async function landed(
  env: Environment,
  file: LandingFile,
  { timer, refusedBefore, onProgress = () => {}, patienceSeconds }: WaitOptions,
): Promise<LandedState> {
  const end = env.clock.now().getTime() + patienceSeconds * 1000;
  const look = () => landedState(env, file, refusedBefore);
  return lookUntil(timer, look, (found) => {
    onProgress(found.state === 'refused' ? 0 : found.counts.received);
    return found.state !== 'waiting' || env.clock.now().getTime() >= end ? found : undefined;
  });
}
