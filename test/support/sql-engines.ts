/** The two engines that the SQL is tested on, both in memory and holding the warehouse's tables, empty. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { PGlite, types } from '@electric-sql/pglite';

const sqlDirectory = join(import.meta.dirname, '../../sql');

/** The text at a path below `sql/`. */
export const readSql = (path: string): string => readFileSync(join(sqlDirectory, path), 'utf8');

/** Paths of the `.sql` files in a folder of `sql/`, sorted. */
export const listSql = (folder: string): string[] =>
  readdirSync(join(sqlDirectory, folder))
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => `${folder}/${name}`);

/** A value as text: DECIMAL with its scale, DATE `YYYY-MM-DD`, TIMESTAMP `YYYY-MM-DD HH:MM:SS[.ffffff]`, true or false. */
export type Cell = string | null;

export interface Result {
  columns: string[];
  /** The engine's own names of the columns' types. */
  types: string[];
  rows: Cell[][];
}

export interface SqlEngine {
  name: 'duckdb' | 'pglite';
  /** Runs any number of statements. */
  run(sql: string): Promise<void>;
  select(sql: string): Promise<Result>;
  close(): Promise<void>;
}

/** An empty DuckDB: the embedded warehouse, and the engine of the models. */
export async function openDuckDb(): Promise<SqlEngine> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  return {
    name: 'duckdb',
    run: async (sql) => void (await connection.run(sql)),
    select: async (sql) => {
      const reader = await connection.runAndReadAll(sql);
      return {
        columns: reader.columnNames(),
        types: reader.columnTypes().map(String),
        rows: reader.getRows().map((row) => row.map(toCell)),
      };
    },
    close: async () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** An empty PGlite: PostgreSQL, which stands for Redshift's lineage. */
export async function openPGlite(): Promise<SqlEngine> {
  const database = await PGlite.create();
  const asText = (value: string) => value;
  const parsers = { [types.DATE]: asText, [types.TIMESTAMP]: asText, [types.NUMERIC]: asText };
  return {
    name: 'pglite',
    run: async (sql) => void (await database.exec(sql)),
    select: async (sql) => {
      const result = await database.query<unknown[]>(sql, [], { rowMode: 'array', parsers });
      return {
        columns: result.fields.map((field) => field.name),
        types: result.fields.map((field) => String(field.dataTypeID)),
        rows: result.rows.map((row) => row.map(toCell)),
      };
    },
    close: () => database.close(),
  };
}

/** Runs every file of `sql/ddl`, in order. */
export async function createWarehouse(engine: SqlEngine): Promise<void> {
  for (const path of listSql('ddl')) await engine.run(readSql(path));
}

/** Inserts rows; a value reaches the engine as a text literal and takes the column's type there. */
export async function insertRows(engine: SqlEngine, table: string, columns: string[], rows: Cell[][]): Promise<void> {
  if (rows.length === 0) return;
  const values = rows.map((row) => `(${row.map(literal).join(', ')})`).join(',\n');
  const names = columns.map((column) => `"${column}"`).join(', ');
  await engine.run(`insert into ${table} (${names}) values\n${values}`);
}

const literal = (value: Cell): string => (value === null ? 'null' : `'${value.replaceAll("'", "''")}'`);

const toCell = (value: unknown): Cell => (value === null ? null : String(value));
