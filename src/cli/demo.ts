import { createHash } from 'node:crypto';
import { Command } from 'commander';
import type { DoorCounts } from '../flows/door.ts';
import { fingerprintOf } from '../flows/fingerprint.ts';
import { readQueries } from '../flows/publish-answers.ts';
import { readStatus, type Status } from '../flows/status.ts';
import type { GeneratorRequest } from '../generators/index.ts';
import { type GeneratedFile, generate, plantedTruths } from '../generators/index.ts';
import type { Platform, PlatformPaths } from '../local/platform.ts';
import type { RunResult } from '../local/run-pipeline.ts';
import type { Environment, ResultSet, Scalar } from '../ports.ts';
import { globalOptions, onThisMachine, withPlatform } from './context.ts';
import { requestOf, withGeneratorOptions } from './generate.ts';
import { highlight } from './highlights.ts';
import { count, print, printResult, say, styled, tableText } from './output.ts';
import { produceAndArchive } from './produce.ts';
import { headingText } from './query.ts';
import { runAndTell } from './run.ts';
import { statusText } from './status.ts';
import { upload } from './upload.ts';

export function demoCommand(): Command {
  return withGeneratorOptions(new Command('demo'))
    .description('the whole way on generated data: generate, both doors, run, answers')
    .option('--once', 'end after the answers')
    .addHelpText(
      'after',
      `
The second time there is nothing to do, and nothing is doubled. With --format json or csv a summary goes to stdout (the files,
the counts, the steps, an index of the answers) and all that is meant for people to stderr.

Examples:
  $ c360 demo
  $ c360 demo --size tiny --data-dir /tmp/tiny
  $ c360 demo --format json > summary.json`,
    )
    .action(async (options: GeneratorRequest & { once?: boolean }, command: Command) => {
      const globals = globalOptions(command);
      await withPlatform(globals, 'write', async (platform) => {
        const tell = globals.format === 'table' ? print : say;
        const summary = await demonstrate(platform, requestOf(options), tell);
        if (globals.format === 'json') print(JSON.stringify(summary, null, 2));
        else if (globals.format === 'csv') printResult(figuresOf(summary), 'csv');
      });
    });
}

type Tell = (text: string) => void;

/** A generated file, with what became of it; a file that had come in before brought nothing now. */
interface FileSummary {
  file: string;
  cameInBefore: boolean;
  received: number;
  quarantined: number;
}

interface DemoSummary {
  files: FileSummary[];
  run: RunResult;
  status: Status;
  answers: { number: number; name: string; title: string; rowCount: number }[];
  paths: PlatformPaths;
  seconds: number;
}

async function demonstrate({ env, paths }: Platform, request: GeneratorRequest, tell: Tell): Promise<DemoSummary> {
  const started = performance.now();
  tell(styled('bold', '\nCustomer 360: from events and files to answers, on this machine\n'));
  tell(styled('bold', 'Data comes in at both doors\n'));
  const files = await bringIn(env, request, tell);
  tell(styled('bold', '\nThe pipeline runs\n'));
  const run = await runAndTell(env, tell);
  if (run.status === 'idle') tell('  Nothing is new: the answers are those of the newest snapshot.');
  const answers = await showAnswers(env, tell);
  tell(styled('bold', '\nEvery record is accounted for\n'));
  const status = await readStatus(env)();
  tell(statusText(status, onThisMachine));
  const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
  tell(`\nDone in ${seconds.toFixed(1)} s.`);
  tell(nextText(paths));
  return { files, run, status, answers, paths, seconds };
}

/** Brings in what has not come in before, files first: an event may then meet its customer. */
async function bringIn(env: Environment, request: GeneratorRequest, tell: Tell): Promise<FileSummary[]> {
  const summaries: FileSummary[] = [];
  const batch = createHash('sha256')
    .update(JSON.stringify(plantedTruths(request)))
    .update(JSON.stringify(request))
    .digest('hex');
  for (const file of generate(request)) {
    const key = { partition: 'generated', sort: `generated-${batch.slice(0, 16)}-${file.name}` };
    const isDone = (await env.hot.get('files', key)) !== undefined;
    const summary = isDone ? cameInBefore(file) : await bringInFile(env, file);
    if (!isDone) await env.hot.write([{ table: 'files', put: { ...key, values: { isDone: true } } }]);
    tell(`  ${styled('green', '✔')} ${file.name.padEnd(17)} ${outcomeOf(file, summary)}`);
    summaries.push(summary);
  }
  return summaries;
}

