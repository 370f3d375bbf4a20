/** Publishes what a run wrote: one put-if-absent is the commit. */
import { type Dataset, datasets } from '../contracts/index.ts';
import { snapshotKey } from '../domain/lake/layout.ts';
import type { EngineResult } from '../domain/lake/run-plan.ts';
import { addConsumed, applyResult, consumes, recounted, rolledBack, type Snapshot } from '../domain/lake/snapshot.ts';
import type { Exclusion } from '../domain/quality/exclusions.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import type { Environment } from '../ports.ts';
import { newestSnapshot, readSnapshot, writeDocumentOnce } from './documents.ts';
import { readJsonLines } from './exclusions.ts';
import type { RunInputs } from './plan-run.ts';

/** Another run published first: what this run wrote stays unseen, and its inputs are consumed by the next. */
export class SnapshotTaken extends Error {
  override name = 'SnapshotTaken';
}

export const publishSnapshot =
  (env: Environment) =>
  async (
    inputs: RunInputs,
    newest: Snapshot | undefined,
    clean: EngineResult,
    curated: EngineResult,
  ): Promise<Snapshot> => {
    const tables = applyResult(applyResult(newest?.tables ?? {}, clean), curated);
    const counts = newest?.counts ?? {};
    return commit(env, {
      number: (newest?.number ?? 0) + 1,
      runId: inputs.runId,
      createdAt: env.clock.now().toISOString(),
      tables,
      consumed: inputs.consumed,
      consumedSince: inputs.consumedSince,
      held: inputs.held,
      rates: inputs.rates,
      counts:
        newest && inputs.again
          ? recounted(counts, tables, await refusedSince(env, newest))
          : addConsumed(counts, clean),
    });
  };

/** How many of a snapshot's records gates have refused since it was published, by their dataset. */
async function refusedSince(env: Environment, snapshot: Snapshot): Promise<Partial<Record<Dataset, number>>> {
  const isConsumed = consumes(snapshot);
  const refused = new Map<string, Dataset>();
  // Exclusions sort by the ids of their runs, and these by time.
  for await (const { key } of env.objects.list('exclusions/', `exclusions/${snapshot.runId}`)) {
    if (key.startsWith(`exclusions/${snapshot.runId}.`)) continue;
    for (const { id, dataset, object } of await readJsonLines<Exclusion>(env, key)) {
      if (isConsumed(object)) refused.set(id, dataset);
    }
  }
  const counts: Partial<Record<Dataset, number>> = {};
  for (const dataset of refused.values()) counts[dataset] = (counts[dataset] ?? 0) + 1;
  return counts;
}

/**
 * Publishes an earlier snapshot's lists anew, and holds what later runs had consumed. RefusedInput where there is no such
 * snapshot, or nothing to go back from.
 */
export const publishRollback =
  (env: Environment) =>
  async (runId: string, number: number): Promise<Snapshot> => {
    const [newest, to] = [await newestSnapshot(env), await readSnapshot(env, number)];
    if (!newest) throw new RefusedInput('nothing has been published yet, so there is nothing to go back to');
    if (!to) throw new RefusedInput(`there is no snapshot ${number}; \`c360 snapshots\` lists those that are kept`);
    if (number === newest.number) throw new RefusedInput(`snapshot ${number} is the newest: readers see it already`);
    const keys: string[] = [];
    for (const dataset of datasets) {
      const prefix = `raw/${dataset}/`;
      for await (const { key } of env.objects.list(prefix, `${prefix}dt=${to.consumedSince}`)) keys.push(key);
    }
    return commit(env, rolledBack(newest, to, keys, { runId, createdAt: env.clock.now().toISOString() }));
  };

async function commit(env: Environment, snapshot: Snapshot): Promise<Snapshot> {
  if (await writeDocumentOnce(env, snapshotKey(snapshot.number), snapshot)) return snapshot;
  const taken = await readSnapshot(env, snapshot.number);
  // This step was tried before, and its answer was lost.
  if (taken?.runId === snapshot.runId) return taken;
  throw new SnapshotTaken(`snapshot ${snapshot.number} was published by another run; run again to build on it`);
}
