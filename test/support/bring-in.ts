/** Generated files on their way through both doors and one run. */

import { ingestBatch } from '../../src/flows/ingest-batch.ts';
import { type GeneratorRequest, generate } from '../../src/generators/index.ts';
import { archiveStream } from '../../src/local/archive-stream.ts';
import { type Produced, produce } from '../../src/local/produce.ts';
import { runPipeline } from '../../src/local/run-pipeline.ts';
import type { DoorPlatform } from './door-platform.ts';
import type { Arrival } from './history.ts';

/** Brings in what the generator makes for the request, and runs the pipeline. Returns what the producer was told. */
export async function bringIn(platform: DoorPlatform, request: GeneratorRequest): Promise<Produced> {
  const produced = await bringToRaw(platform, request);
  await runPipeline(platform.env);
  return produced;
}

/** Brings in what the generator makes for the request, for the next run to take up. */
export async function bringToRaw({ env, land }: DoorPlatform, request: GeneratorRequest): Promise<Produced> {
  let produced: Produced | undefined;
  for (const { dataset, lines } of generate(request)) {
    const texts = [...lines()];
    if (dataset === 'events') {
      const records = texts.map((line) => Buffer.from(line.trimEnd()));
      produced = await produce(env, 'events', records);
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
