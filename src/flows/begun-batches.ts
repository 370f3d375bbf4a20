/**
 * The batches of a shard that were begun. Where a function's process ends or takes too long, Lambda halves its batch, and
 * what the whole one had written would stand there a second time under the names of the halves.
 */
import { quarantineKey, rawKey } from '../domain/lake/layout.ts';
import { isUpTo } from '../domain/stream/shard-position.ts';
import type { Environment, HotItem, StreamRecord } from '../ports.ts';

/** Longer than the stream keeps a record. */
const keptMs = 8 * 24 * 60 * 60 * 1000;

/** Of one call to the hot store; what is past and left over goes with a later batch. */
const mostWrites = 100;

const partitionOf = (shard: string) => `batches of ${shard}`;

/** What objects and counts of these records are called; they follow each other in one shard. */
export function batchName(records: StreamRecord[]): string {
  const { shard, sequence } = records[0]!;
  return `${shard}-${sequence}-${records.at(-1)!.sequence}`;
}

/**
 * Notes that the records are begun, and returns those of them that are not archived yet. A batch of other records that
 * held some of these is done where it was counted; else what it wrote is withdrawn, which no run has read uncounted.
 */
export async function beginBatch(env: Environment, records: StreamRecord[]): Promise<StreamRecord[]> {
  const { shard } = records[0]!;
  const begun = await env.hot.query('checkpoints', partitionOf(shard));
  const others = begun.filter(({ sort }) => sort !== batchName(records));
  let left = records;
  for (const other of others.filter((one) => meets(records, one) && left.some(isIn(one)))) {
    if (await isCounted(env, other)) left = left.filter((record) => !isIn(other)(record));
    else await withdraw(env, other);
  }
  if (left.length > 0) await note(env, left, others.filter(isBefore(records[0]!)));
  return left;
}

const isIn =
  ({ values }: HotItem) =>
  ({ sequence }: StreamRecord): boolean =>
    isUpTo(String(values.first), sequence) && isUpTo(sequence, String(values.last));

/** True where the spans overlap: most do not, and to look at each record takes a while. */
const meets = (records: StreamRecord[], { values }: HotItem): boolean =>
  isUpTo(records[0]!.sequence, String(values.last)) && isUpTo(String(values.first), records.at(-1)!.sequence);

const isBefore =
  ({ sequence }: StreamRecord) =>
  ({ values }: HotItem): boolean =>
    !isUpTo(sequence, String(values.last));

async function isCounted(env: Environment, { sort }: HotItem): Promise<boolean> {
  return (await env.hot.get('batches', { partition: 'events', sort })) !== undefined;
}

function withdraw(env: Environment, { sort, values }: HotItem): Promise<void> {
  const arrivedAt = new Date(String(values.arrivedAt));
  return env.objects.delete([rawKey('events', arrivedAt, sort), quarantineKey('events', arrivedAt, sort)]);
}

/** A shard is read in order: batches that lie before this one are no longer asked for. */
async function note(env: Environment, records: StreamRecord[], past: HotItem[]): Promise<void> {
  const [first, last] = [records[0]!, records.at(-1)!];
  const partition = partitionOf(first.shard);
  const values = { first: first.sequence, last: last.sequence, arrivedAt: first.arrivedAt.toISOString() };
  const expiresAt = new Date(env.clock.now().getTime() + keptMs);
  await env.hot.write([
    { table: 'checkpoints', put: { partition, sort: batchName(records), values, expiresAt } },
    ...past
      .slice(0, mostWrites - 1)
      .map(({ sort }) => ({ table: 'checkpoints' as const, delete: { partition, sort } })),
  ]);
}
