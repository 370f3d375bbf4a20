/** How a stream's records are handed to their consumers: on AWS by Lambda's event source mapping, locally by `src/local`. */

/** Named and meant as in Lambda's event source mapping for Kinesis. */
export interface EventSourceSettings {
  /** Records an invocation has at most. */
  batchSize: number;
  /** How long records wait for a batch to become full. */
  maxBatchingWindowSeconds: number;
  /** Records older than this go to the on-failure store instead of the consumer. */
  maxRecordAgeSeconds: number;
  /** Retries of a batch until it goes to the on-failure store; -1: until the record age. */
  retryAttempts: number;
  /** A batch whose invocation throws is halved, and the halves are tried in order. */
  bisectBatchOnError: boolean;
  /** The consumer may say from which record on a batch failed. */
  reportBatchItemFailures: boolean;
  /** Invocations of one shard at the same time. */
  parallelizationFactor: 1;
  startingPosition: 'TRIM_HORIZON';
  /** Folder of the on-failure store. */
  onFailurePrefix: string;
}

const days = 24 * 60 * 60;

/** The archive: few large objects matter more than speed, and a dependency may be down for six of the stream's seven days. */
export const archiveEventSource: EventSourceSettings = {
  batchSize: 5000,
  maxBatchingWindowSeconds: 60,
  maxRecordAgeSeconds: 6 * days,
  retryAttempts: -1,
  bisectBatchOnError: true,
  reportBatchItemFailures: true,
  parallelizationFactor: 1,
  startingPosition: 'TRIM_HORIZON',
  onFailurePrefix: 'failed/archive-events/',
};
