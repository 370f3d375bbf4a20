/** Whoever comes first on a fresh clone installs and generates; all others wait for it, and for nobody who has ended. */
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../support/c360.ts';
import { temporaryDirectories } from '../support/local-stores.ts';

const newDirectory = temporaryDirectories();
let root: string;
const at = (name: string) => join(root, name);

/** A clone with one package to install; what npm and the generator do is written down, and takes its time. */
beforeEach(() => {
  root = newDirectory();
  for (const name of ['pinned.mjs', 'lock.mjs']) cpSync(join(repositoryRoot, 'scripts', name), at(`scripts/${name}`));
  for (const name of ['schemas', 'src/contracts/generated', 'bin']) mkdirSync(at(name), { recursive: true });
  writeFileSync(at('package-lock.json'), '{"packages": {"": {}, "node_modules/one": {"version": "1.0.0"}}}');
  writeFileSync(
    at('src/contracts/build.ts'),
    `import { appendFileSync, writeFileSync } from 'node:fs';
     appendFileSync(${JSON.stringify(at('done'))}, 'generated\\n');
     writeFileSync(${JSON.stringify(at('src/contracts/generated/fingerprint'))}, process.argv[2]);`,
  );
  writeFileSync(
    at('bin/npm'),
    `#!/bin/sh
     echo "$1" >> done
     sleep 0.5
     mkdir -p node_modules && cp package-lock.json node_modules/.package-lock.json`,
  );
  chmodSync(at('bin/npm'), 0o755);
});

interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

const start = () =>
  new Promise<Finished>((resolve) => {
    const env = { ...process.env, PATH: `${at('bin')}:${process.env.PATH}` };
    const args = [at('scripts/pinned.mjs'), '-e', 'console.log("runs")'];
    execFile(process.execPath, args, { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
const done = () => readFileSync(at('done'), 'utf8').trim().split('\n');
const ran = { code: 0, stdout: 'runs\n' };

test('of several that find nothing installed one installs, and all run', async () => {
  const finished = await Promise.all(Array.from({ length: 4 }, start));
  expect(finished).toEqual(Array.from({ length: 4 }, () => expect.objectContaining(ran)));
  expect(done()).toEqual(['ci', 'generated']);
  expect(existsSync(at('.setup.lock'))).toBe(false);
  const waited = finished.filter(({ stderr }) => stderr.includes('Another process is installing'));
  expect(waited).toHaveLength(3);
});

test.each<[what: string, plant: () => void]>([
  ['has ended', () => writeFileSync(at(`.setup.lock/${spawnSync(process.execPath, ['-e', '']).pid}`), '')],
  ['ended before it named itself', () => utimesSync(at('.setup.lock'), 0, 0)],
  [
    'ended long ago and whose number another process has',
    () => {
      writeFileSync(at(`.setup.lock/${process.pid}`), '');
      utimesSync(at(`.setup.lock/${process.pid}`), 0, 0);
    },
  ],
])('the lock of a process that %s is taken by one of those who wait', async (_, plant) => {
  mkdirSync(at('.setup.lock'));
  plant();
  expect(await Promise.all([start(), start(), start()])).toEqual(Array(3).fill(expect.objectContaining(ran)));
  expect(done()).toEqual(['ci', 'generated']);
});

test('an installation that failed is told, and leaves no lock', async () => {
  writeFileSync(at('bin/npm'), '#!/bin/sh\nexit 1');
  const { code, stderr } = await start();
  expect([code, stderr]).toEqual([1, expect.stringContaining('npm ci failed')]);
  expect(existsSync(at('.setup.lock'))).toBe(false);
});

test('where all is there nothing is waited for', async () => {
  await start();
  mkdirSync(at('.setup.lock'));
  writeFileSync(at(`.setup.lock/${process.pid}`), '');
  expect(await start()).toEqual({ ...ran, stderr: '' });
});
