import { Command } from 'commander';
import { isDataDirectory, platformPaths } from '../local/platform.ts';
import { globalOptions } from './context.ts';
import { examineData } from './doctor-data.ts';
import type { Finding } from './doctor-finding.ts';
import { examineInstallation } from './doctor-installation.ts';
import { print, printResult, say, styled } from './output.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('what is installed, what is wrong with this data directory, and what to do about it')
    .addHelpText(
      'after',
      `
Changes nothing. Its exit code is 1 where something is wrong; what is only missing for development is a note.

Examples:
  $ c360 doctor
  $ c360 doctor --data-dir /tmp/try --format json`,
    )
    .action(async (_options: object, command: Command) => {
      const globals = globalOptions(command);
      const paths = platformPaths(globals);
      const findings = await examineInstallation(paths.dataDir);
      if (isDataDirectory(paths.dataDir)) findings.push(...(await examineData(globals, paths)));
      else findings.push({ check: 'data', state: 'note', found: `none in ${paths.dataDir}`, todo: 'npm start' });
      const wrong = findings.filter(({ state }) => state === 'wrong').length;
      if (globals.format === 'json') print(JSON.stringify({ isHealthy: wrong === 0, findings }, null, 2));
      else if (globals.format === 'table') findings.forEach(tell);
      else {
        const columns = ['check', 'state', 'found', 'to_do'].map((name) => ({ name, type: 'VARCHAR' }));
        const rows = findings.map(({ check, state, found, todo = '' }) => [check, state, found, todo]);
        printResult({ columns, rows }, globals.format);
      }
      say(wrong > 0 ? styled('red', `\nThings that are wrong: ${wrong}.`) : styled('green', '\nNothing is wrong.'));
      if (wrong > 0) process.exitCode = 1;
    });
}

const marks = { ok: styled('green', '✔'), note: '·', wrong: styled('red', '✘') };

function tell({ check, state, found, todo }: Finding): void {
  print(`  ${marks[state]} ${check.padEnd(20)} ${found}`);
  if (todo) print(`${' '.repeat(25)}${styled('bold', todo)}`);
}
