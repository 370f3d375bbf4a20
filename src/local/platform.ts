/** The platform on one machine: the local adapters over one data directory and one key directory. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DirectoryObjectStore } from '../adapters/local/directory-object-store.ts';
import { DuckDbEngine } from '../adapters/local/duckdb-engine.ts';
import { DuckDbWarehouse } from '../adapters/local/duckdb-warehouse.ts';
import { FileAlerts } from '../adapters/local/file-alerts.ts';
import { KeyDirectory } from '../adapters/local/key-directory.ts';
import { LedgerFile } from '../adapters/local/ledger-file.ts';
import { noCatalog } from '../adapters/local/no-catalog.ts';
import { type RunScript, SparkEngine } from '../adapters/local/spark-engine.ts';
import { findSpark, SparkMissing, sparkSubmit } from '../adapters/local/spark-submit.ts';
import { existingFile, isBusy, sqliteError } from '../adapters/local/sqlite.ts';
import { SqliteEventStream } from '../adapters/local/sqlite-event-stream.ts';
import { SqliteHotStore } from '../adapters/local/sqlite-hot-store.ts';
import { SqliteVault } from '../adapters/local/sqlite-vault.ts';
import { systemClock, systemIds } from '../adapters/local/system.ts';
import { SqlDirectory } from '../adapters/sql-directory.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import type { Clock, Environment, Ids, ModelEngine } from '../ports.ts';
import { repositoryRoot } from './root.ts';
import { readSettings } from './settings.ts';

export interface PlatformOptions {
  dataDir: string;
  /** Holds the keys, outside the data directory; by default `<dataDir>.keys`. */
  keyDir?: string;
  /**
   * Readers work beside a writer; two writers do not. A reader makes no file and opens a store when it is first asked
   * for, so that only what it asks for need be there, the keys included.
   */
  access: 'read' | 'write';
  /** What runs the models; by default `duckdb`. */
  engine?: EngineName;
  clock?: Clock;
  ids?: Ids;
}

export const engineNames = ['duckdb', 'spark'] as const;
export type EngineName = (typeof engineNames)[number];

export interface Platform {
  env: Environment;
  paths: PlatformPaths;
  close(): void;
}

export interface PlatformPaths {
  dataDir: string;
  keyDir: string;
  lake: string;
  vault: string;
  warehouse: string;
  /** What a writer needs only while it works. */
  temporary: string;
}

export function platformPaths({ dataDir, keyDir }: Pick<PlatformOptions, 'dataDir' | 'keyDir'>): PlatformPaths {
  const data = resolve(dataDir);
  const keys = resolve(keyDir ?? `${data}.keys`);
  if (keys === data || keys.startsWith(`${data}/`)) {
    throw new RefusedInput(
      `--key-dir must lie outside the data directory, got ${keys}; a copy of the data must not hold its keys`,
    );
  }
  return {
    dataDir: data,
    keyDir: keys,
    lake: join(data, 'lake'),
    vault: join(data, 'vault'),
    warehouse: join(data, 'warehouse'),
    temporary: join(data, 'tmp'),
  };
}

/** True where a platform has been opened in this directory before. */
export const isDataDirectory = (dataDir: string): boolean => existsSync(join(dataDir, 'hot.sqlite'));

