/**
 * Sends events to the platform's stream: in batches, each event until Kinesis has it.
 *
 *   node producer.mjs <stream> < events.jsonl
 */
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** What Kinesis takes in one request; a record counts with its key. */
const maxRecords = 500;
const maxBytes = 5 * 1024 * 1024;
const maxRecordBytes = 1024 * 1024;

const maxAttempts = 10;
const firstWaitMs = 100;
const longestWaitMs = 10_000;

/** An event as the platform takes it. Its id is made once: sent twice under one id, it counts once. */
export const newEvent = (type, payload) => ({
  eventId: randomUUID(),
  type,
  timestamp: new Date().toISOString(),
  payload,
});

export class Producer {
  #client;
  #stream;
  #waiting = [];
  #bytes = 0;

  constructor(stream, client = new KinesisClient({ requestHandler: new NodeHttpHandler() })) {
    this.#stream = stream;
    this.#client = client;
  }

  /**
   * Takes an event; it is in the stream once `flush` has resolved. Await each call. Where events come seldom, call `flush` every second.
   */
  async send(event) {
    const Data = Buffer.from(JSON.stringify(event));
    const bytes = Data.length + event.eventId.length;
    if (bytes > maxRecordBytes) throw new RangeError(`an event must be at most ${maxRecordBytes} bytes, got ${bytes}`);
    if (this.#waiting.length === maxRecords || this.#bytes + bytes > maxBytes) await this.flush();
    // By its id an event's duplicate meets it in one shard, and the load is even.
    this.#waiting.push({ PartitionKey: event.eventId, Data });
    this.#bytes += bytes;
  }

  /** Sends what waits. Throws where Kinesis keeps refusing some of it; that goes on waiting, and `flush` may be called again. */
  async flush() {
    for (let attempt = 1; this.#waiting.length > 0; attempt += 1) {
      const { Records } = await this.#client.send(
        new PutRecordsCommand({ StreamName: this.#stream, Records: this.#waiting }),
      );
      // A request may succeed in part: what it refused is sent again, and nothing else.
      const refused = this.#waiting.filter((_, index) => !Records[index].SequenceNumber);
      this.#waiting = refused;
      this.#bytes = refused.reduce((sum, { PartitionKey, Data }) => sum + PartitionKey.length + Data.length, 0);
      if (refused.length === 0) return;
      if (attempt === maxAttempts)
        throw new Error(`${refused.length} events are not delivered after ${attempt} attempts`);
      await sleep(Math.random() * Math.min(longestWaitMs, firstWaitMs * 2 ** attempt));
    }
  }
}

/** The event of a line. An error tells its number alone: the line may hold personal data. */
function parsed(line, number) {
  try {
    const event = JSON.parse(line);
    if (event?.type && event.payload) return event;
  } catch {
    // As below.
  }
  throw new Error(`line ${number} must be a JSON document with type and payload; correct it and send from there on`);
}

/** Sends the events of standard input, one JSON document a line, until its end or the first SIGINT or SIGTERM. */
async function main(stream) {
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopped.abort());
  const producer = new Producer(stream);
  let count = 0;
  try {
    for await (const line of createInterface({ input: process.stdin, signal: stopped.signal })) {
      const { type, payload, ...given } = parsed(line, count + 1);
      await producer.send({ ...newEvent(type, payload), ...given });
      count += 1;
    }
  } finally {
    // Also behind a line that cannot be sent: what was taken before it is delivered.
    await producer.flush();
  }
  process.stdin.destroy();
  console.log(`${count} events are in ${stream}.`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv[2]);
