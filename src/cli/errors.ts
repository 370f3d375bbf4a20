/** What a person is told of an error. */
import { RefusedInput } from '../domain/refused-input.ts';
import { SnapshotTaken } from '../flows/publish-snapshot.ts';
import { RunLocked } from '../flows/run-lock.ts';
import { GeneratorOptionError } from '../generators/index.ts';
import { RunFailed } from '../local/run-pipeline.ts';
import { AdapterError, EngineError } from '../ports.ts';

/** Failures that a person can act on are told in a line; all others are faults of the platform and keep their stack. */
const expected = [RefusedInput, AdapterError, EngineError, SnapshotTaken, RunLocked, RunFailed, GeneratorOptionError];

/** What the file system refuses, by the code of its error. */
const refusals: Record<string, string> = {
  EACCES: 'this user may not read or write it; give the right, or choose another place (--data-dir, --key-dir, --out)',
  EPERM: 'this user may not change it; give the right, or choose another place (--data-dir, --key-dir, --out)',
  EROFS: 'it lies on a read-only file system; choose another place (--data-dir, --key-dir, --out)',
  ENOSPC: 'no space is left on the disk; free some and run the command again',
  EDQUOT: 'no space is left to this user on the disk; free some and run the command again',
};

/** A line where there is something to do about it, else the stack. */
export function lineOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isExpected = expected.some((kind) => error instanceof kind);
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    // Where there is no path, the message of an expected failure says what it was about.
    const { code = '', path = isExpected ? undefined : code } = cause as NodeJS.ErrnoException;
    if (path !== undefined && refusals[code]) return `${path}: ${refusals[code]}`;
  }
  return isExpected ? error.message : String(error.stack);
}
