import { Command, InvalidArgumentError, Option } from 'commander';
import { parseRunRequest } from '../domain/lake/run-request.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import { newestSnapshot } from '../flows/documents.ts';
import { keptSnapshots, vacuumBesideRuns } from '../flows/vacuum.ts';
import { archiveStream } from '../local/archive-stream.ts';
import {
  type RunInput,
  type RunResult,
  type RunWatcher,
  rollBack,
  runPipeline,
  vacuumLake,
} from '../local/run-pipeline.ts';
import type { Environment } from '../ports.ts';
import { commands, engineOption, firstSteps, type GlobalOptions, globalOptions, withPlatform } from './context.ts';
import { count, printSummary, say, styled, wrapped } from './output.ts';
import { startOnAws } from './run-aws.ts';
import { openDeployment } from './target.ts';

export function runCommand(): Command {
  return new Command('run')
    .description('bring what is new from the raw layer to the answers')
    .option('--release', 'also take in what a rollback has withdrawn')
    .option('--detach', 'with --target aws: only start it')
    .addOption(engineOption())
    .addHelpText(
      'after',
      '\nWithout anything new, a run does nothing. A run that failed is taken up by the next.\n\nExamples:\n  $ c360 run\n  $ c360 run --release\n  $ c360 run --engine spark\n  $ c360 run --target aws --env prod',
    )
    .action(async ({ release, detach }: { release?: boolean; detach?: boolean }, command: Command) => {
      const globals = globalOptions(command);
      const input: RunInput = release ? { release } : {};
      if (globals.target === 'aws') return runAndTellOnAws(command, input, detach);
      refuseDetach(detach);
      await withPlatform(globals, 'write', async ({ env }) => {
        const { received } = await archiveStream(env, { patienceSeconds });
        if (received > 0) say(`  ${count(received)} events that waited in the stream are archived.`);
        await tellResult(env, await runPipeline(env, watcher(), input), globals);
      });
    });
}

export function replayCommand(): Command {
  return new Command('replay')
    .description('make tables anew, from raw records')
    .option('--from <date>', 'only the business dates from this one on, YYYY-MM-DD')
    .option('--to <date>', 'and up to this one')
    .addOption(new Option('--run <id>', 'only what an earlier run has touched').conflicts(['from', 'to']))
    .option('--detach', 'with --target aws: only start it')
    .addOption(engineOption())
    .addHelpText(
      'after',
      `
Without options every table is made anew, from all raw records: for models or contracts that have changed. With a range of
dates, or a run, only the partitions of these dates are, from the records that runs have consumed; what has come since waits
for the next run. Readers see the old tables until all are made. Records that a rollback has withdrawn stay out.

Examples:
  $ c360 replay
  $ c360 replay --from 2026-03-01 --to 2026-03-07
  $ c360 replay --run 20260307T030000Z-1f0c66a2`,
    )
    .action(async ({ detach, ...options }: ReplayOptions & { detach?: boolean }, command: Command) => {
      const globals = globalOptions(command);
      const input = replayInput(options);
      parseRunRequest(input);
      if (globals.target === 'aws') return runAndTellOnAws(command, input, detach);
      refuseDetach(detach);
      await withPlatform(globals, 'write', async ({ env }) => {
        await tellResult(env, await runPipeline(env, watcher(), input), globals);
      });
    });
}

interface ReplayOptions {
  from?: string;
  to?: string;
  run?: string;
}

function refuseDetach(detach: boolean | undefined): void {
  if (detach) throw new RefusedInput('--detach is for --target aws; on one machine a run ends with its command');
}

/** Starts the state machine, and follows it unless it is detached. */
async function runAndTellOnAws(command: Command, input: RunInput, isDetached = false): Promise<void> {
  const globals = globalOptions(command);
  if (command.getOptionValueSource('engine') === 'cli') {
    throw new RefusedInput('--engine is for --target local; on AWS the models run on Spark (Glue)');
  }
  const run = await startOnAws(globals, input);
  say(`  Execution ${run.execution} is started.`);
  if (!isDetached) return tellResult(run.env, await run.follow(watcher()), globals);
  say(`Next: ${commands(globals)('runs')}`);
  printSummary({ execution: run.execution }, globals.format);
}

function replayInput({ from, to, run }: ReplayOptions): RunInput {
  if (run !== undefined) return { kind: 'rerun', run };
  if (from === undefined && to === undefined) return { kind: 'replay' };
  // A range that is open at one end is this one day.
  return { kind: 'backfill', from: (from ?? to)!, to: (to ?? from)! };
}

