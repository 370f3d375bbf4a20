/** What Lambda calls with a batch of a Kinesis shard: converts the event, and answers so that a failure loses nothing. */
import type { Rejection } from '../domain/outcome.ts';
import { AdapterError, type Environment, type StreamRecord } from '../ports.ts';

/** A Kinesis event as Lambda hands it over, in the fields that are read here; its records are those of one shard. */
export interface KinesisEvent {
  Records: KinesisEventRecord[];
}

interface KinesisEventRecord {
  /** `<shard>:<sequence number>` */
  eventID: string;
  eventSourceARN: string;
  kinesis: {
    sequenceNumber: string;
    partitionKey: string;
    /** Base64. */
    data: string;
    /** Seconds since 1970, with milliseconds as the fraction. */
    approximateArrivalTimestamp: number;
  };
}

/** The records that failed, by sequence number; Lambda tries again from the lowest one on. */
export interface KinesisBatchResponse {
  batchItemFailures: { itemIdentifier: string }[];
}

/** Consumer A or B: what is done with the records of a shard. */
export interface StreamConsumer {
  name: string;
  /** Takes records that follow each other in one shard. All of them may come again where it throws. */
  process(records: StreamRecord[]): Promise<unknown>;
  /** Takes a record that `process` cannot take, so that the shard goes on. */
  refuse(record: StreamRecord, rejection: Rejection): Promise<unknown>;
}

export interface HandlerOptions {
  /** Told of each failure that is answered with a retry; the message holds no payload. */
  onFailure?: (failure: AdapterError | ProcessingFailed) => void;
}

/** A consumer's fault. A foreign message may quote the data, so only the kind of error and its place in the code stay. */
export class ProcessingFailed extends Error {
  override name = 'ProcessingFailed';
  /** Name of the error's class. */
  readonly kind: string;
  /** True where a store or the vault refused: that may say more of who asks than of the records. */
  readonly isRefusal: boolean;

  constructor(consumer: string, records: StreamRecord[], error: unknown) {
    const kind = error instanceof Error ? error.constructor.name : typeof error;
    const what = error instanceof AdapterError ? error.message : kind;
    const [first, last] = [records[0], records.at(-1)];
    super(`${consumer} failed on ${first?.shard}, records ${first?.sequence} to ${last?.sequence}: ${what}`);
    this.kind = kind;
    this.isRefusal = error instanceof AdapterError;
    if (error instanceof Error) this.stack = `${this.name}: ${this.message}${framesOf(error)}`;
  }
}

const mostFailuresAlone = 5;

/** Longer than the stream keeps a record. */
const failuresKeptMs = 8 * 24 * 60 * 60 * 1000;

/**
 * The handler of a consumer. While a dependency is down, the whole batch is asked for again: by its first sequence
 * number, since Lambda would halve a batch whose handler throws. Any other error
 * is a fault of ours: it is thrown, so that Lambda halves the batch until the record that causes it stands alone; a
 * record that failed alone five times is refused.
 */
export const kinesisHandler =
  (env: Environment, consumer: StreamConsumer, { onFailure = () => {} }: HandlerOptions = {}) =>
  async (event: KinesisEvent): Promise<KinesisBatchResponse> => {
    const records = event.Records.map(streamRecord);
    try {
      await processOrRefuse(env, consumer, records);
      return { batchItemFailures: [] };
    } catch (error) {
      if (error instanceof AdapterError || error instanceof ProcessingFailed) onFailure(error);
      if (!isOutage(error)) throw error;
      return { batchItemFailures: [{ itemIdentifier: records[0]!.sequence }] };
    }
  };

async function processOrRefuse(env: Environment, consumer: StreamConsumer, records: StreamRecord[]): Promise<void> {
  try {
    await consumer.process(records);
  } catch (error) {
    if (isOutage(error)) throw error;
    const failure = new ProcessingFailed(consumer.name, records, error);
    const [record, ...others] = records;
    if (!record || others.length > 0 || (await countFailureAlone(env, consumer, record)) < mostFailuresAlone) {
      throw failure;
    }
    const rule = `processing without an error; it failed ${mostFailuresAlone} times with ${failure.kind}`;
    await consumer.refuse(record, { kind: 'processing_failed', reasons: [{ path: '', rule }] });
  }
}

const isOutage = (error: unknown): boolean => error instanceof AdapterError && error.retryable;

/** How often the record has failed alone, this time included. */
async function countFailureAlone(env: Environment, consumer: StreamConsumer, record: StreamRecord): Promise<number> {
  const key = { partition: `failures of ${consumer.name}`, sort: `${record.shard}/${record.sequence}` };
  const expiresAt = new Date(env.clock.now().getTime() + failuresKeptMs);
  await env.hot.write([{ table: 'checkpoints', add: { ...key, values: { failures: 1 }, expiresAt } }]);
  return Number((await env.hot.get('checkpoints', key))?.values.failures);
}

function streamRecord({ eventID, kinesis }: KinesisEventRecord): StreamRecord {
  return {
    shard: eventID.slice(0, eventID.indexOf(':')),
    sequence: kinesis.sequenceNumber,
    partitionKey: kinesis.partitionKey,
    arrivedAt: new Date(Math.round(kinesis.approximateArrivalTimestamp * 1000)),
    data: Buffer.from(kinesis.data, 'base64'),
  };
}

/** The frames of an error's stack without the message that stands before them. */
function framesOf({ stack = '', message }: Error): string {
  const at = stack.indexOf(message);
  const frames = at === -1 ? '' : stack.slice(at + message.length);
  return frames.startsWith('\n    at ') ? frames : '';
}
