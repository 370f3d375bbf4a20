import { createReadStream, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { type Dataset, datasets } from '../contracts/index.ts';
import { noRates, type Rates } from '../domain/files/rates.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import { readRates } from '../flows/rates.ts';
import { type Validation, validateFile } from '../flows/validate.ts';
import { isDataDirectory } from '../local/platform.ts';
import { readSettings } from '../local/settings.ts';
import { commands, type GlobalOptions, globalOptions, withPlatform } from './context.ts';
import { readMapping } from './mapping-file.ts';
import { count, printResult, say, styled } from './output.ts';
import { progress } from './progress.ts';

const repositoryRoot = join(import.meta.dirname, '../..');

export function validateCommand(): Command {
  return new Command('validate')
    .description('try a file of events or rows against its contract, without bringing it in')
    .argument('<file>', 'events or rows, as produce and upload take them')
    .addOption(
      new Option('--dataset <dataset>', 'what the file holds (default: told by its columns)').choices(datasets),
    )
    .option('--map <file>', 'the YAML mapping that the file will be uploaded with')
    .addHelpText(
      'after',
      `
Counts the records that the door would refuse, by rule, with the first lines of each; values are not shown. Writes nothing
and needs no data directory; where there is one, its exchange rates count. Its exit code is 1 where a record would be refused.

Examples:
  $ c360 validate customers.csv
  $ c360 validate events.jsonl --format json
  $ c360 validate purchases.csv --map examples/cdnow/map.yaml`,
    )
    .action(async (path: string, options: { dataset?: Dataset; map?: string }, command: Command) => {
      const globals = globalOptions(command);
      if (!existsSync(path) || !statSync(path).isFile()) throw new RefusedInput(`${path} is no file; check the path`);
      const { dataset, mapping } = options.map
        ? readMapping(options.map, options.dataset)
        : { dataset: options.dataset, mapping: undefined };
      const bar = progress('validate', 0, 'records');
      const rates = await ratesFor(globals);
      const validation = await validateFile(
        { open: () => createReadStream(path), dataset, mapping },
        rates,
        (records) => bar.update(records),
      ).finally(() => bar.stop());
      tell(path, validation, globals);
      if (validation.refused > 0) process.exitCode = 1;
    });
}

/** The rates in force, or those of a deployment that has none yet. */
async function ratesFor(globals: GlobalOptions): Promise<Rates> {
  if (isDataDirectory(globals.dataDir)) return withPlatform(globals, 'read', ({ env }) => readRates(env));
  const { reportingCurrency } = readSettings(repositoryRoot);
  return noRates(reportingCurrency);
}

function tell(path: string, { rules, ...counts }: Validation, globals: GlobalOptions): void {
  const { format } = globals;
  const columns = [
    { name: 'path', type: 'VARCHAR' },
    { name: 'rule', type: 'VARCHAR' },
    { name: 'records', type: 'BIGINT' },
    { name: 'first_lines', type: 'VARCHAR' },
  ];
  const rows = rules.map(({ path, rule, records, firstLines }) => [path || '/', rule, records, firstLines.join(' ')]);
  if (format !== 'table' || rows.length > 0)
    printResult({ columns, rows }, format, { about: counts, isTextWrapped: true });
  const { received, refused, dataset } = counts;
  const bringIn = commands(globals)(`${dataset === 'events' ? 'produce' : `upload ${dataset}`} ${path}`);
  const verdict = `${count(refused)} of ${count(received)} records of ${dataset} in ${path} would be refused`;
  say(refused > 0 ? styled('red', `${verdict}.`) : `${verdict}. Next: ${bringIn}`);
}
