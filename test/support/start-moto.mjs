// Jest's global set-up: one moto server for all suites of a run, started beside them rather than before them.
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonEnvironment } from '../../scripts/python-env.mjs';

export default async function startMoto() {
  let python;
  try {
    python = pythonEnvironment();
  } catch (error) {
    if (process.env.CI) throw new Error(`The suites of the AWS adapters must run where CI is set: ${error.message}`);
    process.stderr.write(`\nNOTICE: the suites of the AWS adapters are skipped: ${error.message}\n`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'c360-moto-'));
  const log = openSync(join(folder, 'log'), 'w');
  const server = spawn(python, [join(import.meta.dirname, 'moto_server.py'), join(folder, 'port')], {
    stdio: ['pipe', log, log],
  });
  process.env.C360_MOTO_FOLDER = folder;
  globalThis.c360StopMoto = async () => {
    const hasEnded = new Promise((resolve) => server.once('exit', resolve));
    server.stdin.end();
    if (server.exitCode === null) await hasEnded;
    rmSync(folder, { recursive: true, force: true });
  };
}
