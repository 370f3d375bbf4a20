/** Brings the stream's records to the archive. */
import { archiveEventSource, type EventSourceSettings } from '../domain/stream/event-source-settings.ts';
import { archiveConsumer } from '../flows/archive-events.ts';
import { addCounts, type DoorCounts, noCounts } from '../flows/door.ts';
import { type HandlerOptions, kinesisHandler } from '../flows/kinesis-handler.ts';
import type { Environment } from '../ports.ts';
import { type ConsumeOptions, consumeStream } from './event-source.ts';

export interface ArchiveOptions extends ConsumeOptions, HandlerOptions {
  onProgress?: (records: number) => void;
  settings?: EventSourceSettings;
}

/** Archives what the shards hold, each from its checkpoint on; returns what became of the records. */
export async function archiveStream(
  env: Environment,
  { onProgress = () => {}, onFailure, settings = archiveEventSource, ...options }: ArchiveOptions = {},
): Promise<DoorCounts> {
  // Shards add to it at the same time.
  let counts = noCounts;
  const onArchived = (added: DoorCounts) => {
    counts = addCounts(counts, added);
    onProgress(counts.received);
  };
  const consumer = archiveConsumer(env, { onArchived });
  const invoke = kinesisHandler(env, consumer, { onFailure });
  await consumeStream(env, { consumer: consumer.name, settings, invoke }, options);
  return counts;
}
