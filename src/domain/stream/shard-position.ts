/** How far a consumer has come in a shard, and how each invocation moves it: the rules of Lambda's event source mapping. */
import type { EventSourceSettings } from './event-source-settings.ts';

export interface ShardPosition {
  /** Sequence number up to which the consumer is done with the shard; undefined at its beginning. */
  checkpoint: string | undefined;
  /**
   * Sequence numbers at which the batches end that were begun and are not finished, the next one first: a batch that was
   * cut off or halved is tried again with the same records.
   */
  ends: string[];
  /** Failed invocations of the batch behind the checkpoint. */
  attempts: number;
}

/** What an invocation did: all, the records before the one at position `failedFrom`, or nothing that can be told. */
export type InvocationOutcome = 'succeeded' | 'failed' | { failedFrom: number };

type Sequences = readonly { sequence: string }[];

export const startOfShard: ShardPosition = { checkpoint: undefined, ends: [], attempts: 0 };

/** True where `sequence` is not behind `end`; sequence numbers are decimal text of any length. */
export const isUpTo = (sequence: string, end: string): boolean => BigInt(sequence) <= BigInt(end);

/** The position with this batch written down as begun. */
export function begun(position: ShardPosition, batch: Sequences): ShardPosition {
  return position.ends.length > 0 ? position : { ...position, ends: [batch.at(-1)!.sequence] };
}

/** The position behind this record. */
export function behind(position: ShardPosition, sequence: string): ShardPosition {
  return { checkpoint: sequence, ends: position.ends.filter((end) => !isUpTo(end, sequence)), attempts: 0 };
}

/**
 * The position after an invocation. A partial response puts the checkpoint before the lowest failed record; an
 * invocation that failed is tried again, halved where that is set, and halving counts as no attempt.
 */
export function afterInvocation(
  position: ShardPosition,
  batch: Sequences,
  outcome: InvocationOutcome,
  { bisectBatchOnError }: Pick<EventSourceSettings, 'bisectBatchOnError'>,
): ShardPosition {
  if (outcome === 'succeeded') return behind(position, batch.at(-1)!.sequence);
  if (outcome === 'failed' && bisectBatchOnError && batch.length > 1) {
    return { ...position, ends: [batch[Math.ceil(batch.length / 2) - 1]!.sequence, ...position.ends] };
  }
  const failedFrom = outcome === 'failed' ? 0 : outcome.failedFrom;
  const kept = failedFrom > 0 ? behind(position, batch[failedFrom - 1]!.sequence) : position;
  return { ...kept, attempts: kept.attempts + 1 };
}
