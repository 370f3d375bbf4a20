/**
 * Warehouse on a DuckDB file. DuckDB locks its file against other processes, so a transaction works on a copy that then
 * takes the file's place; readers open the current file read-only and are never blocked.
 */
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type DuckDBType } from '@duckdb/node-api';
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
    const copy = this.#newFile('loading');
    if (existsSync(this.#file)) copyFileSync(this.#file, copy);
    try {
      await this.#load(copy, statements);
      renameSync(copy, this.#file);
    } finally {
      rmSync(copy, { force: true });
    }
  }

  /** Makes the empty warehouse that the DDL describes, unless one has come into being meanwhile. */
  async #create(): Promise<void> {
    const empty = this.#newFile('empty');
    await this.#load(empty, []);
    try {
      linkSync(empty, this.#file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    rmSync(empty);
  }

  #newFile(purpose: string): string {
    mkdirSync(this.#options.directory, { recursive: true });
    return join(this.#options.directory, `${purpose}-${randomUUID()}.duckdb`);
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
      for (const path of this.#options.sql.list('ddl')) await run(connection, path, this.#options.sql.read(path));
      await connection.run('begin');
      for (const statement of statements) {
        if ('sql' in statement) await run(connection, statement.what, statement.sql);
        else await this.#copy(connection, statement.copy);
      }
      await connection.run('commit');
      await connection.run('checkpoint');
    });
  }

  async query(sql: string): Promise<ResultSet> {
    if (!existsSync(this.#file)) await this.#create();
    const options = {
      ...confined,
      access_mode: 'READ_ONLY',
      enable_external_access: 'false',
      lock_configuration: 'true',
    };
    return withConnection(this.#file, options, async (connection) => {
      const prepared = await connection.extractStatements(sql);
      if (prepared.count !== 1) throw new EngineError(`one statement is needed, got ${prepared.count}`);
      const result = await connection.runAndReadAll(sql);
      const types = result.columnTypes();
      const columns = result.deduplicatedColumnNames().map((name, index) => ({ name, type: String(types[index]) }));
      const rows = result.getRowsJson().map((row) => row.map((value, index) => scalar(value, types[index]!)));
      return { columns, rows };
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

async function withConnection<T>(
  file: string,
  options: Record<string, string>,
  use: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create(file, options).catch((error: unknown) => {
    throw engineError('the warehouse file cannot be opened', error);
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

/** A value as JSON can hold it, from the text that DuckDB gives for its type. */
function scalar(value: unknown, type: DuckDBType): Scalar {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
  const text = String(value);
  const name = String(type);
  if (/^(BIGINT|HUGEINT|UBIGINT)$/.test(name)) return Number.isSafeInteger(Number(text)) ? Number(text) : text;
  if (name.startsWith('TIMESTAMP')) return `${text.replace(' ', 'T')}Z`;
  return text;
}
