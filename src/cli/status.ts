import { Command } from 'commander';
import { readStatus, type Status } from '../flows/status.ts';
import type { ResultSet } from '../ports.ts';
import { globalOptions, withPlatform } from './context.ts';
import { bytes, count, type Format, print, printResult, say, styled, tableText } from './output.ts';
import { openDeployment } from './target.ts';

export function statusCommand(): Command {
  return new Command('status')
    .description('what came in, where it is, and whether it adds up')
    .addHelpText(
      'after',
      `
received = raw + quarantined + expired + suppressed, and raw = clean + duplicates + superseded + refused + pending + held.
Where that does not hold, the command says so and its exit code is 1. Expired records were not repaired within 21 days of
quarantine, refused ones broke a check of the clean layer, held ones were withdrawn by a rollback. The table leaves out a
column where all of it is 0 (--format csv and json are complete).

Examples:
  $ c360 status
  $ c360 status --format json`,
    )
    .action(async (_options: object, command: Command) => {
      const globals = globalOptions(command);
      if (globals.target === 'aws') {
        const { env, environment } = await openDeployment(globals);
        return tellStatus(await readStatus(env)(), globals.format, { deployment: environment });
      }
      await withPlatform(globals, 'read', async ({ env, paths }) =>
        tellStatus(await readStatus(env)(), globals.format, { paths }),
      );
    });
}

/** `place` says for programs where the platform is. */
function tellStatus(status: Status, format: Format, place: object): void {
  if (format === 'json') print(JSON.stringify({ ...status, ...place }, null, 2));
  else if (format === 'csv') printResult(countsOf(status), 'csv');
  else print(statusText(status));
  if (status.isBalanced) return;
  say(
    styled('red', 'The counts do not add up: records were lost or doubled. Please report this with the output above.'),
  );
  process.exitCode = 1;
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
  'refused',
  'pending',
  'held',
] as const;

const newestLine = ({ snapshot, loadedSnapshot, datasets }: Status): string =>
  snapshot
    ? `Snapshot ${snapshot.number} of ${snapshot.createdAt}: ${count(snapshot.files)} files, ${bytes(snapshot.bytes)}. ` +
      `The warehouse holds snapshot ${loadedSnapshot}.`
    : datasets.some(({ received }) => received > 0)
      ? 'No snapshot yet. Next: c360 run'
      : 'Nothing has come in yet. Next: c360 upload and c360 produce, or c360 demo';

/** The counts as a table for people, with the newest snapshot. */
export const statusText = (status: Status): string =>
  [`${tableText(countsOf(status, shownNames(status)))}\n`, newestLine(status), ...waitingLines(status)].join('\n');

function waitingLines({ unfinishedFiles }: Status): string[] {
  if (unfinishedFiles === 0) return [];
  return [`The ingest of ${count(unfinishedFiles)} files was cut off. Next: upload them again`];
}

/** All columns do not fit a narrow terminal: of these, those of zeros are left out. */
const leftOutIfZero: readonly string[] = [
  'expired',
  'suppressed',
  'duplicates',
  'superseded',
  'refused',
  'pending',
  'held',
];

const shownNames = ({ datasets }: Status) =>
  names.filter((name) => !leftOutIfZero.includes(name) || datasets.some((row) => row[name] > 0));

/** The counts of each dataset. */
function countsOf(status: Status, shown: readonly (typeof names)[number][] = names): ResultSet {
  const columns = [
    { name: 'dataset', type: 'VARCHAR' },
    { name: 'adds_up', type: 'BOOLEAN' },
    ...shown.map((name) => ({ name, type: 'BIGINT' })),
  ];
  const rows = status.datasets.map((row) => [row.dataset, row.isBalanced, ...shown.map((name) => row[name])]);
  return { columns, rows };
}
