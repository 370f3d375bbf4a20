/** Golden tests: SQL tests as text files of given rows, a query and the rows that it shall return. */
import type { GivenView, GoldenEngine } from './golden-engines.ts';
import { type Cell, type Result, readSql } from './sql-engines.ts';

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

/** The rows that came and those that were expected, as lines of text; for models in one common order. */
export interface Comparison {
  actual: string[];
  expected: string[];
}

/** Runs a test. Throws GoldenError where it names what does not exist. */
export async function runGolden(engine: GoldenEngine, test: GoldenTest): Promise<Comparison> {
  return compareGolden(test, await answerOf(engine, test));
}

/** What the engine returns to a test's query. */
export function answerOf(engine: GoldenEngine, test: GoldenTest): Promise<Result> {
  const given = test.given.map((table) => completed(engine, test, table));
  const counted = test.query.endsWith('.counts.sql') ? test.query.replace(/\.counts\.sql$/, '.sql') : undefined;
  return engine.answer({ given, result: counted && readSql(counted), select: readSql(test.query) });
}

/** The given rows with a value for each column that they must have and do not name. */
function completed({ views }: GoldenEngine, { file }: GoldenTest, { view, line, columns, rows }: Given): GivenView {
  const known = views.get(view);
  if (!known) throw new GoldenError(file, line, `there is no view ${view}`);
  const unknown = columns.find((name) => !known.some((column) => column.name === name));
  if (unknown) throw new GoldenError(file, line, `${view} has no column ${unknown}`);
  const others = known.filter(({ name, filler }) => filler !== null && !columns.includes(name));
  return {
    view,
    columns: [...columns, ...others.map(({ name }) => name)],
    rows: rows.map((row, index) => [
      ...row,
      // Surrogate keys are unique, so they count the rows.
      ...others.map(({ name, filler }) => (name.endsWith('_key') ? String(index + 1) : filler)),
    ]),
  };
}

/** Compares what an engine returned with what the test expects. Throws GoldenError where a column is missing. */
export function compareGolden({ file, line, query, expected }: GoldenTest, result: Result): Comparison {
  const positions = expected.columns.map((column) => {
    const position = result.columns.indexOf(column);
    if (position < 0) throw new GoldenError(file, line, `${query} returns no column ${column}`);
    return position;
  });
  const actualLines = linesOf(result.rows.map((row) => positions.map((position) => row[position]!)));
  const expectedLines = linesOf(expected.rows);
  return query.startsWith('queries/')
    ? { actual: actualLines, expected: expectedLines }
    : { actual: actualLines.sort(), expected: expectedLines.sort() };
}

/** Rows as lines of text. */
export const linesOf = (rows: Cell[][]): string[] => rows.map((row) => row.map(showCell).join(' | '));
