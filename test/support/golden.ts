/** Golden tests: SQL tests as text files of given rows, a query and the rows that it shall return. */
import { type Column, datasets, rawColumnsOf } from '../../src/contracts/index.ts';
import { rateColumns } from '../../src/domain/files/rates.ts';
import {
  type Cell,
  createWarehouse,
  insertRows,
  openDuckDb,
  openPGlite,
  readSql,
  type SqlEngine,
} from './sql-engines.ts';

interface Table {
  columns: string[];
  rows: Cell[][];
}

interface Given extends Table {
  view: string;
  line: number;
}

export interface GoldenTest {
  name: string;
  file: string;
  line: number;
  given: Given[];
  /** Path of the SELECT below `sql/`. */
  query: string;
  expected: Table;
}

/** A golden test that cannot be run as it is written. The message begins with `file:line`. */
class GoldenError extends Error {
  override name = 'GoldenError';

  constructor(file: string, line: number, message: string) {
    super(`${file}:${line}: ${message}`);
  }
}

// ---- Reading --------------------------------------------------------------------------------------------------------

/**
 * The tests of one file, in order. Blocks are set apart by blank lines, lines that begin with `#` are comments:
 *
 *     test A guest has no visitor
 *     given clean_events
 *     event_id | event_type
 *     e1 | page_view
 *
 *     query models/curated/fact_event.sql
 *     ----
 *     event_id | visitor_id
 *     e1 | NULL
 *
 * `NULL` is null and `''` is empty text. Throws GoldenError where the file says something else.
 */
export function parseGolden(text: string, file: string): GoldenTest[] {
  const lines = text.split('\n').map((line, index) => ({ text: line.trim(), number: index + 1 }));
  const blocks = blocksOf(lines.filter((line) => !line.text.startsWith('#')));
  const tests: GoldenTest[] = [];
  for (const block of blocks) {
    const start = block[0]!.text.startsWith('test ') ? block.shift()! : undefined;
    if (start)
      tests.push({ name: start.text.slice(5), file, line: start.number, given: [], query: '', expected: none });
    const test = tests.at(-1);
    if (!test) throw new GoldenError(file, block[0]!.number, `expected "test <name>", got "${block[0]!.text}"`);
    if (block.length > 0) readBlock(test, block);
  }
  const unfinished = tests.find((test) => test.query === '');
  if (unfinished) throw new GoldenError(file, unfinished.line, `test "${unfinished.name}" has no query`);
  return tests;
}

interface Line {
  text: string;
  number: number;
}

const none: Table = { columns: [], rows: [] };

function blocksOf(lines: Line[]): Line[][] {
  const blocks: Line[][] = [[]];
  for (const line of lines) {
    if (line.text === '') blocks.push([]);
    else blocks.at(-1)!.push(line);
  }
  return blocks.filter((block) => block.length > 0);
}

/** Adds a block `given <view>` or `query <path>` to its test. */
function readBlock(test: GoldenTest, [head, ...rest]: Line[]): void {
  const { text, number } = head!;
  if (test.query !== '')
    throw new GoldenError(test.file, number, `nothing may follow the expected rows, got "${text}"`);
  if (text.startsWith('given ')) {
    test.given.push({ view: text.slice(6), line: number, ...readTable(test.file, number, rest) });
  } else if (text.startsWith('query ')) {
    if (rest[0]?.text !== '----') throw new GoldenError(test.file, number, 'a line "----" must follow the query');
    test.query = text.slice(6);
    test.expected = readTable(test.file, number + 1, rest.slice(1));
  } else {
    throw new GoldenError(test.file, number, `expected "given <view>" or "query <path>", got "${text}"`);
  }
}

function readTable(file: string, line: number, [header, ...body]: Line[]): Table {
  if (!header) throw new GoldenError(file, line, 'a header of column names must follow');
  const columns = header.text.split('|').map((name) => name.trim());
  const rows = body.map(({ text, number }) => {
    const cells = text.split('|').map((cell) => readCell(cell.trim()));
    if (cells.length === columns.length) return cells;
    throw new GoldenError(file, number, `expected ${columns.length} cells, got ${cells.length}`);
  });
  return { columns, rows };
}

const readCell = (text: string): Cell => (text === 'NULL' ? null : text === "''" ? '' : text);

const showCell = (cell: Cell): string => (cell === null ? 'NULL' : cell === '' ? "''" : cell);

// ---- Running --------------------------------------------------------------------------------------------------------

/** An engine that holds every view a golden test may give, empty. */
export interface GoldenEngine extends SqlEngine {
  /** View -> column -> what a row holds that does not name it, or null. */
  defaults: Map<string, Map<string, Cell>>;
}

/** The engine of queries that stands for Redshift: it holds the warehouse's tables. */
export async function goldenPGlite(): Promise<GoldenEngine> {
  const engine = await openPGlite();
  await createWarehouse(engine);
  return { ...engine, defaults: await defaultsOf(engine, 'public') };
}

