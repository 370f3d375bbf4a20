import { Command, Option } from 'commander';
import { RefusedInput } from '../domain/refused-input.ts';
import { listRuns, type RunRecord } from '../flows/run-record.ts';
import { isBeingWritten } from '../local/platform.ts';
import type { ResultSet } from '../ports.ts';
import { commands, type GlobalOptions, globalOptions, limitOption, withPlatform } from './context.ts';
import { type Format, print, printResult, printSummary, tableText } from './output.ts';
import { isDeadOnAws } from './run-aws.ts';
import { openDeployment } from './target.ts';

export function runsCommand(): Command {
  return new Command('runs')
    .description('list the runs of the pipeline, or show one')
    .addOption(new Option('--status <status>', 'only those that ended so').choices([...statuses]))
    .addOption(limitOption(20))
    .addHelpText(
      'after',
      `
The newest stands first. A run that was ended from outside is told as interrupted: the next run takes up what is missing.

Examples:
  $ c360 runs
  $ c360 runs --status failed --format json
  $ c360 runs --target aws --env prod
  $ c360 runs show 20260307T030000Z-1f0c66a2`,
    )
    .action(async ({ status, limit }: { status?: string; limit: number }, command: Command) => {
      const globals = globalOptions(command);
      const runs = (await recorded(globals)).filter((run) => !status || run.status === status);
      printResult(listed(runs), globals.format, { limit });
    })
    .addCommand(showCommand());
}

const statuses = ['running', 'succeeded', 'idle', 'failed', 'interrupted'] as const;

function showCommand(): Command {
  return new Command('show')
    .description('show what a run was asked, what it did, and why it failed')
    .argument('<run>', 'its id; `c360 runs` lists them')
    .addHelpText('after', '\nExamples:\n  $ c360 runs show 20260307T030000Z-1f0c66a2')
    .action(async (runId: string, _options: object, command: Command) => {
      const globals = globalOptions(command);
      const run = (await recorded(globals)).find((known) => known.runId === runId);
      if (!run)
        throw new RefusedInput(`there is no run ${runId}; ${commands(globals)('runs')} lists those that are known`);
      printRun(run, globals.format);
    });
}

/** A run is going on only while its execution is, and on this machine while somebody writes to the data directory. */
async function recorded(globals: GlobalOptions): Promise<RunRecord[]> {
  if (globals.target === 'aws') {
    const deployment = await openDeployment(globals);
    return listRuns(deployment.env)({ isDead: isDeadOnAws(deployment) });
  }
  return withPlatform(globals, 'read', ({ env, paths }) =>
    listRuns(env)({ isDead: () => !isBeingWritten(paths.dataDir) }),
  );
}

const listed = (runs: RunRecord[]): ResultSet => ({
  columns: [
    { name: 'run', type: 'VARCHAR' },
    { name: 'kind', type: 'VARCHAR' },
    { name: 'status', type: 'VARCHAR' },
    { name: 'started_at', type: 'TIMESTAMP' },
    { name: 'seconds', type: 'DOUBLE' },
    { name: 'snapshot', type: 'INTEGER' },
    { name: 'failed_step', type: 'VARCHAR' },
  ],
  rows: runs.map((run) => [
    run.runId,
    run.kind,
    run.status,
    run.startedAt,
    secondsOf(run),
    run.snapshot ?? null,
    run.failedStep ?? null,
  ]),
});

function secondsOf({ startedAt, finishedAt, steps }: RunRecord): number {
  const last = steps.at(-1);
  const end = finishedAt ? Date.parse(finishedAt) : last ? Date.parse(last.startedAt) + last.seconds * 1000 : 0;
  return Math.max(0, Math.round(end - Date.parse(startedAt)) / 1000);
}

function printRun({ steps, ...run }: RunRecord, format: Format): void {
  const columns = ['step', 'started_at', 'seconds', 'outcome'].map((name) => ({
    name,
    type: name === 'seconds' ? 'DOUBLE' : 'VARCHAR',
  }));
  const rows = steps.map(({ step, startedAt, seconds, outcome }) => [step, startedAt, seconds, outcome]);
  if (format === 'csv') printResult({ columns, rows }, format);
  else if (format === 'json') printSummary({ ...run, steps }, format);
  else {
    printSummary({ ...run, seconds: secondsOf({ ...run, steps }) }, format);
    print(`\n${tableText({ columns, rows }, { isTextWrapped: true })}`);
  }
}
