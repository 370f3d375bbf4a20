// A lock among processes on one machine: a directory, since making one fails where it is there, with a file in it that
// names the process. Plain JavaScript without dependencies, as what is installed under it.
import { mkdirSync, readdirSync, rmdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Longer than any installation takes: an older lock is that of a process whose number another one has got. */
const longestHeldMs = 30 * 60_000;
/** Longer than a process takes from making the directory to naming itself in it. */
const longestNamelessMs = 10_000;
const pollMs = 100;

/** Runs `work` while no other process holds the lock; `onWait` is told once where it has to be waited for. */
export function locked(path, work, onWait) {
  let isTold = false;
  while (!take(path)) {
    if (!isTold) onWait();
    isTold = true;
    breakStale(path);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollMs);
  }
  // Work may end the process.
  const release = () => attempt(() => giveBack(path, String(process.pid)));
  process.once('exit', release);
  try {
    return work();
  } finally {
    process.off('exit', release);
    release();
  }
}

function take(path) {
  return attempt(() => {
    mkdirSync(path);
    writeFileSync(join(path, String(process.pid)), '');
  });
}

/** Only one process can delete the holder's file, and only it deletes the directory, which must then be empty. */
function giveBack(path, holder) {
  unlinkSync(join(path, holder));
  rmdirSync(path);
}

/** Takes the lock from a process that has ended. */
function breakStale(path) {
  attempt(() => {
    const [holder] = readdirSync(path);
    if (holder === undefined && ageMs(path) > longestNamelessMs) rmdirSync(path);
    if (holder !== undefined && (!isRunning(Number(holder)) || ageMs(join(path, holder)) > longestHeldMs)) {
      giveBack(path, holder);
    }
  });
}

const ageMs = (path) => Date.now() - statSync(path).mtimeMs;

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process may not be asked.
    return error.code === 'EPERM';
  }
}

/** False where another process was first. */
function attempt(work) {
  try {
    work();
    return true;
  } catch (error) {
    if (['EEXIST', 'ENOENT', 'ENOTEMPTY'].includes(error.code)) return false;
    throw error;
  }
}