/** A value that is made when it is first asked for. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Opens the platform. RefusedInput where nothing is there to read, or another process is writing. */
export function openPlatform(options: PlatformOptions): Platform {
  const paths = platformPaths(options);
  if (options.access === 'read' && !isDataDirectory(paths.dataDir)) {
    throw new RefusedInput(
      `${paths.dataDir} holds no platform yet; try \`npm start\`, or name another place with --data-dir`,
    );
  }
  const isWriter = options.access === 'write';
  if (isWriter) mkdirSync(paths.vault, { recursive: true });
  const closers: (() => void)[] = isWriter ? [lock(paths.dataDir)] : [];
  const close = () => {
    for (const closer of closers.splice(0).reverse()) closer();
  };
  const closing = <T extends { close(): void }>(store: T): T => {
    closers.push(() => store.close());
    return store;
  };
  try {
    const { stream: streamSettings, alerts: alertSettings, ...settings } = readSettings(repositoryRoot);
    const { clock = systemClock, ids = systemIds, engine = 'duckdb' } = options;
    const files = {
      stream: join(paths.dataDir, 'stream.sqlite'),
      hot: join(paths.dataDir, 'hot.sqlite'),
      vault: join(paths.vault, 'vault.sqlite'),
    };
    const place = (store: keyof typeof files, mode: 'ro' | 'rw') =>
      isWriter ? files[store] : existingFile(files[store], mode);
    const protects = [files.vault, files.stream, ...(isWriter ? [] : [paths.dataDir])];
    const keys = once(() => new KeyDirectory(paths.keyDir, { protects }));
    const stores = {
      stream: once(() => {
        const key = keys().derive('stream');
        return closing(new SqliteEventStream(place('stream', 'rw'), { clock, key, ...streamSettings }));
      }),
      hot: once(() => closing(new SqliteHotStore(place('hot', 'ro'), { clock }))),
      vault: once(() => {
        const ledger = new LedgerFile(join(paths.keyDir, 'ledger.jsonl'), { key: keys().derive('ledger') });
        return closing(new SqliteVault(place('vault', 'rw'), { keys: keys(), ids, clock, ledger }));
      }),
    };
    if (isWriter) for (const open of Object.values(stores)) open();
    // A reader may find a data directory that it cannot write to.
    const temporaryDirectory = isWriter ? paths.temporary : tmpdir();
    // There is one writer, so that this is what one that was killed has left behind.
    if (isWriter) rmSync(paths.temporary, { recursive: true, force: true });
    const objects = new DirectoryObjectStore(paths.lake, { access: options.access, isOnlyWriter: isWriter });
    const sqlFolder = join(repositoryRoot, 'sql');
    const sql = new SqlDirectory(sqlFolder);
    const engines: Record<EngineName, () => ModelEngine> = {
      duckdb: () => new DuckDbEngine({ objects, sql, temporaryDirectory }),
      spark: () => new SparkEngine({ objects, sql: sqlFolder, runScript: localSpark(temporaryDirectory) }),
    };
    const env: Environment = {
      clock,
      ids,
      get stream() {
        return stores.stream();
      },
      objects,
      get hot() {
        return stores.hot();
      },
      get vault() {
        return stores.vault();
      },
      engine: engines[engine](),
      warehouse: new DuckDbWarehouse({ directory: paths.warehouse, objects, sql, temporaryDirectory }),
      catalog: noCatalog,
      alerts: new FileAlerts({
        file: join(paths.dataDir, 'alerts.jsonl'),
        show: (line) => process.stderr.write(`${line}\n`),
        clock,
        ...alertSettings,
      }),
      sql,
      settings,
    };
    return { env, paths, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Runs the models' script on this machine's Spark. RefusedInput where there is none. */
function localSpark(temporaryDirectory: string): RunScript {
  const script = join(repositoryRoot, 'glue-scripts', 'run_models.py');
  try {
    return sparkSubmit({ installation: findSpark(repositoryRoot), script, temporaryDirectory });
  } catch (error) {
    if (error instanceof SparkMissing) throw new RefusedInput(`--engine spark: ${error.message}`);
    throw error;
  }
}

/** True while a process writes to the data directory. */
export function isBeingWritten(dataDir: string): boolean {
  const path = join(dataDir, 'lock.sqlite');
  if (!existsSync(path)) return false;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 0 });
    database.exec('select count(*) from sqlite_schema');
    return false;
  } catch (error) {
    const failure = sqliteError(path, error);
    if (isBusy(failure)) return true;
    throw failure;
  } finally {
    database?.close();
  }
}

/** How long a reader may look whether somebody writes, and hold a writer up by it. */
const lookMs = 100;

/** Takes the data directory for this process; the system frees it when the process ends, however it ends. */
function lock(dataDir: string): () => void {
  const path = join(dataDir, 'lock.sqlite');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: lookMs });
    database.exec('begin exclusive');
  } catch (error) {
    database?.close();
    const failure = sqliteError(path, error);
    if (!isBusy(failure)) throw failure;
    throw new RefusedInput(
      `another process is writing to ${dataDir}; wait for it to end, or work in another place with --data-dir`,
    );
  }
  const taken = database;
  return () => taken.close();
}

/** Deletes the data directory and its keys. */
export function resetPlatform(options: Pick<PlatformOptions, 'dataDir' | 'keyDir'>): PlatformPaths {
  const paths = platformPaths(options);
  if (!isDataDirectory(paths.dataDir)) {
    throw new RefusedInput(
      `${paths.dataDir} holds no platform, so nothing was deleted; name the place with --data-dir`,
    );
  }
  const unlock = lock(paths.dataDir);
  try {
    rmSync(paths.keyDir, { recursive: true, force: true });
    rmSync(paths.dataDir, { recursive: true, force: true });
  } finally {
    unlock();
  }
  return paths;
}