export function rollbackCommand(): Command {
  return new Command('rollback')
    .description('show an earlier snapshot again')
    .argument('<snapshot>', 'its number; `c360 snapshots` lists them', wholeNumber)
    .addHelpText(
      'after',
      `
It is published as a new snapshot, and the warehouse is loaded from it. What later runs had taken in is held back until
\`c360 run --release\` takes it in again.

Examples:
  $ c360 rollback 3`,
    )
    .action(async (number: number, _options: object, command: Command) => {
      const globals = globalOptions(command);
      await withPlatform(globals, 'write', async ({ env }) => {
        await tellResult(env, await rollBack(env, number, watcher()), globals);
      });
    });
}

export function vacuumCommand(): Command {
  return new Command('vacuum')
    .description('remove old snapshots, and files that no kept snapshot names')
    .addOption(new Option('--keep <n>', 'newest snapshots to keep').default(keptSnapshots).argParser(wholeNumber))
    .option('--dry-run', 'only tell what would go')
    .addHelpText(
      'after',
      `
The newest snapshot and the one that the warehouse holds are always kept. Raw records are never removed. On AWS, where a function
does this each week, what was written or read within the last day is kept, too, and runs may go on meanwhile.

Examples:
  $ c360 vacuum --keep 3 --dry-run
  $ c360 vacuum --target aws --env prod`,
    )
    .action(async ({ keep, dryRun: isDryRun }: { keep: number; dryRun?: boolean }, command: Command) => {
      const globals = globalOptions(command);
      const { snapshots, files, bytes } =
        globals.target === 'aws'
          ? await vacuumBesideRuns((await openDeployment(globals)).env)({ keep, isDryRun })
          : await withPlatform(globals, 'write', ({ env }) => vacuumLake(env, { keep, isDryRun }));
      const removed = `${count(snapshots.length)} snapshots and ${count(files)} files, ${inMegabytes(bytes)}`;
      say(isDryRun ? `${removed}, would be removed.` : `${removed}, are removed.`);
      printSummary({ snapshots: snapshots.length, files, bytes, is_dry_run: isDryRun === true }, globals.format);
    });
}

const inMegabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

function wholeNumber(text: string): number {
  if (/^\d{1,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

/** Longer than the retries that take a record of ours to quarantine. */
const patienceSeconds = 60;

/** Where a step's outcome begins: behind its mark, name and time. */
const outcomeIndent = 32;

const noBreak = '\u00a0';

/** Digits in groups, but those of dates, and each figure on one line with its name. */
const readable = (outcome: string): string =>
  outcome.replaceAll(/(?<![\d-])\d{4,}(?![\d-])/g, (digits) => count(Number(digits))).replaceAll(/ (?=\d)/g, noBreak);

/** Runs the pipeline and tells each step as it passes. */
export const runAndTell = (env: Environment, tell: (line: string) => void = say): Promise<RunResult> =>
  runPipeline(env, watcher(tell));

/** Tells each step as it passes; on a terminal also the one that is going on. */
export function watcher(tell: (line: string) => void = say): RunWatcher {
  const isWatched = process.stderr.isTTY;
  const clear = () => {
    if (isWatched) process.stderr.write('\r\x1b[K');
  };
  return {
    started: (step) => {
      if (isWatched) process.stderr.write(`\r\x1b[K  … ${step}`);
    },
    over: clear,
    finished: ({ step, seconds, outcome }) => {
      clear();
      const time = `${seconds.toFixed(1)} s`.padStart(7);
      const told = wrapped(readable(outcome), outcomeIndent).replaceAll(noBreak, ' ');
      tell(`  ${styled('green', '✔')} ${step.padEnd(17)} ${time}   ${styled('dim', told)}`);
    },
    failed: ({ failedStep, whatToDo }) => {
      clear();
      const told = wrapped(whatToDo, outcomeIndent);
      tell(`  ${styled('red', '✘')} ${failedStep.padEnd(17)}  failed   ${styled('dim', told)}`);
    },
  };
}

async function tellResult(env: Environment, result: RunResult, globals: GlobalOptions): Promise<void> {
  const c360 = commands(globals);
  const held = (await newestSnapshot(env))?.held.length ?? 0;
  if (held > 0) say(`A rollback holds ${count(held)} raw objects back. To take them in: ${c360('run --release')}`);
  if (result.snapshot === 0) say(firstSteps(c360));
  else if (result.status === 'idle') say('Nothing is new: the answers are those of the newest snapshot.');
  else say(`Snapshot ${result.snapshot} is loaded. Next: ${c360('query --list')}`);
  const { steps, ...summary } = result;
  printSummary(globals.format === 'json' ? { ...summary, steps } : summary, globals.format);
}
