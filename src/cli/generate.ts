import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import { fullDisk, isDiskFull } from '../adapters/local/full-disk.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import {
  type Fault,
  faultNames,
  type GeneratedFile,
  type GeneratorRequest,
  generate,
  generatorDefaults,
  generatorSizes,
  plantedFaults,
  plantedTruths,
} from '../generators/index.ts';
import { commands, globalOptions } from './context.ts';
import { printSummary, say } from './output.ts';
import { progress } from './progress.ts';

/** The options that say what to generate, for each command that generates. */
export function withGeneratorOptions(command: Command): Command {
  const whole = (text: string) => (/^\d+$/.test(text) ? Number(text) : Number.NaN);
  const { seed, customers, products, transactions, events, months, until } = generatorDefaults;
  return command
    .addOption(
      new Option('--size <size>', 'a preset for the sizes below')
        .choices(Object.keys(generatorSizes))
        .default('default'),
    )
    .option('--seed <n>', `equal seeds give equal bytes (${seed})`, whole)
    .option('--customers <n>', `customers (${customers})`, whole)
    .option('--products <n>', `products (${products})`, whole)
    .option('--transactions <n>', `transaction lines (${transactions})`, whole)
    .option('--events <n>', `events (${events})`, whole)
    .option('--months <n>', `months of history (${months})`, whole)
    .option('--until <date>', `last day (${until})`);
}

export function generateCommand(): Command {
  return withGeneratorOptions(new Command('generate'))
    .description('write synthetic customers, products, transactions and events to files')
    .option('--out <dir>', 'where the files go', './generated')
    .option('--force', 'replace files that are there')
    .option('--faults <names>', `faults to plant, with commas between them, or all: ${faultNames.join(', ')}`, faultsOf)
    .option('--fault-share <share>', `share of records that each fault adds (${generatorDefaults.faultShare})`, Number)
    .addHelpText(
      'after',
      `
The files hold synthetic personal data, as a shop's exports would. truths.json says what was planted in them, and
faults.jsonl which faults were planted at which lines and where each of these records must be found afterwards.

Examples:
  $ c360 generate --out ./generated
  $ c360 generate --size tiny --seed 7 --out /tmp/tiny
  $ c360 generate --size tiny --faults all --out /tmp/faulty
  $ c360 generate --faults duplicate,late --fault-share 0.01
  $ c360 generate --events 1000000 --transactions 500000`,
    )
    .action(async (options: GeneratorRequest & { out: string; force?: boolean }, command: Command) => {
      const globals = globalOptions(command);
      const directory = resolve(options.out);
      const files = generate(requestOf(options));
      const present = files.find(({ name }) => existsSync(join(directory, name)));
      if (present && !options.force) {
        throw new RefusedInput(`${join(directory, present.name)} exists; give another --out, or --force to replace it`);
      }
      mkdirSync(directory, { recursive: true });
      for (const file of files) await writeLines(join(directory, file.name), linesOf(file));
      const truths = `${JSON.stringify(plantedTruths(requestOf(options)), null, 2)}\n`;
      await writeLines(join(directory, 'truths.json'), Readable.from([truths]));
      const faults = await writeFaults(join(directory, 'faults.jsonl'), requestOf(options));
      const upload = commands(globals)(`upload customers ${join(options.out, 'customers.csv')}`);
      say(`Written to ${directory}. Next: ${upload}`);
      const counts = Object.fromEntries(files.map(({ name, count }) => [name, count]));
      printSummary({ ...counts, ...(options.faults && { 'faults.jsonl': faults }) }, globals.format);
    });
}

const faultsOf = (text: string): Fault[] => (text === 'all' ? [...faultNames] : (text.split(',') as Fault[]));

/** Writes the manifest, one planted record a line, and returns their number; without faults an older manifest goes. */
async function writeFaults(path: string, request: GeneratorRequest): Promise<number> {
  if (!request.faults) {
    rmSync(path, { force: true });
    return 0;
  }
  let count = 0;
  function* lines() {
    for (const planted of plantedFaults(request)) {
      count += 1;
      yield `${JSON.stringify(planted)}\n`;
    }
  }
  await writeLines(path, Readable.from(lines()));
  return count;
}

/** Only what the generator asks for, of all that a command was given. */
export function requestOf({
  size,
  seed,
  customers,
  products,
  transactions,
  events,
  months,
  until,
  faults,
  faultShare,
}: GeneratorRequest): GeneratorRequest {
  return { size, seed, customers, products, transactions, events, months, until, faults, faultShare };
}

/** A file's lines in blocks of some kilobytes, with a progress bar. */
async function* linesOf(file: GeneratedFile): AsyncIterable<string> {
  const bar = progress(file.name, file.count, 'records');
  let block: string[] = [];
  let done = 0;
  for (const line of file.lines()) {
    block.push(line);
    done += 1;
    if (block.length === 500) {
      yield block.join('');
      block = [];
      bar.update(done);
    }
  }
  yield block.join('');
  bar.stop();
}

/** Writes beside the target first, so that a file is there whole or not at all. */
async function writeLines(path: string, lines: AsyncIterable<string>): Promise<void> {
  const part = `${path}.part`;
  try {
    await pipeline(lines, createWriteStream(part));
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw isDiskFull(error) ? fullDisk(path, error) : error;
  }
}
