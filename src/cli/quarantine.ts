import { existsSync, realpathSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { type Dataset, datasets } from '../contracts/index.ts';
import type { RejectionKind } from '../domain/outcome.ts';
import { dayOf, isQuarantineOver, quarantineEnd } from '../domain/privacy/quarantine-day.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import type { QuarantineLine } from '../flows/door.ts';
import { type ExportedRecord, exportRecords, listExports } from '../flows/export-quarantine.ts';
import {
  type QuarantinedRecord,
  type QuarantineFilter,
  quarantinedRecords,
  redrivenRecords,
  ruleText,
  waitingRecords,
} from '../flows/quarantine.ts';
import type { Environment, ResultSet } from '../ports.ts';
import { globalOptions, limitOption, withPlatform } from './context.ts';
import { count, type Format, print, printResult, printSummary, say, tableText } from './output.ts';

export interface FilterOptions {
  id?: string[];
  dataset?: Dataset;
  rule?: string;
  since?: string;
}

/** The options that say which quarantined records are meant. */
export function withFilterOptions(command: Command): Command {
  return command
    .option('--id <ids...>', 'records with these ids')
    .addOption(new Option('--dataset <dataset>', 'records of this dataset').choices(datasets))
    .option('--rule <text>', 'records refused as this kind, or for a path and rule that hold this text')
    .option('--since <date>', 'records that arrived on this day (YYYY-MM-DD, UTC) or later');
}

export function filterOf({ id, dataset, rule, since }: FilterOptions): QuarantineFilter {
  if (since !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(since)) {
    throw new RefusedInput(`--since must be a date such as 2026-01-31, got ${since}`);
  }
  return {
    ...(id && { ids: new Set(id) }),
    ...(dataset && { dataset }),
    ...(rule && { rule }),
    ...(since && { since }),
  };
}

export function quarantineCommand(): Command {
  const command = new Command('quarantine')
    .description('refused records: list them, show why, export them for repair')
    .addHelpText(
      'after',
      `
Reasons never hold personal data, and bodies stay sealed but in an export. Records are kept 21 days.

Examples:
  $ c360 quarantine list --dataset customers --since 2026-01-31
  $ c360 quarantine list --rule "format email"
  $ c360 quarantine show 3f8a91c2b7d05e64
  $ c360 quarantine export --to ../repair.jsonl --rule schema_violation
  $ c360 redrive --from ../repair.jsonl`,
    );
  for (const part of [listCommand(), showCommand(), exportCommand(), exportsCommand()]) {
    command.addCommand(part.configureHelp({ showGlobalOptions: true }));
  }
  return command;
}

function listCommand(): Command {
  return withFilterOptions(new Command('list'))
    .description('the records that wait, and how many by rule')
    .addOption(limitOption(20))
    .action(async (options: FilterOptions & { limit: number }, command: Command) => {
      const globals = globalOptions(command);
      const filter = filterOf(options);
      await withPlatform(globals, 'read', async ({ env }) => {
        const rows: ResultSet['rows'] = [];
        const rules = new Map<string, number>();
        for await (const { id, dataset, line } of waitingRecords(env, filter)) {
          const texts = line.reasons.map(ruleText);
          rows.push([id, line.arrivedAt, dataset, line.kind, texts.join('; '), originText(line.origin)]);
          for (const text of texts) {
            const key = [dataset, line.kind, text].join('\n');
            rules.set(key, (rules.get(key) ?? 0) + 1);
          }
        }
        const arrivedAt = { name: 'arrived_at', type: 'TIMESTAMP' };
        const columns = [idColumn, arrivedAt, ...columnsOf('dataset', 'kind', 'rules', 'origin')];
        tellList({ columns, rows }, ruleCounts(rules), globals.format, options.limit);
      });
    });
}

/** Whole at any width: it is there to be copied. */
export const idColumn = { name: 'id', type: 'ID' };

const columnsOf = (...names: string[]) => names.map((name) => ({ name, type: 'VARCHAR' }));

function ruleCounts(rules: Map<string, number>): ResultSet {
  const rows = [...rules].map(([key, records]) => [...key.split('\n'), records]);
  rows.sort((a, b) => Number(b.at(-1)) - Number(a.at(-1)));
  return { columns: [...columnsOf('dataset', 'kind', 'rule'), { name: 'records', type: 'BIGINT' }], rows };
}

function tellList(records: ResultSet, rules: ResultSet, format: Format, limit: number): void {
  if (format === 'json') {
    const asObjects = rules.rows.map(([dataset, kind, rule, total]) => ({ dataset, kind, rule, records: total }));
    printResult(records, format, { about: { records: records.rows.length, rules: asObjects } });
    return;
  }
  printResult(format === 'table' ? forReading(records) : records, format, { limit, isTextWrapped: true });
  if (format === 'csv' || rules.rows.length === 0) return;
  print(`\nBy rule, of ${count(records.rows.length)} records\n${tableText(rules, { limit, isTextWrapped: true })}`);
  say('Next: c360 quarantine show <id>');
}

/** What tells records apart fits a narrow terminal: kind and origin are told by the counts below and by `show`. */
function forReading({ columns, rows }: ResultSet): ResultSet {
  const [id, arrivedAt, dataset, , rules] = columns as [Column, Column, Column, Column, Column];
  return {
    columns: [id, arrivedAt, dataset, rules],
    rows: rows.map((row) => [row[0]!, String(row[1]).slice(0, 16).replace('T', ' '), row[2]!, row[4]!]),
  };
}

type Column = ResultSet['columns'][number];

function originText({
  source_shard: shard,
  source_sequence: sequence,
  source_file: file,
  source_line: line,
}: Origin): string {
  return shard !== undefined ? `${shard} ${sequence}` : `line ${line} of file ${file}`;
}

type Origin = QuarantinedRecord['line']['origin'];

const adviceOf: Record<RejectionKind, string> = {
  not_json: 'correct the JSON at its producer, or in an export',
  not_csv: 'correct the cells in an export, or the file and upload it again',
  too_long: 'split the record at its source; what was kept of it is cut off',
  unknown_type: 'correct the type, or add the contract (docs/contracts.md lists those there are) and redrive',
  unknown_version: 'correct the version, or add it to the contract and redrive',
  schema_violation: 'correct the field at its source, or in an export',
  currency_without_rate: 'set a rate for it with `c360 rates`, then redrive',
  processing_failed: 'a fault of the platform: report it, update, and redrive',
  refused_by_gate: 'correct the columns in an export, or the check where it is wrong, and redrive',
};

function showCommand(): Command {
  return new Command('show')
    .description('why one record was refused and where it came from; never its body')
    .argument('<id>', 'as c360 quarantine list shows it')
    .action(async (id: string, _options: object, command: Command) => {
      const globals = globalOptions(command);
      await withPlatform(globals, 'read', async ({ env }) => {
        const { dataset, line } = await findRecord(env, id);
        const redrivenAt = (await redrivenRecords(env, dataset)).get(id);
        if (globals.format === 'csv') {
          const rows = line.reasons.map(({ path, rule, value = null }) => [id, line.kind, path, rule, value]);
          return printResult({ columns: columnsOf('id', 'kind', 'path', 'rule', 'value'), rows }, 'csv');
        }
        const { kind, contract, reasons, origin, arrivedAt } = line;
        const where = { dataset, kind, ...(contract && { contract }), reasons, origin, arrivedAt };
        const state =
          redrivenAt === undefined ? waitingState(id, line, env.clock.now()) : { state: `redriven ${redrivenAt}` };
        printSummary({ id, ...where, ...state }, globals.format);
      });
    });
}

function waitingState(id: string, { kind, sealedOn }: QuarantineLine, now: Date): { state: string; whatToDo: string } {
  if (isQuarantineOver(sealedOn, now)) return { state: 'expired', whatToDo: 'have it sent again from its source' };
  const whatToDo = `${adviceOf[kind]}; c360 quarantine export --id ${id} --to FILE, then c360 redrive --from FILE`;
  return { state: `waits until ${dayOf(quarantineEnd(sealedOn))}`, whatToDo };
}

async function findRecord(env: Environment, id: string): Promise<QuarantinedRecord> {
  for (const dataset of datasets) {
    for await (const record of quarantinedRecords(env, dataset)) if (record.id === id) return record;
  }
  throw new RefusedInput(
    `no record in quarantine has the id ${id}; c360 quarantine list shows the ids, and records are kept 21 days`,
  );
}

function exportCommand(): Command {
  return withFilterOptions(new Command('export'))
    .description('write records with their bodies to a file of mode 0600, to be repaired; each export is written down')
    .requiredOption('--to <file>', 'a new file outside the data directory')
    .action(async (options: FilterOptions & { to: string }, command: Command) => {
      const globals = globalOptions(command);
      const filter = filterOf(options);
      await withPlatform(globals, 'write', async ({ env, paths }) => {
        const file = targetOf(options.to, paths.dataDir);
        const { selected, records } = await exportRecords(env, filter, basename(file));
        const exported = await writePrivately(file, records);
        if (exported < selected) {
          say(`${count(selected - exported)} records can no longer be opened, since the key of their day is gone.`);
        }
        say(`The file holds personal data: delete it once its records are redriven. Next: c360 redrive --from ${file}`);
        printSummary({ file, exported }, globals.format);
      });
    });
}

/** The file's path with links followed, so that none leads into the data directory. */
function targetOf(to: string, dataDir: string): string {
  const folder = dirname(resolve(to));
  if (!existsSync(folder)) throw new RefusedInput(`${folder} is no folder; --to names a new file in one that is there`);
  const file = join(realpathSync(folder), basename(to));
  if (file.startsWith(`${realpathSync(dataDir)}/`)) {
    throw new RefusedInput(
      `--to must lie outside the data directory, got ${file}; what is exported holds personal data in the clear`,
    );
  }
  if (existsSync(file)) throw new RefusedInput(`${file} exists; --to names a new file, so that nothing is replaced`);
  return file;
}

/** Writes one record a line to a new file that only its owner may read, and returns their number; none of it is left where it fails. */
async function writePrivately(path: string, records: AsyncIterable<ExportedRecord>): Promise<number> {
  const file = await open(path, 'wx', 0o600);
  let written = 0;
  try {
    for await (const record of records) {
      await file.write(`${JSON.stringify(record)}\n`);
      written += 1;
    }
    return written;
  } catch (error) {
    await rm(path);
    throw error;
  } finally {
    await file.close();
  }
}

function exportsCommand(): Command {
  return new Command('exports')
    .description('the exports there were: when, how many records, to which file')
    .action(async (_options: object, command: Command) => {
      const globals = globalOptions(command);
      await withPlatform(globals, 'read', async ({ env }) => {
        const rows = (await listExports(env)).map(({ at, records, file }) => [at, records, file]);
        const columns = [
          { name: 'at', type: 'VARCHAR' },
          { name: 'records', type: 'BIGINT' },
          { name: 'file', type: 'VARCHAR' },
        ];
        printResult({ columns, rows }, globals.format);
      });
    });
}
