import { Command } from 'commander';
import { isDataDirectory, platformPaths } from '../local/platform.ts';
import { type GlobalOptions, globalOptions } from './context.ts';
import { examineDeployment } from './doctor-aws.ts';
import { examineData } from './doctor-data.ts';
import type { Finding } from './doctor-finding.ts';
import { examineInstallation } from './doctor-installation.ts';
import { print, printResult, say, styled } from './output.ts';
import { openDeployment } from './target.ts';

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('what is wrong with this machine and its data, or with a deployment, and what to do about it')
    .addHelpText(
      'after',
      `
Changes nothing. Its exit code is 1 where something is wrong; what is only missing for development is a note.

Examples:
  $ c360 doctor
  $ c360 doctor --data-dir /tmp/try --format json
  $ c360 doctor --target aws --env prod            of a deployment: its parts, what waits, the last run`,
    )
    .action(async (_options: object, command: Command) => {
      const globals = globalOptions(command);
      const findings = globals.target === 'aws' ? await examineAws(globals) : await examineMachine(globals);
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

async function examineMachine(globals: GlobalOptions): Promise<Finding[]> {
  const paths = platformPaths(globals);
  const findings = await examineInstallation(paths.dataDir);
  if (isDataDirectory(paths.dataDir)) findings.push(...(await examineData(globals, paths)));
  else findings.push({ check: 'data', state: 'note', found: `none in ${paths.dataDir}`, todo: 'npm start' });
  return findings;
}

async function examineAws(globals: GlobalOptions): Promise<Finding[]> {
  const { archiveFailures } = await import('../adapters/aws/deployment.ts');
  const { DeploymentProbes } = await import('../adapters/aws/deployment-probes.ts');
  const deployment = await openDeployment(globals);
  return examineDeployment(deployment, new DeploymentProbes(deployment), () => archiveFailures(deployment));
}

const marks = { ok: styled('green', '✔'), note: '·', wrong: styled('red', '✘') };

function tell({ check, state, found, todo }: Finding): void {
  print(`  ${marks[state]} ${check.padEnd(20)} ${found}`);
  if (todo) print(`${' '.repeat(25)}${styled('bold', todo)}`);
}
