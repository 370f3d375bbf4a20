import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { Argument, Command } from 'commander';
import { parse } from 'yaml';
import { contractOf, type Dataset, fileDatasets } from '../contracts/index.ts';
import { type Mapping, parseMapping } from '../domain/files/mapping.ts';
import { landingKey } from '../domain/lake/layout.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import { type IngestedFile, ingestBatch } from '../flows/ingest-batch.ts';
import type { Environment } from '../ports.ts';
import { globalOptions, withPlatform } from './context.ts';
import { count, printSummary, say } from './output.ts';
import { progress } from './progress.ts';

export function uploadCommand(): Command {
  return new Command('upload')
    .description('bring a file of customers, products or transactions in through the file door')
    .addArgument(new Argument('<dataset>', 'what the file holds').choices(fileDatasets))
    .argument('<file>', 'CSV with a header or JSON Lines, gzip or not')
    .option('--map <file>', 'a YAML mapping, for files whose columns are named otherwise')
    .addHelpText(
      'after',
      `
Rows that break their contract go to quarantine with the reason; the rest goes on. The same file again changes nothing.

Examples:
  $ c360 upload customers customers.csv
  $ c360 upload transactions export.csv.gz
  $ c360 upload transactions purchases.csv --map examples/cdnow/map.yaml`,
    )
    .action(async (dataset: Dataset, file: string, options: { map?: string }, command: Command) => {
      const globals = globalOptions(command);
      if (!existsSync(file) || !statSync(file).isFile()) throw new RefusedInput(`${file} is no file; check the path`);
      const mapping = options.map ? readMapping(options.map, dataset) : undefined;
      await withPlatform(globals, 'write', async ({ env }) => {
        const ingested = await upload(env, dataset, () => createReadStream(file), mapping);
        tellIngested(dataset, ingested);
        const { fileId: _, ...counts } = ingested;
        printSummary({ dataset, ...counts }, globals.format);
      });
    });
}

function readMapping(file: string, dataset: Dataset): Mapping {
  if (!existsSync(file)) throw new RefusedInput(`${file} is no file; --map names a YAML mapping`);
  let document: unknown;
  try {
    document = parse(readFileSync(file, 'utf8'));
  } catch {
    throw new RefusedInput(`${file} is not valid YAML; examples/cdnow/map.yaml shows what a mapping looks like`);
  }
  return parseMapping(document, contractOf(`${dataset}/1`)!, file);
}

/** Lands a file under the hash of its content and ingests it. `open` gives the bytes anew at each call. */
export async function upload(
  env: Environment,
  dataset: Dataset,
  open: () => AsyncIterable<Uint8Array>,
  mapping?: Mapping,
  expectedRows?: number,
): Promise<IngestedFile> {
  const hash = createHash('sha256');
  for await (const chunk of open()) hash.update(chunk);
  const key = landingKey(dataset, hash.digest('hex'));
  await env.objects.put(key, open());
  const bar = progress(dataset, expectedRows ?? 0, 'rows');
  try {
    return await ingestBatch(env)({ dataset, key, mapping }, (rows) => bar.update(rows));
  } catch (error) {
    // What cannot be read at all is not kept: it may hold personal data.
    if (error instanceof RefusedInput) await env.objects.delete([key]);
    throw error;
  } finally {
    bar.stop();
  }
}

function tellIngested(dataset: Dataset, ingested: IngestedFile): void {
  if (ingested.isKnown) say(`This file of ${dataset} was uploaded before; nothing changed.`);
  else if (ingested.quarantined > 0) {
    say(
      `${count(ingested.quarantined)} of ${count(ingested.received)} rows went to quarantine, the others to the lake.`,
    );
  }
}
