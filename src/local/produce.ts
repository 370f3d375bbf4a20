/** The producer's side: puts events into the stream, remembering how far it came. */
import { createHash } from 'node:crypto';
import { systemTimer } from '../adapters/local/timer.ts';
import { canonicalEventId } from '../domain/events/event-id.ts';
import { isObject, parseJson } from '../domain/json.ts';
import { backoff } from '../domain/stream/backoff.ts';
import { linesOf, longestLine, withoutLineEnd } from '../flows/lines.ts';
import { AdapterError, type Environment, type NewRecord, type Timer } from '../ports.ts';

type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

const recordsPerPut = 500;
const bytesPerPut = 4_000_000;

export interface Produced {
  /** Records put now. */
  sent: number;
  /** Lines that an earlier call had come through. */
  known: number;
  /** Lines that no stream takes, being over 1 MiB with their partition key. */
  oversized: number[];
}

export interface ProduceOptions {
  /** Told after each put how many records are in the stream, and how many bytes of lines have been read for them. */
  onProgress?: (records: number, bytes: number) => void;
  /** Records a second; by default as fast as the stream takes them. */
  rate?: number;
  /** Ends after this time, or with the last line if that comes first. */
  seconds?: number;
  timer?: Timer;
}

/** The records of a file, each a line to the byte; of one that no stream takes, enough to tell. */
export async function* recordsIn(bytes: Bytes): AsyncIterable<Uint8Array> {
  for await (const line of linesOf(bytes)) yield withoutLineEnd(line);
}

/**
 * Puts each line as one record. `source` names what is produced: the same source again begins where the last call ended,
 * so that it puts nothing twice but, after a crash, at most one put.
 */
export async function produce(
  env: Environment,
  source: string,
  lines: Bytes,
  { onProgress = () => {}, rate = Number.POSITIVE_INFINITY, seconds, timer = systemTimer }: ProduceOptions = {},
): Promise<Produced> {
  const key = { partition: 'produced', sort: source };
  const known = Number((await env.hot.get('files', key))?.values.lines ?? 0);
  const produced: Produced = { sent: 0, known, oversized: [] };
  const pace = new Pace(env, timer, rate, seconds);
  let line = 0;
  let bytes = 0;
  let batch: NewRecord[] = [];
  let size = 0;
  const flush = async () => {
    await pace.waitFor(produced.sent);
    await putAll(env, batch, timer);
    produced.sent += batch.length;
    batch = [];
    size = 0;
    await env.hot.write([{ table: 'files', put: { ...key, values: { lines: line } } }]);
    onProgress(known + produced.sent, bytes);
  };
  for await (const data of lines) {
    if (line >= known && pace.isOver(produced.sent + batch.length)) break;
    line += 1;
    bytes += data.length + 1;
    if (line <= known || data.length === 0) continue;
    const record = { partitionKey: partitionKey(data), data };
    if (data.length + record.partitionKey.length > longestLine) {
      produced.oversized.push(line);
      continue;
    }
    batch.push(record);
    size += data.length;
    if (batch.length === pace.recordsPerPut || size > bytesPerPut - longestLine) await flush();
  }
  if (line > known) await flush();
  return produced;
}

/** When which record is due, so many a second from now on; a producer that fell behind catches up. */
class Pace {
  /** A tenth of a second's records. */
  readonly recordsPerPut: number;
  readonly #env: Environment;
  readonly #timer: Timer;
  readonly #rate: number;
  readonly #seconds: number;
  readonly #startMs: number;

  constructor(env: Environment, timer: Timer, rate: number, seconds = Number.POSITIVE_INFINITY) {
    this.#env = env;
    this.#timer = timer;
    this.#rate = rate;
    this.#seconds = seconds;
    this.#startMs = env.clock.now().getTime();
    this.recordsPerPut = Math.min(recordsPerPut, Math.ceil(rate / 10));
  }

  /** True where no record follows the first `records` ones. */
  isOver(records: number): boolean {
    return records >= this.#rate * this.#seconds || this.#elapsedMs() >= this.#seconds * 1000;
  }

  /** Waits until the record behind the first `records` ones is due. */
  async waitFor(records: number): Promise<void> {
    const waitMs = (records / this.#rate) * 1000 - this.#elapsedMs();
    if (waitMs > 0) await this.#timer.sleep(waitMs);
  }

  #elapsedMs(): number {
    return this.#env.clock.now().getTime() - this.#startMs;
  }
}

/** The event id; a hash of the record where it has none, so that it still arrives and can be refused with a reason. */
function partitionKey(data: Uint8Array): string {
  const parsed = parseJson(data);
  const id = parsed.ok && isObject(parsed.value) ? canonicalEventId(parsed.value.eventId) : undefined;
  return id ?? createHash('sha256').update(data).digest('hex');
}

const mostRefusals = 8;
const retryLimits = { firstMs: 100, mostMs: 5000 };

/** Puts records until all are in the stream; those that a throttled shard refused are sent again after a while. */
async function putAll(env: Environment, records: NewRecord[], timer: Timer): Promise<void> {
  let waiting = records;
  for (let refusals = 0; waiting.length > 0; ) {
    const results = await env.stream.put(waiting);
    const refused = waiting.filter((_, index) => !results[index]?.ok);
    refusals = refused.length < waiting.length ? 1 : refusals + 1;
    waiting = refused;
    if (waiting.length === 0) return;
    if (refusals === mostRefusals) {
      throw new AdapterError(
        `the stream refused ${waiting.length} records ${mostRefusals} times; produce again to go on`,
        { retryable: true },
      );
    }
    await timer.sleep(backoff(refusals, retryLimits, timer.random));
  }
}
