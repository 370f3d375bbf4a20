/** The event door (consumer A): a batch of one shard's stream records goes to raw/ or quarantine/, each exactly once. */
import { receiveEvent } from '../domain/events/receive-event.ts';
import type { Outcome, Rejection } from '../domain/outcome.ts';
import type { ValidRecord } from '../domain/privacy/separate.ts';
import type { Environment, StreamRecord } from '../ports.ts';
import { batchName, noteBegun, uncountedRuns } from './begun-batches.ts';
import { addCounts, type DoorCounts, type DoorRecord, noCounts, separateBatch, writeBatch } from './door.ts';

/** Under this name the archive keeps its place in each shard. */
export const archiveConsumerName = 'archive-events';

/**
 * Archives records that follow each other in one shard, and counts those that were not archived yet. Throws only where a
 * dependency fails; then all may be sent again, in whatever batches.
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
  const runs = records.length > 0 ? await uncountedRuns(env, records) : [];
  let counts = noCounts;
  for (const run of runs) counts = addCounts(counts, await archiveRun(env, run, receive));
  return counts;
}

async function archiveRun(
  env: Environment,
  records: StreamRecord[],
  receive: (record: StreamRecord) => Outcome<ValidRecord>,
): Promise<DoorCounts> {
  await noteBegun(env, records);
  const received = records.map(
    (record): DoorRecord => ({
      origin: { source_shard: record.shard, source_sequence: record.sequence },
      arrivedAt: record.arrivedAt,
      body: record.data,
      outcome: receive(record),
    }),
  );
  const separated = await separateBatch(env, received);
  const batch = { batch: batchName(records), received: records.length, arrivedAt: records[0]!.arrivedAt };
  return writeBatch(env, 'events', batch, separated);
}
