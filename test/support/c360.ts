/** Runs the `c360` command as a user does, in a process of its own. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const repositoryRoot = join(import.meta.dirname, '../..');

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `c360` with these arguments, from the repository's root; never throws. */
export function c360(args: string[], env: Record<string, string> = {}): Promise<Finished> {
  return new Promise((resolve) => {
    const options = { cwd: repositoryRoot, env: { ...process.env, NO_COLOR: '1', ...env }, maxBuffer: 2 ** 28 };
    const child = execFile(process.execPath, ['bin/c360.mjs', ...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
    child.stdin?.end();
  });
}

/** An empty directory of its own, and what deletes it together with its key directory. */
export function temporaryDataDir(): { dataDir: string; remove: () => void } {
  const parent = mkdtempSync(join(tmpdir(), 'c360-test-'));
  return { dataDir: join(parent, 'data'), remove: () => rmSync(parent, { recursive: true, force: true }) };
}
