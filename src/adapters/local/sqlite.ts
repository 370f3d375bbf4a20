/** One SQLite file as the local stores use it: prepared statements, transactions, errors as AdapterError. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AdapterError } from '../../ports.ts';
import { fullDisk, writing } from './full-disk.ts';

/** How long a statement waits for another process' transaction to end. */
const busyTimeoutMs = 10_000;

/** SQLite's own 2 MB hold the vault of ten thousand people no more. */
const cacheKiB = 64 * 1024;

/** SQLITE_BUSY and SQLITE_LOCKED. */
const busyCodes = [5, 6];

/** SQLITE_FULL, and SQLITE_IOERR_SHMSIZE, which is what the first write of a new process meets in a log on a full disk. */
const fullCodes = [13, 4874];

/** SQLITE_READONLY, SQLITE_CANTOPEN: what a person does about them. */
const waysOut: Record<number, string> = {
  8: 'may not be written; give this user the right to write it, or name another place with --data-dir',
  14: 'cannot be opened; check that it is there and that this user may read and write it and its folder',
};

/** SQLITE_READONLY_ROLLBACK: a writer was cut off, and what it had begun must be taken back first. */
const cutOffCode = 776;

/**
 * SQLite's URI of a file that is there: opened with it, nothing is created and no schema applied. With `ro` nothing is
 * written either; with `rw` what the file's folder allows.
 */
export function existingFile(path: string, mode: 'ro' | 'rw'): string {
  return `${pathToFileURL(path).href}?mode=${mode}`;
}

export class SqliteFile {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /**
   * Opens or creates the file (mode 0600; `:memory:` for none) and runs `schema`, whose statements must be repeatable;
   * an `existingFile` is taken as it is. Journal `delete` leaves no copy of deleted rows; `wal` lets others read while
   * one writes, for ciphertext only.
   */
  constructor(path: string, options: { journal: 'delete' | 'wal'; schema: string }) {
    this.#path = path.startsWith('file:') ? fileURLToPath(path.replace(/\?mode=\w+$/, '')) : path;
    if (path !== this.#path) {
      this.#database = this.#mapErrors(() => this.#openExisting(path));
      return;
    }
    if (path !== ':memory:') createPrivately(path);
    this.#database = this.#mapErrors(() => new DatabaseSync(path, { timeout: busyTimeoutMs }));
    this.#setJournal(options.journal);
    this.#mapErrors(() => this.#database.exec(`pragma secure_delete = on; pragma cache_size = -${cacheKiB}`));
    this.write(() => this.#mapErrors(() => this.#database.exec(options.schema)));
  }

  /** The first row, or undefined. */
  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#mapErrors(() => this.#statement(sql).get(...values)) as Row | undefined;
  }

  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#mapErrors(() => this.#statement(sql).all(...values)) as Row[];
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    this.#mapErrors(() => this.#statement(sql).run(...values));
  }

  /** Runs `work` on one unchanging state of the file. */
  read<T>(work: () => T): T {
    return this.#transaction('begin', work);
  }

  /** Runs `work` as the only writer, after whoever was first: all of it is kept, or nothing where it throws. */
  write<T>(work: () => T): T {
    return this.#transaction('begin immediate', work);
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #openExisting(uri: string): DatabaseSync {
    const open = (location: string) => {
      const database = new DatabaseSync(location, { timeout: busyTimeoutMs });
      try {
        database.exec('pragma secure_delete = on; select count(*) from sqlite_schema');
        return database;
      } catch (error) {
        database.close();
        throw error;
      }
    };
    try {
      return open(uri);
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== cutOffCode) throw error;
      open(existingFile(this.#path, 'rw')).close();
      return open(uri);
    }
  }

  #transaction<T>(begin: string, work: () => T): T {
    this.run(begin);
    try {
      const result = work();
      this.run('commit');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.run('rollback');
      throw error;
    }
  }

  /** SQLite's own timeout does not cover a change of the journal: while another process writes, it fails at once. */
  #setJournal(journal: string): void {
    const since = process.hrtime.bigint();
    for (;;) {
      try {
        this.#mapErrors(() => this.#database.exec(`pragma journal_mode = ${journal}`));
        return;
      } catch (error) {
        const waitedMs = Number((process.hrtime.bigint() - since) / 1_000_000n);
        if (!isBusy(error) || waitedMs > busyTimeoutMs) throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      }
    }
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const prepared = this.#database.prepare(sql);
    this.#statements.set(sql, prepared);
    return prepared;
  }

  #mapErrors<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw sqliteError(this.#path, error);
    }
  }
}

/** An error of SQLite as an AdapterError that names the file; any other error as it is. */
export function sqliteError(path: string, error: unknown): unknown {
  const code = (error as { errcode?: number }).errcode;
  if (code === undefined) return error;
  if (fullCodes.includes(code)) return fullDisk(path, error);
  const way = waysOut[code & 0xff];
  const message = way ? `${path} ${way}` : `${basename(path)}: ${(error as Error).message}`;
  return new AdapterError(message, { retryable: busyCodes.includes(code & 0xff), cause: error });
}

/** True for what `sqliteError` makes of a file that another process is writing to. */
export function isBusy(error: unknown): boolean {
  const { errcode = 0 } = ((error as Error).cause ?? {}) as { errcode?: number };
  return busyCodes.includes(errcode & 0xff);
}

/** SQLite gives a file that it creates the default mode, and its journals the mode of the file. */
function createPrivately(path: string): void {
  writing(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    closeSync(openSync(path, 'a', 0o600));
  });
}
