/** One run at a time: whoever changes what readers see holds the run lock. */
import { ConditionFailed, type Environment, type HotCondition, type HotWrite } from '../ports.ts';

export interface LockHolder {
  runId: string;
  /** The process or state machine that the run belongs to. */
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

const key = { partition: 'run', sort: 'lock' };

/**
 * Takes the lock for `leaseMs`: behind it, a run that died stands in nobody's way. `mayReplace` says of a holder that it is
 * known to be dead, so that its lease need not be waited for. RunLocked where another run holds the lock.
 */
export const takeRunLock =
  (env: Environment) =>
  async (
    { runId, process }: LockHolder,
    { leaseMs, mayReplace = () => false }: { leaseMs: number; mayReplace?: (holder: LockHolder) => boolean },
  ): Promise<RunLock> => {
    const ownLock = (condition: HotCondition): HotWrite => {
      const expiresAt = new Date(env.clock.now().getTime() + leaseMs);
      return { table: 'locks', put: { ...key, values: { runId, process }, expiresAt }, if: condition };
    };
    const held = await env.hot.get('locks', key);
    const holder = held && { runId: String(held.values.runId), process: String(held.values.process) };
    if (holder && !mayReplace(holder)) throw locked(holder, held.expiresAt);
    await env.hot.write([ownLock(holder ? { equals: { runId: holder.runId } } : { absent: true })]).catch(asLocked);
    const isOwn = { equals: { runId } };
    return {
      renew: () => env.hot.write([ownLock(isOwn)]).catch(asLocked),
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

const locked = ({ runId }: LockHolder, until: Date | undefined): RunLocked =>
  new RunLocked(`run ${runId} is going on and holds the run lock until ${until?.toISOString()}; wait for it to end`);

function asLocked(error: unknown): never {
  if (error instanceof ConditionFailed) throw new RunLocked('another run took the run lock; wait for it to end');
  throw error;
}
