/** The README's commands do what it says: each runs as it stands there, in a folder that looks like a clone. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from '../support/c360.ts';

const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');
const commands = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => block!.trim().split('\n'));

describe('the README', () => {
  const clone = mkdtempSync(join(tmpdir(), 'c360-readme-'));
  for (const name of ['bin', 'package.json']) symlinkSync(join(repositoryRoot, name), join(clone, name));
  afterAll(() => rmSync(clone, { recursive: true }));

  test('begins with the two commands, and CI runs its test command', () => {
    expect(commands.slice(0, 2)).toEqual(['npm start', 'npm test']);
    expect(readFileSync(join(repositoryRoot, '.ci/run'), 'utf8')).toMatch(/^npm test$/m);
  });

  // `npm test` is what runs this; `npm start` has its own test at full size, and runs here small.
  const runnable = commands
    .map((command) => (command === 'npm start' ? 'npm start -- --once --size tiny' : command))
    .filter((command) => command !== 'npm test');

  test.each(runnable)('%s', async (command) => {
    const { code, output } = await shell(command);
    expect([command, code, output]).toEqual([command, 0, expect.not.stringContaining('error')]);
  });

  test('names no file or folder that is not there', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path!);
    const folders = [...readme.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`([^`]+)`/g)].map(([, path]) => path!),
    );
    expect([...links, ...folders].length).toBeGreaterThan(15);
    for (const path of [...links, ...folders])
      expect([path, existsSync(join(repositoryRoot, path))]).toEqual([path, true]);
  });

  function shell(command: string): Promise<{ code: number; output: string }> {
    return new Promise((resolve) => {
      const options = { cwd: clone, env: { ...process.env, NO_COLOR: '1' }, maxBuffer: 2 ** 26 };
      execFile('bash', ['-c', command], options, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
      );
    });
  }
});
