/** One run at a time: whoever changes what readers see holds the run lock. */
import { ConditionFailed, type Environment, type HotCondition, type HotWrite } from '../ports.ts';

export interface LockHolder {
  runId: string;
  /** The process or state machine execution that the run belongs to. */
  process: string;
}

/** Another run holds the lock. */
export class RunLocked extends Error {
  override name = 'RunLocked';
}

export interface RunLock {
  /** Makes the lease as long as at first. RunLocked where it had ended and another run has the lock. */
  renew(): Promise<void>;
  release(): Promise<void>;
}

/** Longer than any step of a run takes: each step makes it as long again. */
export const runLeaseMs = 6 * 60 * 60 * 1000;

/** Sorts by the time at which runs begin. */
export const newRunId = (env: Environment): string =>
  `${env.clock
    .now()
    .toISOString()
    .replace(/[-:]|\.\d+/g, '')}-${env.ids.uuid().slice(0, 8)}`;

const key = { partition: 'run', sort: 'lock' };

/** Who holds the lock; undefined where nobody does. */
export async function runLockHolder(env: Environment): Promise<LockHolder | undefined> {
  const held = await env.hot.get('locks', key);
  return held && { runId: String(held.values.runId), process: String(held.values.process) };
}

/** Says whether the process or execution of a holder is known to have ended. */
export type IsDead = (holder: LockHolder) => boolean | Promise<boolean>;

/**
 * Takes the lock from a holder that is known to be dead, so that its lease need not be waited for, and returns it. On AWS a
 * function of its last step may still be at work for some minutes. That does no harm: a snapshot is put once, loads take turns
 * and begin only where the warehouse holds what they replace (sql/load/begin_load.sql), and the index of the answers is written
 * by a run that has just renewed its own lock. What the dead one wrote besides is left to `vacuum`.
 */
export async function freeRunLock(env: Environment, isDead: IsDead): Promise<LockHolder | undefined> {
  const holder = await runLockHolder(env);
  if (!holder || !(await isDead(holder))) return undefined;
  await ownRunLock(env)(holder, { leaseMs: 0 }).release();
  return holder;
}

/** Takes the lock for `leaseMs`: behind it, a run that died stands in nobody's way. RunLocked where another run holds it. */
export const takeRunLock =
  (env: Environment) =>
  async (holder: LockHolder, { leaseMs }: { leaseMs: number }): Promise<RunLock> => {
    const held = await env.hot.get('locks', key);
    if (held) throw locked(String(held.values.runId), held.expiresAt);
    await env.hot.write([putLock(env, holder, leaseMs, { absent: true })]).catch(asLocked);
    return ownRunLock(env)(holder, { leaseMs });
  };

/** The lock that this run has taken, in this process or in an earlier step's. */
export const ownRunLock =
  (env: Environment) =>
  (holder: LockHolder, { leaseMs }: { leaseMs: number }): RunLock => {
    const isOwn = { equals: { runId: holder.runId } };
    return {
      renew: () => env.hot.write([putLock(env, holder, leaseMs, isOwn)]).catch(asLocked),
      release: async () => {
        try {
          await env.hot.write([{ table: 'locks', delete: key, if: isOwn }]);
        } catch (error) {
          // The lease had ended: the lock is another's, or nobody's.
          if (!(error instanceof ConditionFailed)) throw error;
        }
      },
    };
  };

function putLock(env: Environment, { runId, process }: LockHolder, leaseMs: number, condition: HotCondition): HotWrite {
  const expiresAt = new Date(env.clock.now().getTime() + leaseMs);
  return { table: 'locks', put: { ...key, values: { runId, process }, expiresAt }, if: condition };
}

const locked = (runId: string, until: Date | undefined): RunLocked =>
  new RunLocked(`run ${runId} is going on and holds the run lock until ${until?.toISOString()}; wait for it to end`);

function asLocked(error: unknown): never {
  if (error instanceof ConditionFailed) throw new RunLocked('another run took the run lock; wait for it to end');
  throw error;
}
