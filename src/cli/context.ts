/** What all sub-commands share: the global options, and opening and closing the platform around the work. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Expired, expire } from '../flows/expire.ts';
import { type EngineName, engineNames, openPlatform, type Platform } from '../local/platform.ts';
import { count, type Format, say } from './output.ts';

export const targets = ['local', 'aws'] as const;

/** Where the platform is on this machine. */
export interface LocalOptions {
  dataDir: string;
  keyDir?: string;
  format: Format;
  /** Of the commands that run models. */
  engine?: EngineName;
}

export interface GlobalOptions extends LocalOptions {
  target: (typeof targets)[number];
  /** The deployment on AWS, such as `dev`. */
  env: string;
}

/** A command of `c360` as a person types it for a place: `run` as `c360 run --target aws --env dev`. */
export type Commands = (command: string) => string;

export const commands = ({ target, env }: Pick<GlobalOptions, 'target' | 'env'>): Commands =>
  target === 'local' ? onThisMachine : (command) => `c360 ${command} --target ${target} --env ${env}`;

/** What there is to do where nothing has come in. */
export const firstSteps = (c360: Commands): string =>
  `Nothing has come in yet. Next: ${c360('upload DATASET FILE')} and ${c360('produce FILE')}`;

export const onThisMachine: Commands = (command) => `c360 ${command}`;

export const globalOptions = (command: Command): GlobalOptions => command.optsWithGlobals<GlobalOptions>();

/** The option `--limit` of commands that show rows. */
export function limitOption(rows: number): Option {
  return new Option('--limit <n>', 'rows shown in a table; 0 shows all').default(rows).argParser((text: string) => {
    if (/^\d+$/.test(text)) return Number(text);
    throw new InvalidArgumentError('It must be a whole number from 0 on; 0 shows all rows.');
  });
}

/** The option `--engine` of commands that run models. */
export const engineOption = () =>
  new Option('--engine <name>', 'what runs the models; Spark needs an installation of its own')
    .choices(engineNames)
    .default('duckdb' satisfies EngineName);

/**
 * Opens the platform for the work and closes it, also where the work throws. Work that only reads ends as soon as nobody
 * reads its output any more; work that writes is done to its end, and deletes first what is past its time.
 */
export async function withPlatform<T>(
  options: LocalOptions,
  access: 'read' | 'write',
  work: (platform: Platform) => Promise<T>,
): Promise<T> {
  const platform = openPlatform({ dataDir: options.dataDir, keyDir: options.keyDir, engine: options.engine, access });
  const end = () => process.exit();
  if (access === 'read') process.stdout.once('error', end);
  try {
    if (access === 'write') tellExpired(await expire(platform.env)());
    return await work(platform);
  } finally {
    process.stdout.off('error', end);
    platform.close();
  }
}

function tellExpired({ landing, quarantine, failures }: Expired): void {
  const told = [
    [landing, 'landing, not ingested within a day', 'files', 'Next: upload them again'],
    [quarantine, 'quarantine, not repaired within 21 days', 'objects', 'c360 status counts their records as expired'],
    [failures, 'the on-failure store, not redriven within 21 days', 'batches', 'Next: have their events sent again'],
  ] as const;
  for (const [number, where, what, next] of told) {
    if (number > 0) say(`Deleted from ${where}: ${count(number)} ${what}. ${next}`);
  }
}
