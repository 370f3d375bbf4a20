import { Command } from 'commander';
import { readStatus, type Status } from '../flows/status.ts';
import type { ResultSet } from '../ports.ts';
import { type Commands, commands, firstSteps, type GlobalOptions, globalOptions, withPlatform } from './context.ts';
import { lineOf } from './errors.ts';
import { bytes, count, print, printResult, say, styled, tableText } from './output.ts';
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
column where all of it is 0 (--format csv and json are complete). A warehouse that could not be asked is told beside the
counts, with exit code 1 too.

Examples:
  $ c360 status
  $ c360 status --target aws --env prod
  $ c360 status --format json`,
    )
    .action(async (_options: object, command: Command) => {
      const globals = globalOptions(command);
      if (globals.target === 'aws') {
        const { env, environment } = await openDeployment(globals);
        return tellStatus(await readStatus(env)(), globals, { deployment: environment });
      }
      await withPlatform(globals, 'read', async ({ env, paths }) =>
        tellStatus(await readStatus(env)(), globals, { paths }),
      );
    });
}

/** `place` says for programs where the platform is. */
function tellStatus({ warehouseError, ...status }: Status, globals: GlobalOptions, place: object): void {
  const { format } = globals;
  if (format === 'json') {
    const whyNot = warehouseError && lineOf(warehouseError);
    print(JSON.stringify({ ...status, warehouseError: whyNot, ...place }, null, 2));
  } else if (format === 'csv') printResult(countsOf(status), 'csv');
  else print(statusText(status, commands(globals)));
  tellUnasked(warehouseError);
  if (!status.isBalanced) {
    sayWrong('The counts do not add up: records were lost or doubled. Please report this with the output above.');
  }
}

/** Tells on stderr, and by the exit code, of a warehouse that could not be asked. */
export function tellUnasked(warehouseError: Error | undefined): void {
  if (warehouseError) sayWrong(`The warehouse could not be asked: ${lineOf(warehouseError)}`);
}

function sayWrong(what: string): void {
  say(styled('red', what));
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

function newestLine({ snapshot, loadedSnapshot, datasets }: Status, c360: Commands): string {
  if (!snapshot) {
    return datasets.some(({ received }) => received > 0) ? `No snapshot yet. Next: ${c360('run')}` : firstSteps(c360);
  }
  const loaded = loadedSnapshot === undefined ? '' : ` The warehouse holds snapshot ${loadedSnapshot}.`;
  const size = `${count(snapshot.files)} files, ${bytes(snapshot.bytes)}`;
  return `Snapshot ${snapshot.number} of ${snapshot.createdAt}: ${size}.${loaded}`;
}

/** The counts as a table for people, with the newest snapshot. */
export const statusText = (status: Status, c360: Commands): string =>
  [`${tableText(countsOf(status, shownNames(status)))}\n`, newestLine(status, c360), ...waitingLines(status)].join(
    '\n',
  );

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
