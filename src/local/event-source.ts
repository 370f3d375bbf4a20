/** Calls a consumer with the stream's records as Lambda's event source mapping for Kinesis does. */
import { systemTimer } from '../adapters/local/timer.ts';
import { seal } from '../domain/privacy/seal.ts';
import { backoff } from '../domain/stream/backoff.ts';
import type { EventSourceSettings } from '../domain/stream/event-source-settings.ts';
import {
  afterInvocation,
  begun,
  behind,
  type InvocationOutcome,
  isUpTo,
  type ShardPosition,
  startOfShard,
} from '../domain/stream/shard-position.ts';
import type { KinesisBatchResponse, KinesisEvent } from '../flows/kinesis-handler.ts';
import type { FailedBatch } from '../flows/redrive-failures.ts';
import { AdapterError, type Environment, type StreamRecord, type Timer } from '../ports.ts';

export interface EventSource {
  /** The consumer's name: each has checkpoints of its own. */
  consumer: string;
  settings: EventSourceSettings;
  invoke(event: KinesisEvent): Promise<KinesisBatchResponse>;
}

export interface ConsumeOptions {
  /** Goes on polling for new records until aborted, and then to the end of the shards; without it to their end at once. */
  follow?: AbortSignal;
  /** Gives up on a shard that has waited so long without getting on; by default never. */
  patienceSeconds?: number;
  timer?: Timer;
}

/** Why records went to the on-failure store, in Lambda's words. */
type DiscardCondition = 'RecordAgeExceeded' | 'RetryAttemptsExhausted';

type Step = 'at the end' | 'got on' | 'halved' | 'failed';

const streamArn = 'arn:aws:kinesis:local:000000000000:stream/events';
const pollMs = 1000;
const retryLimits = { firstMs: 1000, mostMs: 60_000 };
/** Lambda's limit of an invocation's payload is 6 MB, in which the data stand as base64. */
const mostDataBytes = 4_400_000;

/**
 * Hands each shard's records to the consumer, from its checkpoint on and in order; no shard waits for another. Where a
 * shard has come, and which batch is on its way, is written down at each step, so that a process that ends at any
 * point is gone on with by the next call, with the same batches.
 * Throws, once the other shards are done, where the stream or the hot store fails for good, and AdapterError where the
 * patience is at its end.
 */
export async function consumeStream(
  env: Environment,
  source: EventSource,
  options: ConsumeOptions = {},
): Promise<void> {
  const shards = await env.stream.shards();
  const pollers = shards.map((shard) => new ShardPoller(env, source, shard, options).run());
  for (const result of await Promise.allSettled(pollers)) if (result.status === 'rejected') throw result.reason;
}

class ShardPoller {
  readonly #env: Environment;
  readonly #source: EventSource;
  readonly #shard: string;
  readonly #options: ConsumeOptions;
  readonly #timer: Timer;

  constructor(env: Environment, source: EventSource, shard: string, options: ConsumeOptions) {
    this.#env = env;
    this.#source = source;
    this.#shard = shard;
    this.#options = options;
    this.#timer = options.timer ?? systemTimer;
  }

  async run(): Promise<void> {
    let failures = 0;
    let waitedMs = 0;
    for (;;) {
      // Looked at before the step: what came until then is read by it.
      const isStopping = this.#isStopping();
      const step = await this.#step().catch(failedWhereRetryable);
      if (step === 'at the end' && isStopping) return;
      if (step === 'at the end') await this.#timer.sleep(pollMs);
      if (step === 'failed') {
        failures += 1;
        this.#refuseToWait(waitedMs);
        const wait = backoff(failures, retryLimits, this.#timer.random);
        await this.#timer.sleep(wait);
        waitedMs += wait;
      } else if (step !== 'halved') {
        failures = 0;
        waitedMs = 0;
      }
    }
  }

  /** True where records that have not come yet are not waited for. */
  #isStopping(): boolean {
    return this.#options.follow?.aborted ?? true;
  }

