import { Command } from 'commander';
import { type RunResult, runPipeline } from '../local/run-pipeline.ts';
import type { Environment } from '../ports.ts';
import { globalOptions, withPlatform } from './context.ts';
import { count, type Format, printSummary, say, styled, wrapped } from './output.ts';

export function runCommand(): Command {
  return new Command('run')
    .description('bring what is new from the raw layer to the answers')
    .addHelpText(
      'after',
      '\nWithout anything new, a run does nothing. A run that failed is taken up by the next.\n\nExamples:\n  $ c360 run',
    )
    .action(async (_options: object, command: Command) => {
      const globals = globalOptions(command);
      await withPlatform(globals, 'write', async ({ env }) => {
        const result = await runAndTell(env);
        tellResult(result, globals.format);
      });
    });
}

/** Where a step's outcome begins: behind its mark, name and time. */
const outcomeIndent = 32;

const noBreak = '\u00a0';

/** Digits in groups, and each figure on one line with its name. */
const readable = (outcome: string): string =>
  outcome.replaceAll(/\b\d{4,}\b/g, (digits) => count(Number(digits))).replaceAll(/ (?=\d)/g, noBreak);

/** Runs the pipeline and tells each step as it passes; on a terminal also the one that is going on. */
export function runAndTell(env: Environment, tell: (line: string) => void = say): Promise<RunResult> {
  const isWatched = process.stderr.isTTY;
  return runPipeline(env, {
    started: (step) => {
      if (isWatched) process.stderr.write(`  … ${step}`);
    },
    finished: ({ step, seconds, outcome }) => {
      if (isWatched) process.stderr.write('\r\x1b[K');
      const time = `${seconds.toFixed(1)} s`.padStart(7);
      const told = wrapped(readable(outcome), outcomeIndent).replaceAll(noBreak, ' ');
      tell(`  ${styled('green', '✔')} ${step.padEnd(17)} ${time}   ${styled('dim', told)}`);
    },
  });
}

function tellResult(result: RunResult, format: Format): void {
  if (result.status === 'idle') say('Nothing is new: the answers are those of the newest snapshot.');
  else say(`Snapshot ${result.snapshot} is loaded. Next: c360 query --list`);
  const { steps, ...summary } = result;
  printSummary(format === 'json' ? { ...summary, steps } : summary, format);
}
