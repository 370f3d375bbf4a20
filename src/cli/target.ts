/** Where a command works: on this machine, or on a deployment on AWS (`--target aws`). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { Deployment } from '../adapters/aws/deployment.ts';
import { SqlDirectory } from '../adapters/sql-directory.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import { repositoryRoot } from '../local/root.ts';
import { readSettings } from '../local/settings.ts';
import type { Environment } from '../ports.ts';
import { type Commands, commands, type GlobalOptions, globalOptions, targets, withPlatform } from './context.ts';

export const targetOptions = {
  target: new Option('--target <target>', 'this machine, or a deployment on AWS')
    .choices(targets)
    .env('C360_TARGET')
    .default('local' satisfies GlobalOptions['target']),
  env: new Option('--env <name>', 'the deployment on AWS').env('C360_ENV').default('dev'),
};

/** Commands that know AWS, and those that read and write files alone. */
const onAws = new Set([
  ...['produce', 'upload', 'run', 'replay', 'runs', 'query', 'sql', 'status', 'doctor', 'redrive'],
  ...['quality', 'snapshots', 'vacuum', 'rates', 'generate', 'validate', 'dictionary'],
]);

/** What to do instead on AWS. */
const insteadOf = (c360: Commands): Record<string, string> => ({
  demo: `deploy (docs/deploy.md), then bring data in with ${c360('upload DATASET FILE')} and ${c360('produce FILE')}`,
  serve: `there a schedule starts the runs and the stream is always read; ${c360('run')} starts one by hand`,
  rollback: `it works on one machine so far; there ${c360('replay')} makes tables anew, from corrected inputs`,
  trace: `there ${c360("sql 'select …'")} finds a row by its id; where it came from stands in the tables clean_*, which Athena reads`,
  quarantine: 'quarantined records wait in the lake there; have them sent again, corrected, by their source',
  reset: 'docs/deploy.md says how to take a deployment down',
});

/** RefusedInput where a command does not know AWS. */
export function checkTarget(command: Command): void {
  const globals = globalOptions(command);
  const { target, env } = globals;
  if (target === 'local') return;
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(env)) {
    throw new RefusedInput(`--env must be the name of a deployment, such as dev, got ${env}`);
  }
  const name = nameBelowProgram(command);
  if (onAws.has(name)) return;
  throw new RefusedInput(`c360 ${name} works with --target local only: ${insteadOf(commands(globals))[name]}`);
}

/** Of `runs show` it is `runs`. */
function nameBelowProgram(command: Command): string {
  const { parent } = command;
  return parent?.parent ? nameBelowProgram(parent) : command.name();
}

/** Finds the deployment. The SDK is loaded here and nowhere before, since local work does without. */
export async function openDeployment({ env: environment }: GlobalOptions): Promise<Deployment> {
  const { findDeployment } = await import('../adapters/aws/deployment.ts');
  return findDeployment({
    environment,
    variables: process.env,
    sql: new SqlDirectory(join(repositoryRoot, 'sql')),
    reportingCurrency: () => reportingCurrencyOf(environment),
  });
}

function reportingCurrencyOf(environment: string): string {
  if (!existsSync(join(repositoryRoot, `config/${environment}.yaml`))) {
    throw new RefusedInput(`config/${environment}.yaml must say the reporting currency; it is missing in this folder`);
  }
  return readSettings(repositoryRoot, environment).reportingCurrency;
}

/** What the target gives: on AWS all but engine and alerts. Work that reads needs no more of it than this. */
export async function withEnvironment<T>(
  globals: GlobalOptions,
  access: 'read' | 'write',
  work: (env: Environment) => Promise<T>,
): Promise<T> {
  if (globals.target === 'aws') return work((await openDeployment(globals)).env);
  return withPlatform(globals, access, ({ env }) => work(env));
}
