/**
 * Warehouse on a DuckDB file. DuckDB locks its file against other processes, so a transaction works on a copy that then
 * takes the file's place; readers open the current file read-only and are never blocked.
 */
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DuckDBConnection,
  DuckDBInstance,
  DuckDBIntervalValue,
  type DuckDBType,
  type Json,
  StatementType,
} from '@duckdb/node-api';
import {
  EngineError,
  type ObjectStore,
  type ResultSet,
  type Scalar,
  type SqlFiles,
  type Warehouse,
  type WarehouseStatement,
} from '../../ports.ts';
import { engineError } from './duckdb-errors.ts';
import { writing } from './full-disk.ts';

export interface DuckDbWarehouseOptions {
  directory: string;
  objects: ObjectStore;
  sql: SqlFiles;
}

/** Settings that keep SQL from the network and from files other than the warehouse's. */
const confined = {
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
};

export class DuckDbWarehouse implements Warehouse {
  readonly #options: DuckDbWarehouseOptions;
  readonly #file: string;

  constructor(options: DuckDbWarehouseOptions) {
    this.#options = options;
    this.#file = join(options.directory, 'warehouse.duckdb');
  }

  async transaction(statements: WarehouseStatement[]): Promise<void> {
    this.#removeLeftovers();
    const copy = this.#newFile();
    try {
      if (existsSync(this.#file)) writing(copy, () => copyFileSync(this.#file, copy));
      await this.#load(copy, statements);
      renameSync(copy, this.#file);
    } finally {
      for (const path of [copy, `${copy}.wal`]) rmSync(path, { force: true });
    }
  }

  #newFile(): string {
    mkdirSync(this.#options.directory, { recursive: true });
    return join(this.#options.directory, `loading-${randomUUID()}.duckdb`);
  }

  /** What a load that was killed has left behind; only one process writes at a time. */
  #removeLeftovers(): void {
    if (!existsSync(this.#options.directory)) return;
    for (const name of readdirSync(this.#options.directory)) {
      if (name.startsWith('loading-')) rmSync(join(this.#options.directory, name), { force: true });
    }
  }

  /** Applies the DDL, whose statements are repeatable, and runs the statements in one transaction. */
  async #load(file: string, statements: WarehouseStatement[]): Promise<void> {
    await withConnection(file, confined, async (connection) => {
      await this.#applyDdl(connection);
      await run(connection, this.#file, 'begin');
      for (const statement of statements) {
        if ('sql' in statement) await run(connection, statement.what, statement.sql);
        else await this.#copy(connection, statement.copy);
      }
      await run(connection, this.#file, 'commit');
      await run(connection, this.#file, 'checkpoint');
    });
  }

  async #applyDdl(connection: DuckDBConnection): Promise<void> {
    for (const path of this.#options.sql.list('ddl')) await run(connection, path, this.#options.sql.read(path));
  }

  /** Before the first load the empty tables of the DDL answer, in memory: a reader makes no file. */
  async query(sql: string): Promise<ResultSet> {
    if (existsSync(this.#file)) {
      return withConnection(this.#file, { ...confined, access_mode: 'READ_ONLY' }, (connection) =>
        ask(connection, sql),
      );
    }
    return withConnection(':memory:', confined, async (connection) => {
      await this.#applyDdl(connection);
      return ask(connection, sql);
    });
  }

  async #copy(connection: DuckDBConnection, { table, files }: { table: string; files: { key: string }[] }) {
    if (files.length === 0) return;
    const list = files.map((file) => `'${this.#options.objects.uri(file.key).replaceAll("'", "''")}'`).join(', ');
    await run(
      connection,
      `copy ${table}`,
      `insert into ${table} select * from read_parquet([${list}], hive_partitioning = false)`,
    );
  }
}

/** Runs one SELECT (or EXPLAIN of one) that reaches nothing but the warehouse. */
async function ask(connection: DuckDBConnection, sql: string): Promise<ResultSet> {
  await connection.run('set enable_external_access = false; set lock_configuration = true');
  if (isEmpty(sql)) throw new EngineError('the statement is empty; give one SELECT');
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1) throw new EngineError(`one statement is needed, got ${statements.count}`);
  const statement = await statements.prepare(0);
  if (!readingTypes.includes(statement.statementType)) {
    throw new EngineError('the warehouse is read only; give one SELECT');
  }
  const result = await statement.runAndReadAll();
  const types = result.columnTypes();
  const columns = result.deduplicatedColumnNames().map((name, index) => ({ name, type: String(types[index]) }));
  const rows = result.getRowsJson().map((row) => row.map((value, index) => scalar(value, types[index]!)));
  return { columns, rows };
}

const readingTypes = [StatementType.SELECT, StatementType.EXPLAIN];

/** DuckDB's parser fails without a word where there is nothing but comments. */
const isEmpty = (sql: string): boolean => sql.replaceAll(/--.*|\/\*[\s\S]*?\*\/|[\s;]/g, '') === '';

async function withConnection<T>(
  file: string,
  options: Record<string, string>,
  use: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create(file, options).catch((error: unknown) => {
    throw engineError(`${file} cannot be opened`, error);
  });
  const connection = await instance.connect();
  try {
    return await use(connection);
  } catch (error) {
    throw error instanceof EngineError ? error : engineError('query', error);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function run(connection: DuckDBConnection, where: string, sql: string): Promise<void> {
  try {
    await connection.run(sql);
  } catch (error) {
    throw engineError(where, error);
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
