/** What tests of stores on this machine share: directories, a search through their bytes, processes that race. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A function that makes a new directory at each call; all go when the tests of the file have run. */
export function temporaryDirectories(): () => string {
  const root = mkdtempSync(join(tmpdir(), 'c360-'));
  afterAll(() => rmSync(root, { recursive: true }));
  let count = 0;
  return () => {
    count += 1;
    const directory = join(root, String(count));
    mkdirSync(directory);
    return directory;
  };
}

/** All files below a directory. */
export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The files below a directory whose bytes hold the text, as UTF-8 or UTF-16. */
export function filesHolding(directory: string, text: string): string[] {
  return filesBelow(directory).filter((path) => {
    const bytes = readFileSync(path);
    return bytes.includes(text) || bytes.includes(Buffer.from(text, 'utf16le'));
  });
}

/**
 * Runs the same JavaScript in several processes and returns what each handed to `report(value)`. The code waits at
 * `await start()` until every process has come that far.
 */
export async function raceProcesses<T>(count: number, code: string): Promise<T[]> {
  const prelude = `
    const start = () => new Promise((resolve) => { process.once('message', resolve); process.send('ready'); });
    const report = (value) => process.send(value, () => process.disconnect());
  `;
  const children = Array.from({ length: count }, () =>
    spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', prelude + code], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
  );
  const messages = () =>
    Promise.all(
      children.map(async (child) => {
        const ended = once(child, 'exit').then(([status]) => Promise.reject(new Error(`process ended with ${status}`)));
        const [message] = await Promise.race([once(child, 'message'), ended]);
        return message as T;
      }),
    );
  try {
    await messages();
    const results = messages();
    for (const child of children) child.send('start');
    return await results;
  } finally {
    for (const child of children) child.kill();
  }
}
