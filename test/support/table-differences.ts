/** Compares the Parquet files of two makings of a table: their schema, and every value of every row, order aside. */
import type { Cell, SqlEngine } from './sql-engines.ts';

/** One making of a table. */
export interface Side {
  name: string;
  /** Paths of its files. */
  paths: string[];
}

/** How many differing rows of a table are told. */
const mostTold = 5;

/**
 * What differs, a line each; nothing where both makings have the same columns, in order and with the same types, and the
 * same rows, each as often as it comes and in the folder of its partition. `key` is SQL by which rows are named.
 */
export async function tableDifferences(duckDb: SqlEngine, key: string[], one: Side, other: Side): Promise<string[]> {
  const sides = [one, other];
  if (sides.every(({ paths }) => paths.length === 0)) return [];
  const lacking = sides.find(({ paths }) => paths.length === 0);
  if (lacking) return [`no files of ${lacking.name}`];
  const [columns, otherColumns] = [await columnsOf(duckDb, one), await columnsOf(duckDb, other)];
  if (columns.join() !== otherColumns.join()) return schemaDifferences(one, columns, other, otherColumns);
  return rowDifferences(duckDb, key, one, other);
}

// ---- Schema ---------------------------------------------------------------------------------------------------------

/**
 * Name and types of each column, in order: the physical one, and the one that is read. The annotations say more only of
 * whole numbers, among them the unit of times and the scale of decimals; of text and dates they may be spelt in two ways
 * that the format calls equal. Whether NULL may stand in a column no table declares, and Spark writes down where it knows.
 */
async function columnsOf(duckDb: SqlEngine, { name, paths }: Side): Promise<string[]> {
  const { rows } = await duckDb.select(`
    select distinct to_json(list(
      concat_ws(' ', name, type, duckdb_type, case when type = 'INT64' then logical_type end) order by column_id
    ))
    from parquet_schema(${list(paths)})
    where column_id > 0
    group by file_name`);
  if (rows.length > 1) return [`${rows.length} different schemas in the files of ${name}`];
  return JSON.parse(String(rows[0]![0])) as string[];
}

function schemaDifferences(one: Side, columns: string[], other: Side, otherColumns: string[]): string[] {
  const longer = columns.length > otherColumns.length ? columns : otherColumns;
  return [...longer.keys()]
    .filter((at) => columns[at] !== otherColumns[at])
    .map((at) => `column ${at + 1}: ${one.name} ${columns[at] ?? 'none'}, ${other.name} ${otherColumns[at] ?? 'none'}`);
}

// ---- Rows -----------------------------------------------------------------------------------------------------------

type Row = Map<string, Cell>;

async function rowDifferences(duckDb: SqlEngine, key: string[], one: Side, other: Side): Promise<string[]> {
  await readRows(duckDb, 'one', key, one);
  await readRows(duckDb, 'other', key, other);
  const [has, lacks] = [await rowsLeft(duckDb, 'one', 'other'), await rowsLeft(duckDb, 'other', 'one')];
  const keys = [...new Set([...has.keys(), ...lacks.keys()])];
  if (keys.length === 0) return [];
  const told = keys.slice(0, mostTold).map((id) => {
    const where = `at ${key.join(', ')} = ${id}`;
    const [ones, others] = [has.get(id) ?? [], lacks.get(id) ?? []];
    if (ones.length === 1 && others.length === 1)
      return `${where}: ${cellsThatDiffer(one, ones[0]!, other, others[0]!)}`;
    return `${where}: ${one.name} has ${ones.length} rows that ${other.name} has not, and lacks ${others.length}`;
  });
  return keys.length > mostTold ? [...told, `… and at ${keys.length - mostTold} other keys`] : told;
}

/** Every value as text, which of a DOUBLE is that of its bits and of a DECIMAL has its scale, with the folder's date. */
async function readRows(duckDb: SqlEngine, table: string, key: string[], { paths }: Side): Promise<void> {
  await duckDb.run(`
    create or replace temp table ${table} as
    select concat_ws(', ', ${key.join(', ')}) as row_id, columns(* exclude (filename))::varchar, regexp_extract(filename, '/dt=([^/]+)/[^/]+$', 1) as dt
    from read_parquet(${list(paths)}, filename = true, hive_partitioning = false)`);
}

/** The rows that one table holds more often than the other, by what names them. */
async function rowsLeft(duckDb: SqlEngine, table: string, other: string): Promise<Map<string, Row[]>> {
  const { columns, rows } = await duckDb.select(
    `select * from (from ${table} except all from ${other}) order by row_id`,
  );
  const named = rows.map(([id, ...cells]) => ({
    id: String(id),
    row: new Map(columns.slice(1).map((name, at) => [name, cells[at]!])),
  }));
  return new Map([...Map.groupBy(named, ({ id }) => id)].map(([id, found]) => [id, found.map(({ row }) => row)]));
}

function cellsThatDiffer(one: Side, row: Row, other: Side, otherRow: Row): string {
  const differing = [...row].filter(([name, cell]) => cell !== otherRow.get(name));
  return differing
    .map(([name, cell]) => `${name} ${one.name} ${shown(cell)}, ${other.name} ${shown(otherRow.get(name)!)}`)
    .join('; ');
}

const shown = (cell: Cell): string => (cell === null ? 'NULL' : JSON.stringify(cell));

const list = (paths: string[]): string => `[${paths.map((path) => `'${path}'`).join(', ')}]`;
