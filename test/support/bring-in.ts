/** Generated files on their way through both doors and one run. */

import { ingestBatch } from '../../src/flows/ingest-batch.ts';
import { type GeneratorRequest, generate } from '../../src/generators/index.ts';
import { archiveStream } from '../../src/local/archive-stream.ts';
import { type Produced, produce } from '../../src/local/produce.ts';
import { runPipeline } from '../../src/local/run-pipeline.ts';
import type { DoorPlatform } from './door-platform.ts';

/** Brings in what the generator makes for the request, and runs the pipeline. Returns what the producer was told. */
export async function bringIn({ env, land }: DoorPlatform, request: GeneratorRequest): Promise<Produced> {
  let produced: Produced | undefined;
  for (const { dataset, lines } of generate(request)) {
    const texts = [...lines()];
    if (dataset === 'events') {
      const records = texts.map((line) => Buffer.from(line.trimEnd()));
      produced = await produce(env, 'events', records);
      await archiveStream(env);
    } else await ingestBatch(env)(await land(dataset, texts.join('')));
  }
  await runPipeline(env);
  return produced!;
}
