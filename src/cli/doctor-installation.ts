/** What the machine has of what the platform needs, and of what its development and its tests need besides. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Finding } from './doctor-finding.ts';
import { bytes } from './output.ts';

const root = join(import.meta.dirname, '../..');
const oldestNode = 24;
/** A run on the default data needs some hundred megabytes. */
const leastDisk = 500_000_000;

export async function examineInstallation(dataDir: string): Promise<Finding[]> {
  const python = await pythonPath();
  return Promise.all([
    nodeFinding(),
    contractsFinding(),
    duckDbFinding(),
    optional('Python', python, ['--version'], 'the suites of the AWS adapters need Python 3.10 or newer'),
    optional('moto', python, ['-c', 'import moto; print(moto.__version__)'], 'npm test installs it into .venv'),
    optional('Java', 'java', ['-version'], 'Spark needs Java 17 or 21'),
    optional('Spark', python, ['-c', 'import pyspark; print(pyspark.__version__)'], 'pip install pyspark==4.1.1'),
    diskFinding(dataDir),
  ]);
}

function nodeFinding(): Finding {
  const { node } = process.versions;
  const isPinned = process.execPath.startsWith(join(root, 'node_modules'));
  const found = `${node}${isPinned ? ', as pinned' : `, of this machine (${process.execPath})`}`;
  if (Number(node.split('.')[0]) >= oldestNode) return { check: 'Node.js', state: 'ok', found };
  return { check: 'Node.js', state: 'wrong', found, todo: 'run npm ci, and c360 by bin/c360.mjs' };
}

/** Compares what lies there with what the schemas give, since a file may have been edited or half written. */
async function contractsFinding(): Promise<Finding> {
  const check = 'generated contracts';
  const { generate } = await import('../contracts/build.ts');
  const { readSchemaFiles } = await import('../contracts/read-schemas.ts');
  const stale = Object.entries(generate(readSchemaFiles()))
    .filter(([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text)
    .map(([path]) => path);
  if (stale.length === 0) return { check, state: 'ok', found: 'as schemas/ says' };
  return { check, state: 'wrong', found: `not as schemas/ says: ${stale.join(', ')}`, todo: 'npm run build' };
}

async function duckDbFinding(): Promise<Finding> {
  try {
    const { version } = await import('@duckdb/node-api');
    return { check: 'DuckDB', state: 'ok', found: version() };
  } catch {
    const found = 'its library does not load on this machine';
    return { check: 'DuckDB', state: 'wrong', found, todo: 'delete node_modules and run npm ci' };
  }
}

async function pythonPath(): Promise<string> {
  const inEnvironment = join(root, '.venv/bin/python');
  return existsSync(inEnvironment) ? inEnvironment : 'python3';
}

async function optional(check: string, command: string, args: string[], todo: string): Promise<Finding> {
  const version = await versionOf(command, args);
  if (version) return { check, state: 'ok', found: version };
  return { check, state: 'note', found: 'not there; only development uses it', todo };
}

/** The first line that the command prints; undefined where it fails or is not there. */
function versionOf(command: string, args: string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: 20_000 }, (error, stdout, stderr) => {
      resolve(error ? undefined : (stdout || stderr).trim().split('\n')[0]);
    });
  });
}

function diskFinding(dataDir: string): Finding {
  let folder = dataDir;
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const found = `${bytes(free)} free at ${folder}`;
  if (free >= leastDisk) return { check: 'disk', state: 'ok', found };
  return {
    check: 'disk',
    state: 'wrong',
    found,
    todo: `free ${bytes(leastDisk)}, or name another place with --data-dir`,
  };
}
