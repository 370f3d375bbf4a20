/** Publishes what a run wrote: one put-if-absent is the commit. */
import { datasets } from '../contracts/index.ts';
import { snapshotKey } from '../domain/lake/layout.ts';
import type { EngineResult } from '../domain/lake/run-plan.ts';
import { addConsumed, applyResult, rolledBack, type Snapshot } from '../domain/lake/snapshot.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import type { Environment } from '../ports.ts';
import { newestSnapshot, readSnapshot, writeDocumentOnce } from './documents.ts';
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
  ): Promise<Snapshot> =>
    commit(env, {
      number: (newest?.number ?? 0) + 1,
      runId: inputs.runId,
      createdAt: env.clock.now().toISOString(),
      tables: applyResult(applyResult(newest?.tables ?? {}, clean), curated),
      consumed: inputs.consumed,
      consumedSince: inputs.consumedSince,
      held: inputs.held,
      rates: inputs.rates,
      counts: addConsumed(newest?.counts ?? {}, clean, inputs.again !== undefined),
    });

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
