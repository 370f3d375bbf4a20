/** Brings back what the archive could not take while the stream offered it: the batches in the on-failure store. */
import { isObject, parseJson } from '../domain/json.ts';
import { open, SealError } from '../domain/privacy/seal.ts';
import { archiveEventSource } from '../domain/stream/event-source-settings.ts';
import { AdapterError, type Environment, type ObjectStore } from '../ports.ts';
import { archiveConsumer } from './archive-events.ts';
import { addCounts, type DoorCounts, noCounts } from './door.ts';
import { type KinesisBatchResponse, type KinesisEvent, kinesisHandler, ProcessingFailed } from './kinesis-handler.ts';

/** What stands in an object of this machine's on-failure store beside what Lambda writes there. */
export interface FailedBatch {
  /** The event, sealed. */
  payload: string;
  /** The day of its quarantine key (`YYYY-MM-DD`). */
  sealedOn: string;
}

/** What Lambda puts into a bucket: there the bucket's key seals the whole. */
type InvocationRecord = FailedBatch | { payload?: string; sealedOn?: undefined };

/** Where the batches lie that the archive could not take. */
export interface FailureStore {
  objects: ObjectStore;
  /** Folder of the archive's failures, which ends with a slash. */
  prefix: string;
}

export interface RedrivenFailures extends DoorCounts {
  batches: number;
  /** Objects that stay: the key of their day is gone, or no batch is in them. */
  unreadable: number;
  /** Those of them in which no batch is. */
  withoutBatch: number;
}

/** The on-failure store of the platform on one machine: a folder of the lake. */
const ownStore = ({ objects }: Environment): FailureStore => ({ objects, prefix: archiveEventSource.onFailurePrefix });

/** Keys of the batches that wait in the on-failure store; those of a shard in their order. */
export async function failedBatches(
  env: Environment,
  { objects, prefix }: FailureStore = ownStore(env),
): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objects.list(prefix)) keys.push(key);
  return keys;
}

/**
 * Archives every batch that failed, and deletes it once it is archived; one that is cut off is archived again
 * without what was counted. AdapterError where a dependency is still down, or another archives the same; what is left waits on.
 */
export const redriveFailures =
  (env: Environment, store: FailureStore = ownStore(env)) =>
  async (): Promise<RedrivenFailures> => {
    let counts = noCounts;
    const onArchived = (done: DoorCounts) => {
      counts = addCounts(counts, done);
    };
    const handle = kinesisHandler(env, archiveConsumer(env, { onArchived }));
    const keys = await failedBatches(env, store);
    const read = { batches: 0, unreadable: 0, withoutBatch: 0 };
    for (const key of keys) {
      const event = await failedEvent(env, store, key);
      if (typeof event === 'string') {
        read.unreadable += 1;
        if (event === 'no batch') read.withoutBatch += 1;
        continue;
      }
      await archive(handle, event, key);
      await store.objects.delete([key]);
      read.batches += 1;
    }
    return { ...read, ...counts };
  };

/** The event that was handed to the consumer, or why there is none: the key of its day is gone or another, or it holds no batch. */
async function failedEvent(
  env: Environment,
  { objects }: FailureStore,
  key: string,
): Promise<KinesisEvent | 'no key' | 'no batch'> {
  const parsed = parseJson((await objects.get(key)) ?? new Uint8Array());
  const { payload, sealedOn } = (parsed.ok ? parsed.value : {}) as InvocationRecord;
  if (sealedOn === undefined) return eventIn(Buffer.from(payload ?? ''));
  const sealingKey = await env.vault.quarantineOpeningKey(sealedOn);
  try {
    return sealingKey ? eventIn(open(sealingKey, payload, key)) : 'no key';
  } catch (error) {
    if (error instanceof SealError) return 'no key';
    throw error;
  }
}

function eventIn(text: Uint8Array): KinesisEvent | 'no batch' {
  const parsed = parseJson(text);
  return parsed.ok && isObject(parsed.value) && Array.isArray(parsed.value.Records)
    ? (parsed.value as unknown as KinesisEvent)
    : 'no batch';
}

/** As Lambda does with a fault of the consumer: halves the batch, and tries a record alone until it is refused. */
async function archive(
  handle: (event: KinesisEvent) => Promise<KinesisBatchResponse>,
  event: KinesisEvent,
  key: string,
): Promise<void> {
  try {
    if ((await handle(event)).batchItemFailures.length === 0) return;
  } catch (error) {
    // Whoever may not do it is told so: the records wait on for somebody who may.
    if (!(error instanceof ProcessingFailed) || error.isRefusal) throw error;
    const { Records: records } = event;
    const middle = Math.max(1, Math.floor(records.length / 2));
    await archive(handle, { Records: records.slice(0, middle) }, key);
    if (records.length > 1) await archive(handle, { Records: records.slice(middle) }, key);
    return;
  }
  throw new AdapterError(
    `${key} cannot be archived yet: a store or the vault is down, or another archives the same; redrive again later`,
    {
      retryable: true,
    },
  );
}
