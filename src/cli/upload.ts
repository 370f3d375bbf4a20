import { createReadStream, existsSync, statSync } from 'node:fs';
import { Argument, Command } from 'commander';
import { type Dataset, fileDatasets } from '../contracts/index.ts';
import type { Mapping } from '../domain/files/mapping.ts';
import { landingKey } from '../domain/lake/layout.ts';
import type { RefusalGroup } from '../domain/quality/refusal-summary.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import type { DoorCounts } from '../flows/door.ts';
import { fingerprintOf, unchanged } from '../flows/fingerprint.ts';
import { type IngestedFile, ingestBatch } from '../flows/ingest-batch.ts';
import type { Environment } from '../ports.ts';
import { globalOptions, withPlatform } from './context.ts';
import { readMapping } from './mapping-file.ts';
import { count, printSummary, say } from './output.ts';
import { progress } from './progress.ts';
import { uploadOnAws } from './upload-aws.ts';

export function uploadCommand(): Command {
  return new Command('upload')
    .description('bring a file of customers, products or transactions in through the file door')
    .addArgument(new Argument('<dataset>', 'what the file holds').choices(fileDatasets))
    .argument('<file>', 'CSV with a header or JSON Lines, gzip or not')
    .option('--map <file>', 'a YAML mapping, for files whose columns are named otherwise')
    .option('--again', 'ingest the file although its content came in before; not on AWS')
    .option('--wait', 'with --target aws: until the file is ingested or refused')
    .addHelpText(
      'after',
      `
Rows that break their contract go to quarantine with the reason; the rest goes on. The same file again
changes nothing.

A file of customers or products may hold everything or only what has changed. That a row is absent says
nothing; one that ends carries deleted_at. A row without updated_at speaks for the time when it arrives.

With --target aws the file goes to landing/ in parts, and the function ingest-batch takes it in from there. An upload that
was cut off goes on where it ended: run the command again.

Examples:
  $ c360 upload customers customers.csv
  $ c360 upload transactions export.csv.gz
  $ c360 upload transactions purchases.csv --map examples/cdnow/map.yaml
  $ c360 upload transactions export.csv.gz --target aws --wait`,
    )
    .action(async (dataset: Dataset, file: string, options: UploadOptions, command: Command) => {
      const globals = globalOptions(command);
      if (!existsSync(file) || !statSync(file).isFile()) throw new RefusedInput(`${file} is no file; check the path`);
      const { mapping, document } = options.map ? readMapping(options.map, dataset) : {};
      if (globals.target === 'aws') return uploadOnAws(globals, { dataset, file, mapping, document }, options);
      if (options.wait) throw new RefusedInput('--wait is for --target aws; on one machine an upload always waits');
      await withPlatform(globals, 'write', async ({ env }) => {
        const open = () => createReadStream(file);
        const { again } = options;
        const { fileId: _, isFinished: __, refusals, ...counts } = await upload(env, { dataset, open, mapping, again });
        if (counts.isKnown) say('This content came in before; nothing changed. --again ingests it all the same.');
        tellRefusals(counts, refusals);
        printSummary({ dataset, ...counts }, globals.format);
        if (counts.received > 0 && counts.quarantined === counts.received) {
          throw new RefusedInput(
            `no row of the file fits ${dataset}; is it another dataset, or does it need a mapping?`,
          );
        }
      });
    });
}

interface UploadOptions {
  map?: string;
  again?: boolean;
  wait?: boolean;
}

interface Upload {
  dataset: Dataset;
  /** Gives the bytes anew at each call. */
  open: () => AsyncIterable<Uint8Array>;
  mapping?: Mapping;
  again?: boolean;
}

/**
 * Lands a file under the hash of its content and ingests it; one whose ingest was cut off is taken up where it ended.
 * RefusedInput where the file changes meanwhile, as one does that is still being written.
 */
export async function upload(env: Environment, { dataset, open, mapping, again }: Upload): Promise<IngestedFile> {
  const fingerprint = await fingerprintOf(open());
  const key = landingKey(dataset, fingerprint.sha256);
  await env.objects.put(key, unchanged(open(), fingerprint));
  const bar = progress(dataset, fingerprint.bytes, 'bytes');
  const onProgress = (_: number, read: number) => bar.update(read);
  try {
    return await ingestBatch(env)({ dataset, key, mapping, again }, { onProgress });
  } catch (error) {
    // What cannot be read at all is not kept: it may hold personal data.
    if (error instanceof RefusedInput) await env.objects.delete([key]);
    throw error;
  } finally {
    bar.stop();
  }
}

const mostShown = 5;

/** Tells why rows were refused. The file is not named: its name may be somebody's. */
function tellRefusals({ received, quarantined }: DoorCounts, refusals: RefusalGroup[]): void {
  if (quarantined === 0) return;
  const rest = received > quarantined ? ', the others to the lake' : '';
  say(`${count(quarantined)} of ${count(received)} rows went to quarantine${rest}:`);
  for (const { path, rule, records, firstLines } of refusals.slice(0, mostShown)) {
    const field = path.length > 1 ? path.slice(1) : 'the row';
    say(`  line ${firstLines[0]}: ${inWords(field, rule)} (${count(records)} row${records > 1 ? 's' : ''})`);
  }
  if (refusals.length > mostShown) say(`  … and ${count(refusals.length - mostShown)} more reasons`);
  say('c360 quarantine list shows them all; repair them and run `c360 redrive`.');
}

const ruleWords: [RegExp, string][] = [
  [/^(?=\d+ cells )/, 'must have '],
  [/^type /, 'must be of type '],
  [/^format /, 'must have the format '],
  [/^pattern /, 'must match '],
  [/^(?:minimum|minLength) /, 'must be at least '],
  [/^(?:maximum|maxLength) /, 'must be at most '],
];

/** A reason as a sentence. */
function inWords(field: string, rule: string): string {
  if (rule.startsWith('required ')) return `${field} lacks ${rule.slice('required '.length)}`;
  const [pattern, words] = ruleWords.find(([candidate]) => candidate.test(rule)) ?? [/^/, 'must be '];
  return `${field} ${rule.replace(pattern, words)}`;
}
