import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { RefusedInput } from '../domain/refused-input.ts';
import { isDataDirectory, platformPaths, resetPlatform } from '../local/platform.ts';
import { globalOptions } from './context.ts';
import { printSummary, say } from './output.ts';

export function resetCommand(): Command {
  return new Command('reset')
    .description('delete the data directory and its keys')
    .option('--yes', 'do not ask')
    .addHelpText('after', '\nExamples:\n  $ c360 reset --yes\n  $ c360 reset --data-dir /tmp/try')
    .action(async (options: { yes?: boolean }, command: Command) => {
      const globals = globalOptions(command);
      const { dataDir, keyDir } = platformPaths(globals);
      if (isDataDirectory(dataDir) && !options.yes && !(await confirmed(dataDir, keyDir))) {
        throw new RefusedInput('nothing was deleted');
      }
      resetPlatform(globals);
      say('Deleted. Next: npm start');
      printSummary({ dataDir, keyDir }, globals.format);
    });
}

async function confirmed(dataDir: string, keyDir: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new RefusedInput('nobody can be asked here; give --yes to delete without asking');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Delete ${dataDir} and ${keyDir}, for good? (yes/no) `);
  terminal.close();
  return answer.trim().toLowerCase() === 'yes';
}
