/** Removes what no reader needs any more: old snapshots, and files that no kept snapshot names. */
import { snapshotKey } from '../domain/lake/layout.ts';
import type { Snapshot } from '../domain/lake/snapshot.ts';
import type { Environment, StoredObject } from '../ports.ts';
import { listSnapshots } from './documents.ts';
import { loadedSnapshot } from './load-warehouse.ts';

export interface Vacuumed {
  /** Numbers of the snapshots that were removed. */
  snapshots: number[];
  /** Files of tables, and plans of runs. */
  files: number;
  bytes: number;
}

/** How many objects are deleted at once. */
const batchSize = 1000;

/**
 * Keeps the newest `keep` snapshots, the one that the warehouse holds and what they name; the rest goes, what killed runs
 * left behind included. Only under the run lock: a run that is going on has files that no snapshot names yet.
 */
export const vacuum =
  (env: Environment) =>
  async ({ keep, isDryRun = false }: { keep: number; isDryRun?: boolean }): Promise<Vacuumed> => {
    const snapshots = await listSnapshots(env);
    const loaded = await loadedSnapshot(env);
    const isKept = ({ number }: Snapshot, index: number) => index >= snapshots.length - keep || number === loaded;
    const kept = snapshots.filter(isKept);
    const removed = snapshots.filter((snapshot) => !kept.includes(snapshot));
    // Snapshots go before their files, so that none ever names a file that is not there.
    if (!isDryRun) await env.objects.delete(removed.map(({ number }) => snapshotKey(number)));
    const orphans = await findOrphans(env, kept);
    for (let at = 0; at < orphans.length && !isDryRun; at += batchSize) {
      await env.objects.delete(orphans.slice(at, at + batchSize).map(({ key }) => key));
    }
    return {
      snapshots: removed.map(({ number }) => number),
      files: orphans.length,
      bytes: orphans.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  };

async function findOrphans(env: Environment, kept: Snapshot[]): Promise<StoredObject[]> {
  const named = new Set(kept.flatMap(({ tables }) => Object.values(tables).flat()).map(({ key }) => key));
  const runs = new Set(kept.map(({ runId }) => runId));
  const isNamed = (key: string) => (key.startsWith('plans/') ? runs.has(key.split('/')[1]!) : named.has(key));
  const orphans: StoredObject[] = [];
  for (const prefix of ['clean/', 'curated/', 'plans/']) {
    for await (const object of env.objects.list(prefix)) if (!isNamed(object.key)) orphans.push(object);
  }
  return orphans;
}
