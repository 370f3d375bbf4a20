/** A disk without room, told alike by all stores on this machine. */
import { AdapterError } from '../../ports.ts';

/** Of the device, and of this user's quota on it. */
const codes = ['ENOSPC', 'EDQUOT'];

export const isDiskFull = (error: unknown): boolean => codes.includes((error as NodeJS.ErrnoException).code ?? '');

/** What cannot be written at `path`: it may succeed later, once a person has made room. */
export function fullDisk(path: string, cause: unknown): AdapterError {
  const message = `${path} finds no space left on its disk; free some, and it can be tried again`;
  return new AdapterError(message, { retryable: true, cause });
}

/** Runs work that writes at `path`; an error of a full disk becomes an AdapterError, any other passes as it is. */
export function writing<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw isDiskFull(error) ? fullDisk(path, error) : error;
  }
}
