/** What Lambda calls with notices of landed files (S3 through SQS): ingests each, and answers which notices to send again. */
import { contractOf, type Dataset } from '../contracts/index.ts';
import { type Mapping, parseMapping } from '../domain/files/mapping.ts';
import { isObject, parseJson } from '../domain/json.ts';
import { type LandingPlace, landingPlace, mappingKey } from '../domain/lake/layout.ts';
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

/** The part of Lambda's context that is read here. */
export interface CallContext {
  /** Milliseconds until Lambda ends the call. */
  getRemainingTimeInMillis(): number;
}

export interface LandingOptions {
  /** Told of each file that was ingested: whole, or as far as the time allowed where it is not finished. */
  onIngested?: (dataset: Dataset, file: IngestedFile) => void;
  /** Told of each file that cannot be used, and why. The text holds no payload. */
  onRefused?: (reason: string) => void;
  /** Told of each failure that is answered with a retry. The text holds no payload. */
  onFailure?: (reason: string) => void;
}

/** What a call keeps back of its time: more than a batch of rows takes. */
const reserveMs = 60_000;

/** How long it is told of a file that it was refused; the file itself goes before. */
const refusalsKeptMs = 30 * 24 * 60 * 60 * 1000;

/**
 * Files are ingested one after the other. A file that is refused is not tried again, since it would be refused again: the
 * reason is kept in the hot store (`files`, partition `refused`) and the file stays in landing/, which is declared as
 * transient, swept by erasures, closed to analysts and emptied within a day. It may hold personal data in the clear, so
 * no second place for it is opened, and it cannot be sealed in quarantine record by record, since it has no records.
 * What the call's time does not suffice for goes on in another call, by a notice of its own (docs/decisions/0004).
 */
export const landingHandler =
  (env: Environment, options: LandingOptions = {}) =>
  async (event: QueueEvent, context: CallContext): Promise<QueueBatchResponse> => {
    const isTimeUp = () => context.getRemainingTimeInMillis() < reserveMs;
    const batchItemFailures: QueueBatchResponse['batchItemFailures'] = [];
    let files = 0;
    for (const { messageId, body } of event.Records) {
      try {
        for (const key of landedKeys(body)) {
          files += 1;
          // The first file is begun in any case, so that each call brings something about.
          if (files > 1 && isTimeUp()) await goOnLater(env, key);
          else await ingestLanded(env, key, isTimeUp, options);
        }
      } catch (error) {
        options.onFailure?.(`message ${messageId} failed: ${reasonOf(error)}`);
        batchItemFailures.push({ itemIdentifier: messageId });
      }
    }
    return { batchItemFailures };
  };

async function ingestLanded(
  env: Environment,
  noticed: string,
  isTimeUp: () => boolean,
  { onIngested, onRefused }: LandingOptions,
): Promise<void> {
  const key = noticed.endsWith(rest) ? noticed.slice(0, -rest.length) : noticed;
  const place = landingPlace(key);
  // The name is not repeated: a file's name may be a person's.
  if (!place)
    return onRefused?.('a landing key must be landing/<dataset of files>/[<mapping>/]<SHA-256 of the content>');
  try {
    if (await exists(env, key)) {
      const mapping = place.mapping === undefined ? undefined : await readMapping(env, place.dataset, place.mapping);
      const file = await ingestBatch(env)({ dataset: place.dataset, key, mapping }, { isTimeUp });
      onIngested?.(place.dataset, file);
      if (!file.isFinished) return await goOnLater(env, key);
    }
  } catch (error) {
    if (!(error instanceof RefusedInput)) throw error;
    await noteRefusal(env, place, error.message);
    onRefused?.(`${key} was refused: ${error.message}`);
  }
  if (key !== noticed) await env.objects.delete([noticed]);
}

/** Ends the name of an empty object beside a landed file. */
const rest = '.rest';

/** Puts the empty object beside the landed file that a notice names: that is the notice by which the file is gone on with. */
export async function goOnLater(env: Environment, noticed: string): Promise<void> {
  await env.objects.put(noticed.endsWith(rest) ? noticed : noticed + rest, new Uint8Array());
}

/** The mapping that a landing key names. Throws RefusedInput where it is missing or does not fit the dataset. */
async function readMapping(env: Environment, dataset: Dataset, name: string): Promise<Mapping> {
  const key = mappingKey(dataset, name);
  const bytes = await env.objects.get(key);
  if (!bytes) throw new RefusedInput(`there is no mapping ${key}; put it there and land the file again`);
  const parsed = parseJson(bytes);
  if (!parsed.ok) throw new RefusedInput(`${key} is not valid JSON; correct the mapping and land the file again`);
  return parseMapping(parsed.value, contractOf(`${dataset}/1`)!, key);
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

/** False where the file was ingested, and so deleted, when an earlier notice of it came. */
async function exists(env: Environment, key: string): Promise<boolean> {
  for await (const object of env.objects.list(key)) return object.key === key;
  return false;
}

async function noteRefusal(env: Environment, { dataset, contentHash }: LandingPlace, reason: string): Promise<void> {
  const refusedAt = env.clock.now();
  const expiresAt = new Date(refusedAt.getTime() + refusalsKeptMs);
  const values = { dataset, reason, refusedAt: refusedAt.toISOString() };
  await env.hot.write([{ table: 'files', put: { partition: 'refused', sort: contentHash, values, expiresAt } }]);
}

/** A foreign message may quote the data: only its kind is told. */
function reasonOf(error: unknown): string {
  if (error instanceof AdapterError || error instanceof NoNotice) return error.message;
  return error instanceof Error ? error.constructor.name : typeof error;
}