/** The engine of queries and models: it holds the warehouse's tables, the lake's views and the models' functions. */
export async function goldenDuckDb(): Promise<GoldenEngine> {
  const engine = await openDuckDb();
  await createWarehouse(engine);
  const warehouse = await defaultsOf(engine, 'main');
  for (const [table, defaults] of [...warehouse]) {
    await engine.run(`create table curated_${table} as select * from ${table} where 1 = 0`);
    warehouse.set(`curated_${table}`, defaults);
  }
  const lake = new Map<string, Map<string, Cell>>();
  for (const [view, columns] of lakeViews()) {
    await engine.run(`create table ${view} (${columns.map(({ name, type }) => `"${name}" ${type}`).join(', ')})`);
    lake.set(view, new Map(columns.map(({ name }) => [name, null])));
  }
  await engine.run(readSql('prelude/duckdb.sql'));
  return { ...engine, defaults: new Map([...warehouse, ...lake]) };
}

/** `raw_<dataset>`, `clean_<dataset>` and `reference_rates` with their declared columns. */
function lakeViews(): [string, Pick<Column, 'name' | 'type'>[]][] {
  const partitionColumns: Record<string, string> = { events: 'occurred_on', transactions: 'ordered_on' };
  const lake = datasets.flatMap((dataset): [string, Pick<Column, 'name' | 'type'>[]][] => {
    const raw = rawColumnsOf(dataset);
    const partition = partitionColumns[dataset];
    return [
      [`raw_${dataset}`, raw],
      [`clean_${dataset}`, [...raw, ...(partition ? [{ name: partition, type: 'DATE' as const }] : [])]],
    ];
  });
  return [...lake, ['reference_rates', rateColumns]];
}

async function defaultsOf(engine: SqlEngine, schema: string): Promise<Map<string, Map<string, Cell>>> {
  const { rows } = await engine.select(`
    select columns.table_name, column_name, data_type, is_nullable
    from information_schema.columns
    join information_schema.tables on tables.table_schema = columns.table_schema and tables.table_name = columns.table_name
    where columns.table_schema = '${schema}' and table_type = 'BASE TABLE' and columns.table_name not like 'staging%'`);
  const defaults = new Map<string, Map<string, Cell>>();
  for (const [table, column, type, isNullable] of rows as [string, string, string, string][]) {
    if (!defaults.has(table)) defaults.set(table, new Map());
    defaults.get(table)!.set(column, isNullable === 'YES' ? null : neutral(type.toLowerCase()));
  }
  return defaults;
}

/** What stands in a NOT NULL column that a test does not care about. */
function neutral(type: string): string {
  if (type.includes('char')) return '';
  if (type === 'boolean') return 'false';
  return type.startsWith('date') || type.startsWith('timestamp') ? '1970-01-01' : '0';
}

/** The rows that came and those that were expected, as lines of text; for models in one common order. */
export interface Comparison {
  actual: string[];
  expected: string[];
}

/** Runs a test in a transaction that is rolled back. Throws GoldenError where it names what does not exist. */
export async function runGolden(engine: GoldenEngine, test: GoldenTest): Promise<Comparison> {
  await engine.run('begin');
  try {
    for (const given of test.given) await insertGiven(engine, test, given);
    if (test.query.endsWith('.counts.sql')) {
      await engine.run(`create view result as\n${readSql(test.query.replace(/\.counts\.sql$/, '.sql'))}`);
    }
    return await compare(engine, test);
  } finally {
    await engine.run('rollback');
  }
}

async function insertGiven(engine: GoldenEngine, test: GoldenTest, given: Given): Promise<void> {
  const defaults = engine.defaults.get(given.view);
  if (!defaults) throw new GoldenError(test.file, given.line, `there is no view ${given.view}`);
  const unknown = given.columns.find((column) => !defaults.has(column));
  if (unknown) throw new GoldenError(test.file, given.line, `${given.view} has no column ${unknown}`);
  const others = [...defaults].filter(([column, value]) => value !== null && !given.columns.includes(column));
  const rows = given.rows.map((row, index) => [
    ...row,
    // Surrogate keys are unique, so they count the rows.
    ...others.map(([column, value]) => (column.endsWith('_key') ? String(index + 1) : value)),
  ]);
  await insertRows(engine, given.view, [...given.columns, ...others.map(([column]) => column)], rows);
}

async function compare(engine: SqlEngine, { file, line, query, expected }: GoldenTest): Promise<Comparison> {
  const result = await engine.select(readSql(query));
  const positions = expected.columns.map((column) => {
    const position = result.columns.indexOf(column);
    if (position < 0) throw new GoldenError(file, line, `${query} returns no column ${column}`);
    return position;
  });
  const show = (row: Cell[]) => row.map(showCell).join(' | ');
  const actualLines = result.rows.map((row) => show(positions.map((position) => row[position]!)));
  const expectedLines = expected.rows.map(show);
  return query.startsWith('queries/')
    ? { actual: actualLines, expected: expectedLines }
    : { actual: actualLines.sort(), expected: expectedLines.sort() };
}
