/** The key directory: the one secret of the local platform, kept apart from the data that it protects. */
import { hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { open, SealError, seal } from '../../domain/privacy/seal.ts';
import { writing } from './full-disk.ts';
import { refusal } from './refusal.ts';

/** Windows has no such modes: there the user's profile is what protects the directory. */
const hasModes = process.platform !== 'win32';

export class KeyDirectory {
  readonly #directory: string;
  readonly #rootKey: Uint8Array;

  /**
   * Opens the directory (mode 0700) and its `root.key` (32 bytes, mode 0600), creating both on first use. `protects` are
   * the paths of the stores that are unreadable without the key: where one exists and the key does not, that is an
   * AdapterError, since a new key would only hide the loss. So is a file or directory that others may read.
   */
  constructor(directory: string, options: { protects: string[] }) {
    this.#directory = directory;
    const path = join(directory, 'root.key');
    if (!statSync(path, { throwIfNoEntry: false })) {
      refuseToReplaceKeyOf(options.protects, path);
      writing(directory, () => mkdirSync(directory, { recursive: true, mode: 0o700 }));
      refuseWhereOthersMayRead(directory, '700');
      writing(path, () => createKeyFile(path));
    }
    refuseWhereOthersMayRead(directory, '700');
    refuseWhereOthersMayRead(path, '600');
    this.#rootKey = readFileSync(path);
    if (this.#rootKey.length !== 32) {
      throw refusal(`${path} must hold 32 bytes, got ${this.#rootKey.length}: restore it from its backup`);
    }
  }

  /** A 32-byte key for one purpose, the same whenever it is asked for. */
  derive(purpose: string): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#rootKey, '', purpose, 32));
  }

  /** Encrypts a key so that it may be stored beside the data; `context` says which key it is. */
  wrap(key: Uint8Array, context: string): string {
    return seal(this.derive('wrap'), key, context);
  }

  /** The key that was wrapped. AdapterError where that happened under another root key. */
  unwrap(wrapped: string, context: string): Uint8Array {
    try {
      return open(this.derive('wrap'), wrapped, context);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      throw refusal(
        `the ${context} was not wrapped under the root key in ${this.#directory}: restore the key directory that belongs to this data`,
      );
    }
  }
}

function refuseToReplaceKeyOf(stores: string[], path: string): void {
  const store = stores.find((candidate) => existsSync(candidate));
  if (!store) return;
  throw refusal(
    `${path} is missing, and ${store} cannot be read without it: name the key directory of this data with --key-dir, ` +
      'or restore it from its backup',
  );
}

function refuseWhereOthersMayRead(path: string, allowed: string): void {
  const mode = statSync(path).mode & 0o777;
  if (!hasModes || (mode & 0o077) === 0) return;
  throw refusal(`${path} has mode ${mode.toString(8)}, so that others may read it: run chmod ${allowed} ${path}`);
}

/** The key appears whole or not at all, and of two processes that create it both go on with the one that was first. */
function createKeyFile(path: string): void {
  const temporary = `${path}.${randomUUID()}`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeFileSync(file, randomBytes(32));
    fsyncSync(file);
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    closeSync(file);
    rmSync(temporary);
  }
  syncFolder(dirname(path));
}

/** Data sealed under a key whose directory entry a power cut took back would be lost. */
function syncFolder(path: string): void {
  if (!hasModes) return;
  const folder = openSync(path, 'r');
  fsyncSync(folder);
  closeSync(folder);
}