  #refuseToWait(waitedMs: number): void {
    const { patienceSeconds = Number.POSITIVE_INFINITY } = this.#options;
    if (waitedMs < patienceSeconds * 1000) return;
    throw new AdapterError(
      `${this.#source.consumer} did not get on with ${this.#shard} for ${patienceSeconds} s; nothing is lost, run the command again to go on`,
      { retryable: true },
    );
  }

  /** Takes the shard one batch on. The position is read anew each time: a write whose answer was lost may have been done. */
  async #step(): Promise<Step> {
    const position = await this.#load();
    const batch = await this.#nextBatch(position);
    if (batch.length === 0 && position.ends.length === 0) return 'at the end';
    if (batch.length === 0) {
      // Nothing is left of a batch that was begun: its records have outlived the stream's retention.
      await this.#save(behind(position, position.ends[0]!));
      return 'got on';
    }
    const tooOld = this.#tooOld(batch);
    if (tooOld.length > 0) return this.#discard(position, tooOld, 'RecordAgeExceeded');
    const { retryAttempts } = this.#source.settings;
    const isExhausted = retryAttempts >= 0 && position.attempts > retryAttempts;
    if (isExhausted) return this.#discard(position, batch, 'RetryAttemptsExhausted');
    return this.#tryBatch(position, batch);
  }

  /** The records at the batch's beginning that are older than they may be; later ones arrived later. */
  #tooOld(batch: StreamRecord[]): StreamRecord[] {
    const oldest = this.#env.clock.now().getTime() - this.#source.settings.maxRecordAgeSeconds * 1000;
    const young = batch.findIndex(({ arrivedAt }) => arrivedAt.getTime() >= oldest);
    return young < 0 ? batch : batch.slice(0, young);
  }

  async #tryBatch(position: ShardPosition, batch: StreamRecord[]): Promise<Step> {
    const started = begun(position, batch);
    if (started !== position) await this.#save(started);
    const outcome = await this.#invoke(batch);
    const next = afterInvocation(started, batch, outcome, this.#source.settings);
    await this.#save(next);
    if (next.checkpoint !== started.checkpoint) return 'got on';
    return next.ends.length > started.ends.length ? 'halved' : 'failed';
  }

  async #invoke(batch: StreamRecord[]): Promise<InvocationOutcome> {
    let response: KinesisBatchResponse;
    try {
      response = await this.#source.invoke(kinesisEventOf(batch));
    } catch {
      // The consumer has told its failure; here, as in Lambda, it is only that it failed.
      return 'failed';
    }
    if (!this.#source.settings.reportBatchItemFailures) return 'succeeded';
    const failed = response.batchItemFailures.map(({ itemIdentifier }) =>
      batch.findIndex(({ sequence }) => sequence === itemIdentifier),
    );
    if (failed.length === 0) return 'succeeded';
    return failed.includes(-1) ? 'failed' : { failedFrom: Math.min(...failed) };
  }

  /** The batch that was begun, or a new one: as large as allowed, after waiting for it as long as set. */
  async #nextBatch(position: ShardPosition): Promise<StreamRecord[]> {
    const [end] = position.ends;
    let read = await this.#read(position);
    if (end !== undefined) return read.filter(({ sequence }) => isUpTo(sequence, end));
    let batch = withinPayload(read);
    const { batchSize, maxBatchingWindowSeconds } = this.#source.settings;
    const isFull = () => batch.length === batchSize || batch.length < read.length;
    for (let waitedMs = 0; waitedMs < maxBatchingWindowSeconds * 1000; waitedMs += pollMs) {
      if (batch.length === 0 || isFull() || this.#isStopping()) break;
      await this.#timer.sleep(pollMs);
      read = await this.#read(position);
      batch = withinPayload(read);
    }
    return batch;
  }

  #read(position: ShardPosition): Promise<StreamRecord[]> {
    return this.#env.stream.read(this.#shard, position.checkpoint, this.#source.settings.batchSize);
  }

  /** Puts records into the on-failure store as Lambda does, with what it says about them, the data sealed; then goes on. */
  async #discard(position: ShardPosition, records: StreamRecord[], condition: DiscardCondition): Promise<Step> {
    const { objects, vault } = this.#env;
    const [first, last] = [records[0]!, records.at(-1)!];
    const day = first.arrivedAt.toISOString().slice(0, 10);
    const { onFailurePrefix } = this.#source.settings;
    const key = `${onFailurePrefix}dt=${day}/${this.#shard}-${first.sequence}-${last.sequence}.json`;
    const { day: sealedOn, key: sealingKey } = await vault.quarantineSealingKey();
    const sealed: FailedBatch = { payload: seal(sealingKey, JSON.stringify(kinesisEventOf(records)), key), sealedOn };
    const record = { ...invocationRecord(this.#source.consumer, records, condition, position.attempts), ...sealed };
    await objects.putIfAbsent(key, Buffer.from(JSON.stringify(record)));
    await this.#save(behind(position, last.sequence));
    return 'got on';
  }

  get #key() {
    return { partition: this.#source.consumer, sort: this.#shard };
  }

  async #load(): Promise<ShardPosition> {
    const item = await this.#env.hot.get('checkpoints', this.#key);
    if (!item) return startOfShard;
    const { checkpoint, ...position } = item.values;
    return { checkpoint: checkpoint ?? undefined, ...position } as ShardPosition;
  }

  async #save({ checkpoint, ends, attempts }: ShardPosition): Promise<void> {
    const values = { checkpoint: checkpoint ?? null, ends, attempts };
    await this.#env.hot.write([{ table: 'checkpoints', put: { ...this.#key, values } }]);
  }
}

function failedWhereRetryable(error: unknown): Step {
  if (error instanceof AdapterError && error.retryable) return 'failed';
  throw error;
}

/** As many of the records as an invocation can carry, one at least. */
function withinPayload(records: StreamRecord[]): StreamRecord[] {
  let bytes = 0;
  const over = records.findIndex(({ data }, index) => {
    bytes += data.length;
    return index > 0 && bytes > mostDataBytes;
  });
  return over < 0 ? records : records.slice(0, over);
}

/** The records of a shard as Lambda hands them over. */
export const kinesisEventOf = (records: StreamRecord[]): KinesisEvent => ({
  Records: records.map(({ shard, sequence, partitionKey, arrivedAt, data }) => ({
    eventID: `${shard}:${sequence}`,
    eventSourceARN: streamArn,
    kinesis: {
      sequenceNumber: sequence,
      partitionKey,
      data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
      approximateArrivalTimestamp: arrivedAt.getTime() / 1000,
    },
  })),
});

/** What Lambda writes beside the payload of records that it discards. */
function invocationRecord(
  consumer: string,
  records: StreamRecord[],
  condition: DiscardCondition,
  approximateInvokeCount: number,
) {
  const [first, last] = [records[0]!, records.at(-1)!];
  return {
    version: '1.0',
    requestContext: { functionArn: consumer, condition, approximateInvokeCount },
    KinesisBatchInfo: {
      shardId: first.shard,
      startSequenceNumber: first.sequence,
      endSequenceNumber: last.sequence,
      approximateArrivalOfFirstRecord: first.arrivedAt.toISOString(),
      approximateArrivalOfLastRecord: last.arrivedAt.toISOString(),
      batchSize: records.length,
      streamArn,
    },
  };
}
