/** Brings the stream's records to the archive, shard by shard, from each shard's checkpoint to its end. */
import { archiveEvents } from '../flows/archive-events.ts';
import { addCounts, type DoorCounts, noCounts } from '../flows/door.ts';
import type { Environment } from '../ports.ts';

const batchSize = 1000;
const consumer = 'archive-events';

/**
 * Archives what the shards hold. A batch that fails stops its shard with the error. Where each batch ends is written down
 * before it is archived, so that a batch that was cut off is tried again with the same records.
 */
export async function consumeStream(
  env: Environment,
  onProgress: (records: number) => void = () => {},
): Promise<DoorCounts> {
  const archive = archiveEvents(env);
  let counts = noCounts;
  for (const shard of await env.stream.shards()) {
    const key = { partition: consumer, sort: shard };
    const checkpoint = await env.hot.get('checkpoints', key);
    let after = (checkpoint?.values.archived ?? undefined) as string | undefined;
    let end = (checkpoint?.values.inFlight ?? undefined) as string | undefined;
    for (;;) {
      const read = await env.stream.read(shard, after, batchSize);
      const cutOff = end === undefined ? [] : read.filter(({ sequence }) => sequence <= end!);
      // None is left of a batch that was cut off where its records have outlived the stream's retention.
      const records = cutOff.length > 0 ? cutOff : read;
      if (records.length === 0) break;
      const last = records.at(-1)!.sequence;
      const values = { archived: after ?? null, inFlight: last };
      await env.hot.write([{ table: 'checkpoints', put: { ...key, values } }]);
      counts = addCounts(counts, await archive(records));
      await env.hot.write([{ table: 'checkpoints', put: { ...key, values: { archived: last, inFlight: null } } }]);
      after = last;
      end = undefined;
      onProgress(counts.received);
    }
  }
  return counts;
}
