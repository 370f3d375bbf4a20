import { Command } from 'commander';
import { readStatus, type Status } from '../flows/status.ts';
import type { ResultSet } from '../ports.ts';
import { globalOptions, withPlatform } from './context.ts';
import { bytes, count, print, printResult, say, styled, tableText } from './output.ts';

export function statusCommand(): Command {
  return new Command('status')
    .description('what came in, where it is, and whether it adds up')
    .addHelpText(
      'after',
      `
received = raw + quarantined + expired + suppressed, and raw = clean + duplicates + superseded + pending. Where that does not hold,
the command says so and its exit code is 1. Expired records were not repaired within 21 days of quarantine; the table
shows their column once there are some.

Examples:
  $ c360 status
  $ c360 status --format json`,
    )
    .action(async (_options: object, command: Command) => {
      const globals = globalOptions(command);
      await withPlatform(globals, 'read', async ({ env, paths }) => {
        const status = await readStatus(env)();
        if (globals.format === 'json') print(JSON.stringify({ ...status, paths }, null, 2));
        else if (globals.format === 'csv') printResult(countsOf(status), 'csv');
        else print(statusText(status));
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

const names = [
  'received',
  'raw',
  'quarantined',
  'expired',
  'suppressed',
  'clean',
  'duplicates',
  'superseded',
  'pending',
] as const;

const newestLine = ({ snapshot, loadedSnapshot }: Status): string =>
  snapshot
    ? `Snapshot ${snapshot.number} of ${snapshot.createdAt}: ${count(snapshot.files)} files, ${bytes(snapshot.bytes)}. ` +
      `The warehouse holds snapshot ${loadedSnapshot}.`
    : 'No snapshot yet. Next: c360 run';

/** The counts as a table for people, with the newest snapshot. */
export const statusText = (status: Status): string =>
  [`${tableText(countsOf(status, shownNames(status)))}\n`, newestLine(status), ...waitingLines(status)].join('\n');

function waitingLines({ unfinishedFiles }: Status): string[] {
  if (unfinishedFiles === 0) return [];
  return [`The ingest of ${count(unfinishedFiles)} files was cut off. Next: upload them again`];
}

/** Most of the time nothing has expired, and its column would take the room of the others. */
const shownNames = ({ datasets }: Status) =>
  names.filter((name) => name !== 'expired' || datasets.some(({ expired }) => expired > 0));

/** The counts of each dataset. */
function countsOf(status: Status, shown: readonly (typeof names)[number][] = names): ResultSet {
  const columns = [
    { name: 'dataset', type: 'VARCHAR' },
    ...shown.map((name) => ({ name, type: 'BIGINT' })),
    { name: 'adds_up', type: 'BOOLEAN' },
  ];
  const rows = status.datasets.map((row) => [row.dataset, ...shown.map((name) => row[name]), row.isBalanced]);
  return { columns, rows };
}
