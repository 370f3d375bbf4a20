/** The engines that golden tests run on, in one shape: each answers a SELECT over views that hold given rows. */
import { datasets, rawColumnsOf } from '../../src/contracts/index.ts';
import { rateColumns } from '../../src/domain/files/rates.ts';
import type { SparkSession } from './spark.ts';
import {
  type Cell,
  createWarehouse,
  insertRows,
  openDuckDb,
  openPGlite,
  type Result,
  readSql,
  type SqlEngine,
} from './sql-engines.ts';

interface ViewColumn {
  name: string;
  type: string;
  /** What a row holds that does not name it. */
  filler: Cell;
}

/** The views that a golden test may give, and their columns. */
type Views = Map<string, ViewColumn[]>;

export interface GivenView {
  view: string;
  columns: string[];
  rows: Cell[][];
}

interface Question {
  given: GivenView[];
  /** The SELECT whose rows the view `result` holds. */
  result?: string;
  select: string;
}

export interface GoldenEngine {
  views: Views;
  /** What the SELECT returns where views hold the given rows, and all others none. */
  answer(question: Question): Promise<Result>;
  close(): Promise<void>;
}

/** The engine of queries that stands for Redshift: it holds the warehouse's tables. */
export async function goldenPGlite(): Promise<GoldenEngine> {
  const engine = await openPGlite();
  await createWarehouse(engine);
  return withTables(engine, await tablesOf(engine, 'public'));
}

/** The engine of queries and models: it holds the warehouse's tables, the lake's views and the models' functions. */
export async function goldenDuckDb(): Promise<GoldenEngine> {
  const engine = await openDuckDb();
  await createWarehouse(engine);
  const views = await tablesOf(engine, 'main');
  for (const [table, columns] of [...views]) views.set(`curated_${table}`, columns);
  for (const [view, columns] of lakeViews()) views.set(view, columns);
  for (const [view, columns] of views) {
    const list = columns.map(({ name, type }) => `"${name}" ${type}`);
    await engine.run(`create table if not exists ${view} (${list.join(', ')})`);
  }
  await engine.run(readSql('prelude/duckdb.sql'));
  return withTables(engine, views);
}

/** The other engine of models, with the views that DuckDB has. */
export function goldenSpark(session: SparkSession, views: Views): GoldenEngine {
  const empty = [...views.keys()].map((view): GivenView => ({ view, columns: [], rows: [] }));
  return {
    views,
    answer: ({ given, result, select }) => {
      const selects = [...empty, ...given].map((view) => [view.view, valuesOf(view, views.get(view.view)!)]);
      return session.select(select, Object.fromEntries(selects), result);
    },
    close: () => session.close(),
  };
}

/** A SELECT of given rows; a value is a text literal under a cast, as it is where it is inserted into a table. */
function valuesOf({ columns, rows }: GivenView, known: ViewColumn[]): string {
  const cells = (row: Cell[]) => known.map(({ name }) => sparkLiteral(row[columns.indexOf(name)] ?? null)).join(', ');
  const nulls = `(${known.map(() => 'null').join(', ')})`;
  const values = rows.length > 0 ? rows.map((row) => `(${cells(row)})`).join(', ') : nulls;
  const casts = known.map(
    ({ name, type }) => `cast("${name}" as ${type === 'VARCHAR' ? 'string' : type}) as "${name}"`,
  );
  const names = known.map(({ name }) => `"${name}"`).join(', ');
  return `select ${casts.join(', ')} from values ${values} as given (${names})${rows.length > 0 ? '' : ' where false'}`;
}

const sparkLiteral = (value: Cell): string =>
  value === null ? 'null' : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** An engine whose views are tables, filled in a transaction that is rolled back. */
function withTables(engine: SqlEngine, views: Views): GoldenEngine {
  return {
    views,
    answer: async ({ given, result, select }) => {
      await engine.run('begin');
      try {
        for (const { view, columns, rows } of given) await insertRows(engine, view, columns, rows);
        if (result) await engine.run(`create view result as\n${result}`);
        return await engine.select(select);
      } finally {
        await engine.run('rollback');
      }
    },
    close: () => engine.close(),
  };
}

/** `raw_<dataset>`, `clean_<dataset>` and `reference_rates` with their declared columns. */
function lakeViews(): Views {
  const partitionColumns: Record<string, string> = { events: 'occurred_on', transactions: 'ordered_on' };
  const views: Views = new Map([['reference_rates', rateColumns.map(nullable)]]);
  for (const dataset of datasets) {
    const columns = rawColumnsOf(dataset).map(nullable);
    const partition = partitionColumns[dataset];
    views.set(`raw_${dataset}`, columns);
    views.set(`clean_${dataset}`, partition ? [...columns, nullable({ name: partition, type: 'DATE' })] : columns);
  }
  return views;
}

const nullable = ({ name, type }: { name: string; type: string }): ViewColumn => ({ name, type, filler: null });

async function tablesOf(engine: SqlEngine, schema: string): Promise<Views> {
  const { rows } = await engine.select(`
    select columns.table_name, column_name, data_type, is_nullable
    from information_schema.columns
    join information_schema.tables on tables.table_schema = columns.table_schema and tables.table_name = columns.table_name
    where columns.table_schema = '${schema}' and table_type = 'BASE TABLE' and columns.table_name not like 'staging%'
    order by columns.table_name, ordinal_position`);
  const tables: Views = new Map();
  for (const [table, name, type, isNullable] of rows as [string, string, string, string][]) {
    const filler = isNullable === 'YES' ? null : neutral(type.toLowerCase());
    tables.set(table, [...(tables.get(table) ?? []), { name, type, filler }]);
  }
  return tables;
}

/** What stands in a NOT NULL column that a test does not care about. */
function neutral(type: string): string {
  if (type.includes('char')) return '';
  if (type === 'boolean') return 'false';
  return type.startsWith('date') || type.startsWith('timestamp') ? '1970-01-01' : '0';
}
