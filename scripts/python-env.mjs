// Makes .venv, the project's Python environment, as requirements-dev.txt describes it. Plain JavaScript without
// dependencies, like scripts/pinned.mjs. Run by the test set-up, or by hand: node scripts/python-env.mjs
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const requirements = join(root, 'requirements-dev.txt');
const environment = join(root, '.venv');
const stamp = join(environment, 'requirements.sha256');
const isWindows = process.platform === 'win32';
const oldest = [3, 11];

/** The environment's interpreter, after creating or renewing the environment where that is needed. Throws an Error that says why not. */
export function pythonEnvironment(say = (line) => process.stderr.write(`${line}\n`)) {
  const python = join(environment, ...(isWindows ? ['Scripts', 'python.exe'] : ['bin', 'python']));
  if (existsSync(python) && existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint()) return python;
  const base = basePython();
  say('Installing the Python packages of requirements-dev.txt into .venv (once, about a minute and 600 MB) …');
  const started = Date.now();
  rmSync(environment, { recursive: true, force: true });
  run(base, ['-m', 'venv', environment]);
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements]);
  // Written last: an environment that an interrupted install left is made anew.
  writeFileSync(stamp, fingerprint());
  say(`Installed in ${Math.round((Date.now() - started) / 1000)} s.`);
  return python;
}

function fingerprint() {
  return createHash('sha256').update(readFileSync(requirements)).digest('hex');
}

function basePython() {
  const probe = 'import sys, venv, ensurepip; print(*sys.version_info[:2])';
  for (const name of ['python3', 'python']) {
    const { status, stdout } = spawnSync(name, ['-c', probe], { encoding: 'utf8' });
    const [major = 0, minor = 0] = status === 0 ? stdout.trim().split(' ').map(Number) : [];
    if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return name;
  }
  throw new Error(`Python ${oldest.join('.')} or newer with venv is needed, and there is none on the path`);
}

function run(command, args) {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  if (status === 0) return;
  const lastLine = stderr?.trim().split('\n').at(-1);
  throw new Error(`${args.slice(0, 3).join(' ')} failed: ${error?.message ?? lastLine ?? `status ${status}`}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    process.stdout.write(`${pythonEnvironment()}\n`);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
