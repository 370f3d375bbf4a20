// Loaded before the `c360` command (`node --import`): counts what the command changes on disk, step by step of a run, and
// sends the process a signal at one of these calls. `C360_STOP_AT` is JSON (`StopPoint` of stopped-run.ts); without it each
// call is told on file descriptor 3, a line of JSON each, with it only that one.
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { DuckDBPreparedStatement } from '@duckdb/node-api';

const stopAt = process.env.C360_STOP_AT && JSON.parse(process.env.C360_STOP_AT);
const { appendFileSync, readFileSync, writeSync } = fs;

/** The step that the command has told last. It tells the one that goes on only where somebody watches. */
let step;
let number = 0;
Object.defineProperty(process.stderr, 'isTTY', { value: true });
const write = process.stderr.write.bind(process.stderr);
process.stderr.write = (text, ...rest) => {
  const started = / {2}… (.+)$/.exec(String(text))?.[1];
  if (started) [step, number] = [started, 0];
  return write(text, ...rest);
};

const tell = (call) => writeSync(3, `${JSON.stringify(call)}\n`);

function stop(name, when) {
  tell({ step, number: stopAt.number, name, when });
  process.kill(process.pid, stopAt.signal);
}

/** Counts a call; what it returns says whether the process is to end at this one, and how. */
function counted() {
  if (!step) return undefined;
  number += 1;
  return stopAt?.step === step && stopAt.number === number ? stopAt.when : undefined;
}

/** Replaces a function that returns when its work is done. `half` does a part of it. */
function around(owner, name, half) {
  const original = owner[name];
  owner[name] = function (...args) {
    const when = counted();
    const own = number;
    if (when === 'before') stop(name, when);
    if (when === 'during') {
      half.apply(this, args);
      stop(name, when);
    }
    const result = original.apply(this, args);
    if (when === 'after') stop(name, when);
    if (step && !stopAt) tell({ step, number: own, name, phases: ['before', ...(half ? ['during'] : []), 'after'] });
    return result;
  };
}

/** The same for one that returns a promise. Without `half`, `during` is a time after its beginning. */
function aroundAsync(owner, name, { isLong = false, half } = {}) {
  const original = owner[name];
  owner[name] = async function (...args) {
    const when = counted();
    const own = number;
    const stepOfCall = step;
    if (when === 'before') stop(name, when);
    if (when === 'during' && half) {
      await half.apply(this, args);
      stop(name, when);
    }
    const began = performance.now();
    if (when === 'during') setTimeout(() => stop(name, when), stopAt.afterMs);
    const result = await original.apply(this, args);
    // One that the machine lets run faster than the measured one has come to its end.
    if (when === 'after' || when === 'during') stop(name, when);
    if (stepOfCall && !stopAt) {
      const phases = ['before', ...(isLong || half ? ['during'] : []), 'after'];
      tell({ step: stepOfCall, number: own, name, phases, ms: performance.now() - began });
    }
    return result;
  };
}

around(fs, 'renameSync');
around(fs, 'mkdirSync');
around(fs, 'rmSync');
around(fs, 'copyFileSync', (from, to) => {
  const bytes = readFileSync(from);
  appendFileSync(to, bytes.subarray(0, bytes.length / 2));
});
for (const name of ['rename', 'link', 'unlink', 'mkdir', 'rm']) aroundAsync(promises, name);
const { open } = promises;
promises.open = async (...args) => {
  const file = await open(...args);
  const writeWhole = file.writeFile.bind(file);
  aroundAsync(file, 'writeFile', { half: (body) => writeWhole(body.subarray(0, body.length / 2)) });
  return file;
};
syncBuiltinESMExports();
around(DatabaseSync.prototype, 'exec');
around(StatementSync.prototype, 'run');
aroundAsync(DuckDBPreparedStatement.prototype, 'runAndReadAll', { isLong: true });
