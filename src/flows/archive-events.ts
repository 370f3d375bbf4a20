/** The event door (consumer A): a batch of one shard's stream records goes to raw/ or quarantine/, each exactly once. */
import { receiveEvent } from '../domain/events/receive-event.ts';
import type { Outcome, Rejection } from '../domain/outcome.ts';
import type { ValidRecord } from '../domain/privacy/separate.ts';
import { AdapterError, ConditionFailed, type Environment, type StreamRecord } from '../ports.ts';
import { type BegunBatch, beginUncounted, deleteWritten, isCounted, isStillBegun } from './begun-batches.ts';
import { addCounts, type DoorCounts, type DoorRecord, noCounts, separateBatch, writeBatch } from './door.ts';

/** Under this name the archive keeps its place in each shard. */
export const archiveConsumerName = 'archive-events';

/**
 * Archives records that follow each other in one shard, and counts those that were not archived yet. Throws only where a
 * dependency fails or another took some of them at the same time; then all may be sent again, in whatever batches.
 */
export const archiveEvents =
  (env: Environment) =>
  (records: StreamRecord[]): Promise<DoorCounts> =>
    archive(env, records, (record) => receiveEvent(record.data));

interface ArchiveOptions {
  /** Told what became of the records of each call that were not archived before. */
  onArchived?: (counts: DoorCounts) => void;
}

/** The archive as a stream's consumer; a record that it cannot process goes to quarantine unread. */
export const archiveConsumer = (env: Environment, { onArchived = () => {} }: ArchiveOptions = {}) => ({
  name: archiveConsumerName,
  process: async (records: StreamRecord[]): Promise<void> => onArchived(await archiveEvents(env)(records)),
  refuse: async (record: StreamRecord, rejection: Rejection): Promise<void> =>
    onArchived(await archive(env, [record], () => ({ ok: false, rejection }))),
});

async function archive(
  env: Environment,
  records: StreamRecord[],
  receive: (record: StreamRecord) => Outcome<ValidRecord>,
): Promise<DoorCounts> {
  let counts = noCounts;
  if (records.length === 0) return counts;
  for await (const begun of beginUncounted(env, records)) {
    counts = addCounts(counts, await archiveBegun(env, begun, receive));
  }
  return counts;
}

async function archiveBegun(
  env: Environment,
  { batch, records }: BegunBatch,
  receive: (record: StreamRecord) => Outcome<ValidRecord>,
): Promise<DoorCounts> {
  const received = records.map(
    (record): DoorRecord => ({
      origin: { source_shard: record.shard, source_sequence: record.sequence },
      arrivedAt: record.arrivedAt,
      body: record.data,
      outcome: receive(record),
    }),
  );
  const separated = await separateBatch(env, received);
  const { arrivedAt } = records[0]!;
  try {
    const written = { batch, received: records.length, arrivedAt, countedIf: isStillBegun };
    return await writeBatch(env, 'events', written, separated);
  } catch (error) {
    if (!(error instanceof ConditionFailed)) throw error;
    // An account whose answer was lost refuses the same write where that is repeated much later.
    const account = await env.hot.get('batches', { partition: 'events', sort: batch });
    if (account && isCounted(account)) return account.values as unknown as DoorCounts;
    await deleteWritten(env, batch, arrivedAt);
    const message = `another archives records of ${batch} at the same time: try again`;
    throw new AdapterError(message, { retryable: true, cause: error });
  }
}
