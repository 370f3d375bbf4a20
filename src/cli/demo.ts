import { createHash } from 'node:crypto';
import { Command } from 'commander';
import { readQueries } from '../flows/publish-answers.ts';
import { readStatus } from '../flows/status.ts';
import type { GeneratorRequest } from '../generators/index.ts';
import { type GeneratedFile, generate, plantedTruths } from '../generators/index.ts';
import type { Platform } from '../local/platform.ts';
import type { Environment } from '../ports.ts';
import { globalOptions, withPlatform } from './context.ts';
import { requestOf, withGeneratorOptions } from './generate.ts';
import { highlight } from './highlights.ts';
import { count, print, styled, tableText } from './output.ts';
import { produceAndArchive } from './produce.ts';
import { printHeading } from './query.ts';
import { runAndTell } from './run.ts';
import { tellStatus } from './status.ts';
import { upload } from './upload.ts';

export function demoCommand(): Command {
  return withGeneratorOptions(new Command('demo'))
    .description('the whole way on generated data: generate, both doors, run, answers')
    .option('--once', 'end after the answers')
    .addHelpText(
      'after',
      '\nThe second time there is nothing to do, and nothing is doubled.\n\nExamples:\n  $ c360 demo\n  $ c360 demo --size tiny --data-dir /tmp/tiny',
    )
    .action(async (options: GeneratorRequest & { once?: boolean }, command: Command) => {
      const globals = globalOptions(command);
      await withPlatform(globals, 'write', async (platform) => {
        const started = performance.now();
        print(styled('bold', '\nCustomer 360: from events and files to answers, on this machine\n'));
        await bringIn(platform.env, requestOf(options));
        print(styled('bold', '\nThe pipeline runs\n'));
        const run = await runAndTell(platform.env, print);
        if (run.status === 'idle') print('  Nothing is new: the answers are those of the newest snapshot.');
        await showAnswers(platform.env);
        await showCounts(platform);
        print(`\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
        showNext(platform);
      });
    });
}

/** Generates and brings in what has not come in before, files first: an event may then meet its customer. */
async function bringIn(env: Environment, request: GeneratorRequest): Promise<void> {
  print(styled('bold', 'Data comes in at both doors\n'));
  const files = generate(request);
  const batch = createHash('sha256')
    .update(JSON.stringify(plantedTruths(request)))
    .update(JSON.stringify(request))
    .digest('hex');
  for (const file of files) {
    const source = `generated-${batch.slice(0, 16)}-${file.name}`;
    const key = { partition: 'generated', sort: source };
    if (await env.hot.get('files', key)) {
      print(`  ${styled('green', '✔')} ${file.name.padEnd(17)} came in before`);
      continue;
    }
    const summary = file.dataset === 'events' ? await produceEvents(env, source, file) : await uploadFile(env, file);
    await env.hot.write([{ table: 'files', put: { ...key, values: { isDone: true } } }]);
    print(`  ${styled('green', '✔')} ${file.name.padEnd(17)} ${summary}`);
  }
}

async function uploadFile(env: Environment, file: GeneratedFile): Promise<string> {
  async function* open() {
    for (const line of file.lines()) yield Buffer.from(line);
  }
  const { received, quarantined } = await upload(env, file.dataset, open, undefined, file.count);
  return `${count(received).padStart(9)} rows through the file door, ${count(quarantined)} to quarantine`;
}

async function produceEvents(env: Environment, source: string, file: GeneratedFile): Promise<string> {
  function* lines() {
    for (const line of file.lines()) yield Buffer.from(line.trimEnd());
  }
  const { archived } = await produceAndArchive(env, source, lines(), file.count);
  return `${count(archived.received).padStart(9)} events through the stream, ${count(archived.quarantined)} to quarantine`;
}

async function showAnswers(env: Environment): Promise<void> {
  for (const { sql, ...header } of readQueries(env.sql)) {
    printHeading(header);
    print(tableText(highlight(header.name, await env.warehouse.query(sql))));
  }
}

async function showCounts({ env }: Platform): Promise<void> {
  print(styled('bold', '\nEvery record is accounted for\n'));
  tellStatus(await readStatus(env)());
}

function showNext({ paths }: Platform): void {
  print(`
Where it lies
  ${paths.lake}    raw, clean and curated layers, snapshots, serving
  ${paths.warehouse}    the star schema
  ${paths.vault}    personal data, sealed
  ${paths.keyDir}    the keys, apart from the data

What to try next
  node bin/c360.mjs query --list
  node bin/c360.mjs query rfm_segmentation --format csv
  node bin/c360.mjs sql "select event_type, count(*) as events from fact_event group by event_type order by events desc"
  node bin/c360.mjs status`);
}