const cameInBefore = ({ name }: GeneratedFile): FileSummary => ({
  file: name,
  cameInBefore: true,
  received: 0,
  quarantined: 0,
});

function outcomeOf({ dataset }: GeneratedFile, { cameInBefore, received, quarantined }: FileSummary): string {
  if (cameInBefore) return 'came in before';
  const way = dataset === 'events' ? 'events through the stream' : 'rows through the file door';
  return `${count(received).padStart(9)} ${way}, ${count(quarantined)} to quarantine`;
}

/** Also a file of these bytes that a person had brought in with `upload` or `produce` came in before. */
async function bringInFile(env: Environment, file: GeneratedFile): Promise<FileSummary> {
  if (file.dataset === 'events') {
    const { sha256, bytes } = await fingerprintOf(bytesOf(file));
    const { produced, archived } = await produceAndArchive(env, { sha256, bytes, lines: recordsOf(file) });
    return produced.sent + archived.received === 0 ? cameInBefore(file) : summaryOf(file, archived);
  }
  const ingested = await upload(env, { dataset: file.dataset, open: () => bytesOf(file) });
  return ingested.isKnown ? cameInBefore(file) : summaryOf(file, ingested);
}

const summaryOf = ({ name }: GeneratedFile, { received, quarantined }: DoorCounts): FileSummary => ({
  file: name,
  cameInBefore: false,
  received,
  quarantined,
});

function* recordsOf(file: GeneratedFile): Iterable<Uint8Array> {
  for (const line of file.lines()) yield Buffer.from(line.trimEnd());
}

async function* bytesOf(file: GeneratedFile): AsyncIterable<Uint8Array> {
  for (const line of file.lines()) yield Buffer.from(line);
}

async function showAnswers(env: Environment, tell: Tell): Promise<DemoSummary['answers']> {
  const answers: DemoSummary['answers'] = [];
  for (const { sql, ...header } of readQueries(env.sql)) {
    const result = await env.warehouse.query(sql);
    tell(headingText(header));
    tell(tableText(highlight(header.name, result)));
    answers.push({ number: header.number, name: header.name, title: header.title, rowCount: result.rows.length });
  }
  return answers;
}

/** The summary as one table, a figure a row. */
function figuresOf({ files, run, status, answers, seconds }: DemoSummary): ResultSet {
  const figures = (part: string, name: string, values: object) =>
    Object.entries(values)
      .filter(([, value]) => typeof value === 'number' || typeof value === 'boolean')
      .map(([figure, value]): Scalar[] => [part, name, figure, value as Scalar]);
  return {
    columns: ['part', 'name', 'figure', 'value'].map((name) => ({ name, type: 'VARCHAR' })),
    rows: [
      ...files.flatMap((file) => figures('file', file.file, file)),
      ...run.steps.flatMap((step) => figures('step', step.step, step)),
      ...figures('run', run.runId, { snapshot: run.snapshot, seconds }),
      ...status.datasets.flatMap((counts) => figures('count', counts.dataset, counts)),
      ...answers.flatMap((answer) => figures('answer', answer.name, answer)),
    ],
  };
}

function nextText({ lake, warehouse, vault, keyDir }: PlatformPaths): string {
  const places = {
    [lake]: 'raw, clean and curated layers, snapshots, serving',
    [warehouse]: 'the star schema',
    [vault]: 'personal data, sealed',
    [keyDir]: 'the keys, apart from the data',
  };
  const widest = Math.max(...Object.keys(places).map((path) => path.length));
  const lines = Object.entries(places).map(([path, what]) => `  ${path.padEnd(widest)}  ${what}`);
  return `
Where it lies
${lines.join('\n')}

What to try next
  node bin/c360.mjs query --list
  node bin/c360.mjs query rfm_segmentation --format csv
  node bin/c360.mjs sql "select event_type, count(*) as events from fact_event group by event_type"
  node bin/c360.mjs quality
  node bin/c360.mjs runs
  node bin/c360.mjs status`;
}
