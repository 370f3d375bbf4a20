/** How far the archive is behind the stream. */
import type { Environment } from '../ports.ts';
import { archiveConsumerName } from './archive-events.ts';

/** The number of records that the stream holds behind the archive's checkpoints. */
export async function streamBacklog(env: Environment): Promise<number> {
  let waiting = 0;
  for (const shard of await env.stream.shards()) {
    const position = await env.hot.get('checkpoints', { partition: archiveConsumerName, sort: shard });
    let after = (position?.values.checkpoint ?? undefined) as string | undefined;
    for (;;) {
      const records = await env.stream.read(shard, after, 1000);
      if (records.length === 0) break;
      waiting += records.length;
      after = records.at(-1)!.sequence;
    }
  }
  return waiting;
}
