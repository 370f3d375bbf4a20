import { Command } from 'commander';
import { readStatus, type Status } from '../flows/status.ts';
import { globalOptions, withPlatform } from './context.ts';
import { bytes, count, print, printResult, say, styled } from './output.ts';

export function statusCommand(): Command {
  return new Command('status')
    .description('what came in, where it is, and whether it adds up')
    .addHelpText(
      'after',
      `
received = raw + quarantined + suppressed, and raw = clean + duplicates + superseded + pending. Where that does not hold,
the command says so and its exit code is 1.

Examples:
  $ c360 status
  $ c360 status --format json`,
    )
    .action(async (_options: object, command: Command) => {
      const globals = globalOptions(command);
      await withPlatform(globals, 'read', async ({ env, paths }) => {
        const status = await readStatus(env)();
        if (globals.format === 'json') print(JSON.stringify({ ...status, paths }, null, 2));
        else tellStatus(status, globals.format);
        if (!status.isBalanced) {
          say(
            styled(
              'red',
              'The counts do not add up: records were lost or doubled. Please report this with the output above.',
            ),
          );
          process.exitCode = 1;
        }
      });
    });
}

const names = ['received', 'raw', 'quarantined', 'suppressed', 'clean', 'duplicates', 'superseded', 'pending'] as const;

export function tellStatus(status: Status, format: 'table' | 'csv' = 'table'): void {
  const columns = [
    { name: 'dataset', type: 'VARCHAR' },
    ...names.map((name) => ({ name, type: 'BIGINT' })),
    { name: 'adds_up', type: 'BOOLEAN' },
  ];
  const rows = status.datasets.map((row) => [row.dataset, ...names.map((name) => row[name]), row.isBalanced]);
  printResult({ columns, rows }, format);
  if (format === 'csv') return;
  const { snapshot } = status;
  print(
    snapshot
      ? `\nSnapshot ${snapshot.number} of ${snapshot.createdAt}: ${count(snapshot.files)} files, ${bytes(snapshot.bytes)}. ` +
          `The warehouse holds snapshot ${status.loadedSnapshot}.`
      : '\nNo snapshot yet. Next: c360 run',
  );
}
