/** What all sub-commands share: the global options, and opening and closing the platform around the work. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { openPlatform, type Platform } from '../local/platform.ts';
import type { Format } from './output.ts';

export interface GlobalOptions {
  dataDir: string;
  keyDir?: string;
  format: Format;
}

export const globalOptions = (command: Command): GlobalOptions => command.optsWithGlobals<GlobalOptions>();

/** The option `--limit` of commands that show rows. */
export function limitOption(rows: number): Option {
  return new Option('--limit <n>', 'rows shown in a table; 0 shows all').default(rows).argParser((text: string) => {
    if (/^\d+$/.test(text)) return Number(text);
    throw new InvalidArgumentError('It must be a whole number from 0 on; 0 shows all rows.');
  });
}

/**
 * Opens the platform for the work and closes it, also where the work throws. Work that only reads ends as soon as nobody
 * reads its output any more; work that writes is done to its end.
 */
export async function withPlatform<T>(
  options: GlobalOptions,
  access: 'read' | 'write',
  work: (platform: Platform) => Promise<T>,
): Promise<T> {
  const platform = openPlatform({ dataDir: options.dataDir, keyDir: options.keyDir, access });
  if (access === 'read') process.stdout.once('error', () => process.exit());
  try {
    return await work(platform);
  } finally {
    platform.close();
  }
}
