/** What Lambda calls with notices of landed files (S3 through SQS): ingests each, and answers which notices to send again. */
import { type Dataset, fileDatasets } from '../contracts/index.ts';
import { isObject, parseJson } from '../domain/json.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import { AdapterError, type Environment } from '../ports.ts';
import { type IngestedFile, ingestBatch } from './ingest-batch.ts';

/** An SQS event as Lambda hands it over, in the fields that are read here. */
export interface QueueEvent {
  Records: { messageId: string; body: string }[];
}

/** The messages that failed; the queue gives them again, and after its count of tries to its dead-letter queue. */
export interface QueueBatchResponse {
  batchItemFailures: { itemIdentifier: string }[];
}

export interface LandingOptions {
  /** Told of each file that was ingested. */
  onIngested?: (dataset: Dataset, file: IngestedFile) => void;
  /** Told of each file that cannot be used, and why. The text holds no payload. */
  onRefused?: (reason: string) => void;
  /** Told of each failure that is answered with a retry. The text holds no payload. */
  onFailure?: (reason: string) => void;
}

/** How long it is told of a file that it was refused; the file itself goes before. */
const refusalsKeptMs = 30 * 24 * 60 * 60 * 1000;

/**
 * Files are ingested one after the other. A file that is refused is not tried again, since it would be refused again: the
 * reason is kept in the hot store (`files`, partition `refused`) and the file stays in landing/, which is declared as
 * transient, swept by erasures, closed to analysts and emptied within a day. It may hold personal data in the clear, so
 * no second place for it is opened, and it cannot be sealed in quarantine record by record, since it has no records.
 */
export const landingHandler =
  (env: Environment, options: LandingOptions = {}) =>
  async (event: QueueEvent): Promise<QueueBatchResponse> => {
    const batchItemFailures: QueueBatchResponse['batchItemFailures'] = [];
    for (const { messageId, body } of event.Records) {
      try {
        for (const key of landedKeys(body)) await ingestLanded(env, key, options);
      } catch (error) {
        options.onFailure?.(`message ${messageId} failed: ${reasonOf(error)}`);
        batchItemFailures.push({ itemIdentifier: messageId });
      }
    }
    return { batchItemFailures };
  };

async function ingestLanded(env: Environment, key: string, { onIngested, onRefused }: LandingOptions): Promise<void> {
  const place = placeOf(key);
  // The name is not repeated: a file's name may be a person's.
  if (!place) return onRefused?.('a landing key must be landing/<dataset of files>/<SHA-256 of the content>');
  try {
    if (!(await exists(env, key))) return;
    onIngested?.(place.dataset, await ingestBatch(env)({ dataset: place.dataset, key }));
  } catch (error) {
    if (!(error instanceof RefusedInput)) throw error;
    await noteRefusal(env, place, error.message);
    onRefused?.(`${key} was refused: ${error.message}`);
  }
}

/** A message that somebody else put into the queue: it ends in the dead-letter queue, where people look. */
class NoNotice extends Error {
  override name = 'NoNotice';
}

interface S3Notice {
  /** `s3:TestEvent` where S3 tries a new subscription; it names no object. */
  Event?: string;
  Records?: { s3?: { object?: { key?: string } } }[];
}

/** The keys that a notice names. S3 writes them as a form does: percent signs, and + for a blank. */
function landedKeys(body: string): string[] {
  const parsed = parseJson(Buffer.from(body));
  const { Event, Records = [] } = (parsed.ok && isObject(parsed.value) ? parsed.value : {}) as S3Notice;
  if (Event === 's3:TestEvent') return [];
  const keys = Records.map(({ s3 }) => s3?.object?.key);
  if (keys.length === 0 || keys.includes(undefined)) throw new NoNotice('the message is no notice of S3');
  return keys.map((key) => new URLSearchParams(`key=${key}`).get('key')!);
}

interface Place {
  dataset: Dataset;
  name: string;
}

/** What a landing key says; undefined where it is none. */
function placeOf(key: string): Place | undefined {
  const [, dataset, name] = /^landing\/(\w+)\/([0-9a-f]{64})$/.exec(key) ?? [];
  const known = fileDatasets.find((one) => one === dataset);
  return known && name ? { dataset: known, name } : undefined;
}

/** False where the file was ingested, and so deleted, when an earlier notice of it came. */
async function exists(env: Environment, key: string): Promise<boolean> {
  for await (const object of env.objects.list(key)) return object.key === key;
  return false;
}

async function noteRefusal(env: Environment, { dataset, name }: Place, reason: string): Promise<void> {
  const refusedAt = env.clock.now();
  const expiresAt = new Date(refusedAt.getTime() + refusalsKeptMs);
  const values = { dataset, reason, refusedAt: refusedAt.toISOString() };
  await env.hot.write([{ table: 'files', put: { partition: 'refused', sort: name, values, expiresAt } }]);
}

/** A foreign message may quote the data: only its kind is told. */
function reasonOf(error: unknown): string {
  if (error instanceof AdapterError || error instanceof NoNotice) return error.message;
  return error instanceof Error ? error.constructor.name : typeof error;
}
