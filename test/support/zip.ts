/** Archives as a deployment makes them of folders. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from './c360.ts';

/** The folder's content as a zip archive. */
export function zipOf(folder: string): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'c360-zip-'));
  try {
    const archive = join(directory, 'archive.zip');
    const python = join(repositoryRoot, '.venv/bin/python');
    execFileSync(python, ['-m', 'zipfile', '-c', archive, ...readdirSync(folder)], { cwd: folder });
    return readFileSync(archive);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
