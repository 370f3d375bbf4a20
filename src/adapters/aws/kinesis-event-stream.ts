/** The event stream on AWS: Kinesis Data Streams. */
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  type _Record as KinesisRecord,
  ListShardsCommand,
  PutRecordsCommand,
  type PutRecordsResultEntry,
} from '@aws-sdk/client-kinesis';
import { streamPutProblem } from '../../domain/limits/stream-put.ts';
import type { EventStream, NewRecord, PutResult, StreamRecord, Timer } from '../../ports.ts';
import { adapterError, refusal } from './errors.ts';
import { systemTimer } from './retry.ts';

/** GetRecords gives at most so many. */
const maxRead = 10_000;

/** A shard takes five reads a second. */
const betweenReadsMs = 200;

export interface KinesisEventStreamOptions {
  client: KinesisClient;
  streamName: string;
  timer?: Timer;
}

export class KinesisEventStream implements EventStream {
  readonly #client: KinesisClient;
  readonly #StreamName: string;
  readonly #timer: Timer;

  constructor({ client, streamName, timer = systemTimer }: KinesisEventStreamOptions) {
    this.#client = client;
    this.#StreamName = streamName;
    this.#timer = timer;
  }

  async put(records: NewRecord[]): Promise<PutResult[]> {
    const problem = streamPutProblem(records);
    if (problem !== undefined) throw refusal(problem);
    if (records.length === 0) return [];
    const { Records = [] } = await this.#call('put', () =>
      this.#client.send(
        new PutRecordsCommand({
          StreamName: this.#StreamName,
          Records: records.map(({ partitionKey, data }) => ({ PartitionKey: partitionKey, Data: data })),
        }),
      ),
    );
    return records.map((_, position) => putResult(Records[position]));
  }

  /** All shards that still hold records, those that were split or merged before those that came of them. */
  async shards(): Promise<string[]> {
    const shards: string[] = [];
    let NextToken: string | undefined;
    do {
      // The stream's name goes with the first page only; the token stands for it afterwards.
      const input = NextToken === undefined ? { StreamName: this.#StreamName } : { NextToken };
      const page = await this.#call('listing of shards', () => this.#client.send(new ListShardsCommand(input)));
      shards.push(...(page.Shards ?? []).map((shard) => shard.ShardId!));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return shards.sort();
  }

  async read(shard: string, after: string | undefined, limit: number): Promise<StreamRecord[]> {
    const Limit = Math.min(limit, maxRead);
    let ShardIterator = await this.#iterator(shard, after);
    for (;;) {
      const page = await this.#call(`read of ${shard}`, () =>
        this.#client.send(new GetRecordsCommand({ ShardIterator, Limit })),
      );
      const records = page.Records ?? [];
      if (records.length > 0) return records.map((record) => streamRecord(shard, record));
      // Kinesis gives empty pages before later records; the end is where nothing is behind, or a closed shard's last page.
      if (!page.NextShardIterator || page.MillisBehindLatest === 0) return [];
      ShardIterator = page.NextShardIterator;
      await this.#timer.sleep(betweenReadsMs);
    }
  }

  async #iterator(shard: string, after: string | undefined): Promise<string | undefined> {
    const start =
      after === undefined
        ? { ShardIteratorType: 'TRIM_HORIZON' as const }
        : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' as const, StartingSequenceNumber: after };
    const { ShardIterator } = await this.#call(`read of ${shard}`, () =>
      this.#client.send(new GetShardIteratorCommand({ StreamName: this.#StreamName, ShardId: shard, ...start })),
    );
    return ShardIterator;
  }

  async #call<T>(what: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw adapterError(`stream ${this.#StreamName}: ${what}`, error);
    }
  }
}

/** Without an entry, nothing says that the record is in the stream: it is to be sent again. */
function putResult(entry: PutRecordsResultEntry | undefined): PutResult {
  if (entry?.ShardId && entry.SequenceNumber) return { ok: true, shard: entry.ShardId, sequence: entry.SequenceNumber };
  const isThrottled = entry?.ErrorCode === 'ProvisionedThroughputExceededException';
  return { ok: false, error: isThrottled ? 'throttled' : 'internal' };
}

function streamRecord(shard: string, record: KinesisRecord): StreamRecord {
  return {
    shard,
    sequence: record.SequenceNumber!,
    partitionKey: record.PartitionKey!,
    arrivedAt: record.ApproximateArrivalTimestamp!,
    data: record.Data!,
  };
}
