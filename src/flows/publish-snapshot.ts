/** Publishes what a run wrote: one put-if-absent is the commit. */
import { snapshotKey } from '../domain/lake/layout.ts';
import type { EngineResult } from '../domain/lake/run-plan.ts';
import { addConsumed, applyResult, type Snapshot } from '../domain/lake/snapshot.ts';
import type { Environment } from '../ports.ts';
import { writeDocumentOnce } from './documents.ts';
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
    const snapshot: Snapshot = {
      number: (newest?.number ?? 0) + 1,
      runId: inputs.runId,
      createdAt: env.clock.now().toISOString(),
      tables: applyResult(applyResult(newest?.tables ?? {}, clean), curated),
      consumed: inputs.consumed,
      consumedSince: inputs.consumedSince,
      counts: addConsumed(newest?.counts ?? {}, clean),
    };
    if (!(await writeDocumentOnce(env, snapshotKey(snapshot.number), snapshot))) {
      throw new SnapshotTaken(`snapshot ${snapshot.number} was published by another run; run again to build on it`);
    }
    return snapshot;
  };
