/** The set-up of the AWS suites says what it does where there is no Python. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryDirectories } from './local-stores.ts';

const root = join(import.meta.dirname, '../..');
const newDirectory = temporaryDirectories();

/** Runs the set-up of a copy of the project that has no Python environment yet, on a machine without Python. */
function startWithoutPython(env: Record<string, string>): { status: number | null; stdout: string; stderr: string } {
  const copy = newDirectory();
  mkdirSync(join(copy, 'test'));
  for (const path of ['scripts', 'requirements-dev.txt'])
    cpSync(join(root, path), join(copy, path), { recursive: true });
  cpSync(join(root, 'test/support'), join(copy, 'test/support'), { recursive: true });
  const setUp = pathToFileURL(join(copy, 'test/support/start-moto.mjs')).href;
  const code = `await (await import('${setUp}')).default(); console.log(process.env.C360_MOTO_FOLDER ?? 'no server');`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    env: { PATH: copy, ...env },
  });
  return run;
}

test('without Python the suites of the AWS adapters are skipped, with a notice', () => {
  const { status, stdout, stderr } = startWithoutPython({});
  expect([status, stdout.trim()]).toEqual([0, 'no server']);
  expect(stderr).toMatch(
    /NOTICE: the suites of the AWS adapters are skipped: Python 3\.11 or newer with venv is needed/,
  );
});

test('where CI is set, a missing Python is a failure', () => {
  const { status, stderr } = startWithoutPython({ CI: 'true' });
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/The suites of the AWS adapters must run where CI is set: Python 3\.11 or newer/);
});
