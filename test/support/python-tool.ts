/** Command-line tools of the Python environment, which the set-up of a test run makes. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';

const folder = join('.venv', process.platform === 'win32' ? 'Scripts' : 'bin');

/** `test` where there is a Python; else the tests are skipped, and the set-up has said so, or failed where CI is set. */
export const testWithPython = process.env.C360_MOTO_FOLDER === undefined ? test.skip : test;

/** What the tool prints. It may find something, and then ends with another status; one that cannot run is an error. */
export function runPythonTool(name: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(join(folder, name), args, (error, stdout, stderr) => {
      if (error && (typeof error.code !== 'number' || stderr)) reject(new Error(`${name}: ${error.message}`));
      else resolve(stdout);
    });
  });
}
