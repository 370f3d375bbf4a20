/** The object store on one machine: a directory whose files are the objects. */
import { randomUUID } from 'node:crypto';
import { createReadStream, type Dirent, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { objectKeyProblem, reservedSegment } from '../../domain/limits/object-key.ts';
import { AdapterError, type ObjectStore, type StoredObject } from '../../ports.ts';
import { fullDisk, isDiskFull, writing } from './full-disk.ts';
import { refusal } from './refusal.ts';

/** Where objects are written before they get their names. */
const temporaryFolder = reservedSegment;

/**
 * An interrupted put leaves its file behind, which may hold personal data: beside other writers it goes after as long as
 * landing is kept.
 */
const temporaryLifetimeMs = 24 * 3_600_000;

/** Codes that mean: nothing stands at this key (a folder is no object, nor is a path through an object). */
const absentCodes = ['ENOENT', 'ENOTDIR', 'EISDIR'];
const retryableCodes = ['EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY'];

export class DirectoryObjectStore implements ObjectStore {
  readonly #directory: string;

  /**
   * Creates the directory where there is none, unless it is only read. An object and a folder cannot share a name: `a`
   * excludes `a/b`. `isOnlyWriter` says that no other process writes: what puts have left unfinished goes at once.
   */
  constructor(
    directory: string,
    { access = 'write', isOnlyWriter = false }: { access?: 'read' | 'write'; isOnlyWriter?: boolean } = {},
  ) {
    this.#directory = resolve(directory);
    if (access === 'read') return;
    writing(this.#directory, () => mkdirSync(join(this.#directory, temporaryFolder), { recursive: true }));
    this.#removeTemporaries(isOnlyWriter ? 0 : temporaryLifetimeMs);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return unlessAbsent(key, () => readFile(this.uri(key)));
  }

  async *open(key: string): AsyncIterable<Uint8Array> {
    const path = this.uri(key);
    try {
      yield* createReadStream(path);
    } catch (error) {
      throw isAbsent(error) ? refusal(`there is no object ${key}`) : adapterError(key, error);
    }
  }

  async put(key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    await this.#write(key, body, rename);
  }

  async putIfAbsent(key: string, body: Uint8Array): Promise<boolean> {
    // Unlike rename, link refuses a name that is taken, and does so atomically.
    return this.#write(key, body, link);
  }

  async *list(prefix: string, after = ''): AsyncIterable<StoredObject> {
    yield* this.#listFolder('', prefix, after);
  }

  async delete(keys: string[]): Promise<void> {
    const paths = keys.map((key) => [key, this.uri(key)] as const);
    for (const [key, path] of paths) await unlessAbsent(key, () => unlink(path));
  }

  uri(key: string): string {
    const problem = objectKeyProblem(key);
    if (problem !== undefined) throw refusal(problem);
    return join(this.#directory, key);
  }

  /** Nothing is held open. */
  close(): void {}

  /** Writes the body to a temporary file and gives it the key's name with `publish`; false where the name is taken. */
  async #write(
    key: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    publish: (from: string, to: string) => Promise<void>,
  ): Promise<boolean> {
    const path = this.uri(key);
    const temporary = join(this.#directory, temporaryFolder, randomUUID());
    try {
      await writeDurably(temporary, body);
      await mkdir(dirname(path), { recursive: true });
      await publish(temporary, path);
      await syncFolder(dirname(path));
      return true;
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException;
      if (syscall === 'link' && code === 'EEXIST') return false;
      throw isDiskFull(error) ? fullDisk(path, error) : adapterError(key, error);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async *#listFolder(folder: string, prefix: string, after: string): AsyncIterable<StoredObject> {
    for (const { key, isFolder } of await this.#entries(folder)) {
      if (isFolder) {
        if (mayHold(key, prefix, after)) yield* this.#listFolder(key, prefix, after);
      } else if (key.startsWith(prefix) && compareBytes(key, after) > 0) {
        const found = await unlessAbsent(key, () => stat(join(this.#directory, key)));
        if (found) yield { key, bytes: found.size, modifiedAt: found.mtime };
      }
    }
  }

  /** A folder's entries in the order of the keys below them, for which a folder's name ends with a slash. */
  async #entries(folder: string): Promise<{ key: string; isFolder: boolean }[]> {
    const entries = await unlessAbsent(folder, () => readdir(join(this.#directory, folder), { withFileTypes: true }));
    return (entries ?? [])
      .filter((entry) => (entry.isFile() || entry.isDirectory()) && folder + entry.name !== temporaryFolder)
      .map((entry: Dirent) => ({
        key: folder + entry.name + (entry.isDirectory() ? '/' : ''),
        isFolder: entry.isDirectory(),
      }))
      .sort((a, b) => compareBytes(a.key, b.key));
  }

  #removeTemporaries(lifetimeMs: number): void {
    const folder = join(this.#directory, temporaryFolder);
    for (const name of readdirSync(folder)) {
      const modifiedAt = statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
      if (lifetimeMs === 0 || Date.now() - modifiedAt >= lifetimeMs) rmSync(join(folder, name), { force: true });
    }
  }
}

/** Whether a folder may hold keys that begin with `prefix` and sort behind `after`. */
function mayHold(folder: string, prefix: string, after: string): boolean {
  const onTheWay = folder.startsWith(prefix) || prefix.startsWith(folder);
  return onTheWay && (after.startsWith(folder) || compareBytes(folder, after) > 0);
}

/** Order of the UTF-8 bytes, which is that of S3; JavaScript compares UTF-16 units. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

async function writeDurably(path: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(body);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a new name outlive a power cut. Windows cannot open a folder, and writes names through. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function unlessAbsent<T>(key: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw adapterError(key, error);
  }
}

function isAbsent(error: unknown): boolean {
  return absentCodes.includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Errors of the file system become AdapterErrors; those of the body's own source pass as they are. */
function adapterError(key: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  return new AdapterError(`object ${key}: ${syscall} failed with ${code}`, {
    retryable: retryableCodes.includes(code),
    cause: error,
  });
}
