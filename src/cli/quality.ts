import { Command } from 'commander';
import { adviceOf, type QualityReport, summaryOf, trendOf } from '../domain/quality/report.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import { readQualityReport } from '../flows/quality-report.ts';
import type { ResultSet } from '../ports.ts';
import { type Commands, commands, globalOptions } from './context.ts';
import { type Format, print, printResult, say, styled, tableText, wrapped } from './output.ts';
import { withEnvironment } from './target.ts';

export function qualityCommand(): Command {
  return new Command('quality')
    .description('what the checks of a run found, and what to do about it')
    .argument('[run]', 'its id; the newest by default')
    .option('--all', 'also the checks that passed')
    .addHelpText(
      'after',
      `
A check that warns lets the run pass. One of severity error refuses the rows that break it, or stops the run: then readers see
what they saw before. The whole report lies in reports/quality/ of the lake, as Markdown and as JSON.

Examples:
  $ c360 quality
  $ c360 quality --all
  $ c360 quality --format json`,
    )
    .action(async (run: string | undefined, { all = false }: { all?: boolean }, command: Command) => {
      const globals = globalOptions(command);
      const c360 = commands(globals);
      await withEnvironment(globals, 'read', async (env) => {
        const report = await readQualityReport(env, run);
        if (report) tellReport(report, globals.format, { isWhole: all, c360 });
        else if (run === undefined) say(`No run has been judged yet. Next: ${c360('run')}`);
        else throw new RefusedInput(`there is no quality report of a run ${run}; ${c360('quality')} shows the newest`);
      });
    });
}

interface Telling {
  /** Also the checks that passed. */
  isWhole: boolean;
  c360: Commands;
}

function tellReport(report: QualityReport, format: Format, telling: Telling): void {
  if (format === 'json') print(JSON.stringify(report, null, 2));
  else if (format === 'csv') printResult(checksOf(report.checks), 'csv');
  else tellPeople(report, telling);
}

function tellPeople(report: QualityReport, { isWhole, c360 }: Telling): void {
  const open = report.checks.filter(({ outcome }) => outcome !== 'passed');
  print(`Run ${report.runId}, judged ${report.judgedAt}`);
  print(wrapped(summaryOf(report), 0));
  const shown = isWhole ? report.checks : open;
  if (shown.length > 0) print(`\n${tableText(checksOf(shown), { isTextWrapped: true })}`);
  for (const check of open) {
    const { table, name, why, note, examples } = check;
    print(`\n${styled('bold', `${table} ${name}`)}`);
    const lines = [`${why}.`, note, examples && `For example: ${examples.join('; ')}`, adviceOf(check, c360)];
    for (const line of lines) if (line) print(`  ${wrapped(line, 2)}`);
  }
}

function checksOf(checks: QualityReport['checks']): ResultSet {
  const names = ['table', 'check', 'outcome'].map((name) => ({ name, type: 'VARCHAR' }));
  const counts = ['failures', 'rows'].map((name) => ({ name, type: 'BIGINT' }));
  return {
    columns: [...names, ...counts, { name: 'trend', type: 'VARCHAR' }],
    rows: checks.map((check) => [check.table, check.name, check.outcome, check.failures, check.rows, trendOf(check)]),
  };
}
