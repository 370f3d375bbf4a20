/** Removes what no reader needs any more: old snapshots, and files that no kept snapshot names. */
import { snapshotNumber } from '../domain/lake/layout.ts';
import type { Snapshot } from '../domain/lake/snapshot.ts';
import type { Environment, StoredObject } from '../ports.ts';
import { readDocument } from './documents.ts';
import { loadedSnapshot } from './load-warehouse.ts';

export interface VacuumOptions {
  /** How many of the newest snapshots stay, one at least; the one that the warehouse holds stays, too. */
  keep: number;
  /** True where it is only told what would go. */
  isDryRun?: boolean;
}

export interface Vacuumed {
  /** Numbers of the snapshots that were removed. */
  snapshots: number[];
  /** Files of tables, and plans of runs. */
  files: number;
  bytes: number;
}

/** How many snapshots stay where nobody says otherwise. */
export const keptSnapshots = 10;

/** How many objects are deleted at once. */
const batchSize = 1000;

const dayMs = 86_400_000;

/**
 * Only under the run lock: a run that is going on has files that no snapshot names yet. What killed runs left behind goes,
 * and so do plans of runs whose snapshots do not stay.
 */
export const vacuum =
  (env: Environment) =>
  (options: VacuumOptions): Promise<Vacuumed> =>
    removeUnneeded(env, { ...options, folders: ['clean/', 'curated/', 'plans/'] });

/**
 * Without the lock, on AWS, where runs go on meanwhile; but not beside a rollback, which publishes old lists anew. A day is
 * longer than a run takes, twelve hours at most, and any query of Athena: files of the last day stay, and so do snapshots that
 * readers saw in it, on the newest of which a run builds. Plans are left to the bucket's own rule. What was cut off, the next
 * call does.
 */
export const vacuumBesideRuns =
  (env: Environment) =>
  (options: VacuumOptions): Promise<Vacuumed> => {
    const since = new Date(env.clock.now().getTime() - dayMs);
    return removeUnneeded(env, { ...options, folders: ['clean/', 'curated/'], since });
  };

interface Extent extends VacuumOptions {
  folders: string[];
  /** What was written later stays. */
  since?: Date;
}

async function removeUnneeded(env: Environment, extent: Extent): Promise<Vacuumed> {
  const { folders, isDryRun = false } = extent;
  const remove = async (keys: string[]) => {
    if (keys.length > 0 && !isDryRun) await env.objects.delete(keys);
  };
  const { kept, removed } = await sortSnapshots(env, extent);
  const isNeeded = await neededBy(env, kept);
  // Snapshots go before their files, so that none ever names a file that is not there.
  await remove(removed.map(({ key }) => key));
  const done: Vacuumed = { snapshots: removed.map(({ key }) => snapshotNumber(key)), files: 0, bytes: 0 };
  for (const folder of folders) {
    let waiting: string[] = [];
    for await (const object of env.objects.list(folder)) {
      if (isRecent(object, extent) || isNeeded(object.key)) continue;
      done.files += 1;
      done.bytes += object.bytes;
      waiting.push(object.key);
      if (waiting.length < batchSize) continue;
      await remove(waiting);
      waiting = [];
    }
    await remove(waiting);
  }
  return done;
}

const isRecent = ({ modifiedAt }: StoredObject, { since }: Extent): boolean =>
  since !== undefined && modifiedAt > since;

async function sortSnapshots(env: Environment, extent: Extent) {
  const snapshots: StoredObject[] = [];
  for await (const snapshot of env.objects.list('snapshots/')) snapshots.push(snapshot);
  const loaded = await loadedSnapshot(env);
  const newest = snapshots.length - Math.max(extent.keep, 1);
  // Readers see a snapshot until the next one is written.
  const isKept = ({ key }: StoredObject, index: number) =>
    index >= newest || isRecent(snapshots[index + 1]!, extent) || snapshotNumber(key) === loaded;
  const kept = snapshots.filter(isKept);
  return { kept, removed: snapshots.filter((snapshot) => !kept.includes(snapshot)) };
}

/** Tells whether one of the snapshots names a file, or was made by a plan. One after the other, since each is large. */
async function neededBy(env: Environment, snapshots: StoredObject[]): Promise<(key: string) => boolean> {
  const [files, runs] = [new Set<string>(), new Set<string>()];
  for (const { key } of snapshots) {
    const snapshot = await readDocument<Snapshot>(env, key);
    // Another vacuum has removed it since.
    if (!snapshot) continue;
    runs.add(snapshot.runId);
    for (const table of Object.values(snapshot.tables)) for (const file of table) files.add(file.key);
  }
  return (key) => (key.startsWith('plans/') ? runs.has(key.split('/')[1]!) : files.has(key));
}
