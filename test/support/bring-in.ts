/** Generated files on their way through both doors and one run. */
import type { Dataset } from '../../src/contracts/index.ts';
import { ingestBatch } from '../../src/flows/ingest-batch.ts';
import { type GeneratorRequest, generate } from '../../src/generators/index.ts';
import { archiveStream } from '../../src/local/archive-stream.ts';
import { type Produced, produce } from '../../src/local/produce.ts';
import { runPipeline } from '../../src/local/run-pipeline.ts';
import type { DoorPlatform } from './door-platform.ts';
import type { Arrival } from './history.ts';

/** `since`: of events and sales only those from this day on, `YYYY-MM-DD`; each day is a partition of most tables. */
type BroughtIn = GeneratorRequest & { since?: string };

/** Brings in what the generator makes for the request, and runs the pipeline. Returns what the producer was told. */
export async function bringIn(platform: DoorPlatform, request: BroughtIn): Promise<Produced> {
  const produced = await bringToRaw(platform, request);
  await runPipeline(platform.env);
  return produced;
}

/** Brings in what the generator makes for the request, for the next run to take up. */
export async function bringToRaw({ env, land }: DoorPlatform, request: BroughtIn): Promise<Produced> {
  const { since, ...generated } = request;
  let produced: Produced | undefined;
  for (const { dataset, lines } of generate(generated)) {
    const texts = [...lines()].filter((line) => since === undefined || timeOf(dataset, line) >= since);
    if (dataset === 'events') {
      const records = texts.map((line) => Buffer.from(line.trimEnd()));
      // Else another request's events would count as those that this one has put.
      produced = await produce(env, `events ${JSON.stringify(request)}`, records);
      await archiveStream(env);
    } else await ingestBatch(env)(await land(dataset, texts.join('')));
  }
  return produced!;
}

/** Brings in a file or events that a history tells of. */
export async function bringInArrival({ env, land }: DoorPlatform, arrival: Arrival): Promise<void> {
  if (arrival.kind === 'file') {
    const lines = arrival.rows.map((row) => `${JSON.stringify(row)}\n`);
    if (lines.length > 0) await ingestBatch(env)(await land(arrival.dataset, lines.join('')));
    return;
  }
  await produce(
    env,
    env.ids.uuid(),
    arrival.events.map((event) => Buffer.from(JSON.stringify(event))),
  );
  await archiveStream(env);
}

/** Of a line without a time, and of the header of those with one, a text that sorts behind all times. */
function timeOf(dataset: Dataset, line: string): string {
  if (dataset === 'events') return JSON.parse(line).timestamp;
  return dataset === 'transactions' ? line.split(',').at(-1)! : 'without';
}
