/** Compares tables row for row: the lake's files and the warehouse's tables with the files of another making. */
import { join } from 'node:path';
import type { Snapshot } from '../../src/domain/lake/snapshot.ts';
import type { Platform } from '../../src/local/platform.ts';
import type { Environment } from '../../src/ports.ts';
import { openDuckDb, type SqlEngine } from './sql-engines.ts';

type Tables = Snapshot['tables'];

/** How many differing rows of a table are told. */
const mostTold = 4;

/**
 * The rows that the platform's tables hold and the expected ones do not, or the other way round, as text: in the lake and in
 * the warehouse, all columns, each row as often as it comes. Nothing where all are equal. A table of the same files is.
 */
export async function differences({ env, paths }: Platform, tables: Tables, expected: Tables): Promise<string[]> {
  const engine = await openDuckDb();
  const found: string[] = [];
  try {
    await engine.run(`attach '${join(paths.warehouse, 'warehouse.duckdb')}' as warehouse (read_only)`);
    for (const name of [...new Set([...Object.keys(tables), ...Object.keys(expected)])].sort()) {
      if (JSON.stringify(tables[name]) === JSON.stringify(expected[name])) continue;
      const rebuilt = await fileRows(engine, env, expected[name]);
      found.push(...told(name, await fileRows(engine, env, tables[name]), rebuilt));
      const [layer, table] = name.split('.');
      if (layer !== 'curated') continue;
      found.push(...told(`warehouse ${table}`, await rowsOf(engine, `warehouse.${table}`), rebuilt));
    }
    return found;
  } finally {
    await engine.close();
  }
}

async function fileRows(engine: SqlEngine, { objects }: Environment, files: Tables[string] = []): Promise<string[]> {
  if (files.length === 0) return [];
  const list = files.map(({ key }) => `'${objects.uri(key)}'`).join(', ');
  return rowsOf(engine, `read_parquet([${list}], hive_partitioning = false)`);
}

/** Each row as text with the names of its columns, but for those that are null. */
async function rowsOf(engine: SqlEngine, source: string): Promise<string[]> {
  const { columns, rows } = await engine.select(`select * from ${source}`);
  return rows.map((row) =>
    row.flatMap((cell, at) => (cell === null ? [] : [`${columns[at]} ${JSON.stringify(cell)}`])).join(', '),
  );
}

function told(name: string, actual: string[], expected: string[]): string[] {
  const [has, lacks] = [without(actual, expected), without(expected, actual)];
  return [...has.map((row) => `${name} has ${row}`), ...lacks.map((row) => `${name} lacks ${row}`)].slice(0, mostTold);
}

/** The rows less the others, each as often as it comes. */
function without(rows: string[], others: string[]): string[] {
  const left = new Map<string, number>();
  for (const row of others) left.set(row, (left.get(row) ?? 0) + 1);
  return rows.filter((row) => {
    const count = left.get(row) ?? 0;
    left.set(row, count - 1);
    return count <= 0;
  });
}
