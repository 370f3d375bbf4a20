/** The producer's side: puts events into the stream, remembering how far it came. */
import { createHash } from 'node:crypto';
import { canonicalEventId } from '../domain/events/event-id.ts';
import { isObject, parseJson } from '../domain/json.ts';
import { AdapterError, type Environment, type NewRecord } from '../ports.ts';

const recordsPerPut = 500;
const bytesPerPut = 4_000_000;
const recordLimit = 1_048_576;

export interface Produced {
  /** Records put now. */
  sent: number;
  /** Lines that an earlier call had come through. */
  known: number;
  /** Lines that no stream takes, being over 1 MiB with their partition key. */
  oversized: number[];
}

/**
 * Puts each line as one record. `source` names what is produced: the same source again begins where the last call ended,
 * so that it puts nothing twice but, after a crash, at most one put.
 */
export async function produce(
  env: Environment,
  source: string,
  lines: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  onProgress: (records: number) => void = () => {},
): Promise<Produced> {
  const key = { partition: 'produced', sort: source };
  const known = Number((await env.hot.get('files', key))?.values.lines ?? 0);
  const produced: Produced = { sent: 0, known, oversized: [] };
  let line = 0;
  let batch: NewRecord[] = [];
  let size = 0;
  const flush = async () => {
    await putAll(env, batch);
    produced.sent += batch.length;
    batch = [];
    size = 0;
    await env.hot.write([{ table: 'files', put: { ...key, values: { lines: line } } }]);
    onProgress(known + produced.sent);
  };
  for await (const data of lines) {
    line += 1;
    if (line <= known || data.length === 0) continue;
    const record = { partitionKey: partitionKey(data), data };
    if (data.length + record.partitionKey.length > recordLimit) {
      produced.oversized.push(line);
      continue;
    }
    batch.push(record);
    size += data.length;
    if (batch.length === recordsPerPut || size > bytesPerPut - recordLimit) await flush();
  }
  if (line > known) await flush();
  return produced;
}

/** The event id; a hash of the record where it has none, so that it still arrives and can be refused with a reason. */
function partitionKey(data: Uint8Array): string {
  const parsed = parseJson(data);
  const id = parsed.ok && isObject(parsed.value) ? canonicalEventId(parsed.value.eventId) : undefined;
  return id ?? createHash('sha256').update(data).digest('hex');
}

const mostAttempts = 8;

/** Puts records until all are in the stream; those that a throttled shard refused are sent again. */
async function putAll(env: Environment, records: NewRecord[]): Promise<void> {
  let waiting = records;
  for (let attempt = 0; waiting.length > 0; attempt += 1) {
    if (attempt === mostAttempts) {
      throw new AdapterError(
        `the stream refused ${waiting.length} records ${mostAttempts} times; produce again to go on`,
        { retryable: true },
      );
    }
    const results = await env.stream.put(waiting);
    waiting = waiting.filter((_, index) => !results[index]?.ok);
  }
}
