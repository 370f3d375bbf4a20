/**
 * Warehouse on a DuckDB file. DuckDB locks its file against other processes, so a transaction works on a copy that then
 * takes the file's place; readers open the current file read-only and are never blocked.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBIntervalValue, type DuckDBType, type Json } from '@duckdb/node-api';
import { type Applied, migrationsDue, recordStatements, selectApplied } from '../../domain/warehouse/migrations.ts';
import type { ObjectStore, ResultSet, Scalar, SqlFiles, Warehouse, WarehouseStatement } from '../../ports.ts';
import { type DuckDbSession, quoted, withSession } from './duckdb-session.ts';
import { writing } from './full-disk.ts';

export interface DuckDbWarehouseOptions {
  directory: string;
  objects: ObjectStore;
  sql: SqlFiles;
  /** On the same file system; holds the copy that a transaction works on, and what does not fit in memory. */
  temporaryDirectory: string;
}

/** The folder of the lake that loads read. */
const loadedLayer = 'curated';

export class DuckDbWarehouse implements Warehouse {
  readonly #options: DuckDbWarehouseOptions;
  readonly #file: string;

  constructor(options: DuckDbWarehouseOptions) {
    this.#options = options;
    this.#file = join(options.directory, 'warehouse.duckdb');
  }

  async transaction(statements: WarehouseStatement[]): Promise<void> {
    const { directory, temporaryDirectory } = this.#options;
    for (const folder of [directory, temporaryDirectory]) writing(folder, () => mkdirSync(folder, { recursive: true }));
    const workplace = mkdtempSync(join(temporaryDirectory, 'load-'));
    try {
      const copy = join(workplace, 'warehouse.duckdb');
      if (existsSync(this.#file)) writing(copy, () => copyFileSync(this.#file, copy));
      await this.#load(copy, statements);
      renameSync(copy, this.#file);
    } finally {
      rmSync(workplace, { recursive: true, force: true });
    }
  }

  /** One process does it in one go. */
  async advance(_id: string, statements: WarehouseStatement[]): Promise<'committed'> {
    await this.transaction(statements);
    return 'committed';
  }

  async each(statements: WarehouseStatement[]): Promise<void> {
    for (const statement of statements) await this.transaction([statement]);
  }

  /**
   * Applies what the file lacks of the DDL, and runs the statements. Each is a transaction of its own, since DuckDB
   * reads what a transaction has not committed with one thread: all or none holds by the file that then takes the old one's place.
   */
  async #load(file: string, statements: WarehouseStatement[]): Promise<void> {
    const { objects, temporaryDirectory } = this.#options;
    await withSession({ file, directories: [objects.uri(loadedLayer)], temporaryDirectory }, async (session) => {
      await this.#migrate(session);
      for (const statement of statements) {
        if ('sql' in statement) await session.run(statement.what, statement.sql);
        else await this.#copy(session, statement.copy);
      }
      await session.run('checkpoint', 'checkpoint');
    });
  }

  /** As the migration of Redshift, with the tables alone: a file has neither users nor nodes. */
  async #migrate(session: DuckDbSession): Promise<void> {
    const files = this.#options.sql.list('ddl').map((file) => ({ file, text: this.#options.sql.read(file) }));
    const [ownTable] = files;
    await session.run(ownTable!.file, ownTable!.text);
    const recorded = await session.select('what has been applied', selectApplied);
    const applied = recorded.getRowsJson().map((row): Applied => ({ file: String(row[0]), checksum: String(row[1]) }));
    for (const migration of migrationsDue(files, applied)) {
      const record = recordStatements(migration, new Date());
      for (const sql of [...migration.statements, ...record]) await session.run(`sql/${migration.file}`, sql);
    }
  }

  /** Before the first load the empty tables of the DDL answer, in memory: a reader makes no file. */
  async query(sql: string, what = 'query'): Promise<ResultSet> {
    const isLoaded = existsSync(this.#file);
    const database = isLoaded ? { file: this.#file, isReadOnly: true } : {};
    const { temporaryDirectory } = this.#options;
    return withSession({ ...database, temporaryDirectory }, async (session) => {
      if (!isLoaded) await this.#migrate(session);
      await session.run('settings', 'set lock_configuration = true');
      const result = await session.select(what, sql);
      const types = result.columnTypes();
      const columns = result.deduplicatedColumnNames().map((name, index) => ({ name, type: String(types[index]) }));
      const rows = result.getRowsJson().map((row) => row.map((value, index) => scalar(value, types[index]!)));
      return { columns, rows };
    });
  }

  async #copy(session: DuckDbSession, { table, files }: { table: string; files: { key: string }[] }) {
    if (files.length === 0) return;
    const list = files.map((file) => quoted(this.#options.objects.uri(file.key))).join(', ');
    await session.run(
      `copy ${table}`,
      `insert into ${table} select * from read_parquet([${list}], hive_partitioning = false)`,
    );
  }
}

/** A value as JSON can hold it, from what DuckDB gives for its type; nested values as JSON text. */
function scalar(value: Json, type: DuckDBType): Scalar {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
  const name = String(type);
  if (typeof value === 'object') return name === 'INTERVAL' ? intervalText(value) : JSON.stringify(value);
  if (/^(BIGINT|HUGEINT|UBIGINT)$/.test(name)) return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (name.startsWith('TIMESTAMP') && /^\d/.test(value)) return `${value.replace(' ', 'T').replace(/\+00$/, '')}Z`;
  return value;
}

/** `{months, days, micros}` as people write it: `1 month 2 days 03:00:00`. */
function intervalText(value: object): string {
  const { months, days, micros } = value as { months: number; days: number; micros: string };
  return new DuckDBIntervalValue(months, days, BigInt(micros)).toString();
}
