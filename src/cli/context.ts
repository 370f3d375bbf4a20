/** What all sub-commands share: the global options, and opening and closing the platform around the work. */
import type { Command } from 'commander';
import { openPlatform, type Platform } from '../local/platform.ts';
import type { Format } from './output.ts';

export interface GlobalOptions {
  dataDir: string;
  keyDir?: string;
  format: Format;
}

export const globalOptions = (command: Command): GlobalOptions => command.optsWithGlobals<GlobalOptions>();

/** Opens the platform for the work and closes it, also where the work throws. */
export async function withPlatform<T>(
  options: GlobalOptions,
  access: 'read' | 'write',
  work: (platform: Platform) => Promise<T>,
): Promise<T> {
  const platform = openPlatform({ dataDir: options.dataDir, keyDir: options.keyDir, access });
  try {
    return await work(platform);
  } finally {
    platform.close();
  }
}
