/** The rows of Parquet files, whichever engine wrote them. */
import { openDuckDb } from './sql-engines.ts';

/** The rows of the files, ordered by all columns, values as text. */
export async function parquetRows(paths: string[]): Promise<string[][]> {
  const engine = await openDuckDb();
  try {
    const list = paths.map((path) => `'${path}'`).join(', ');
    const { rows } = await engine.select(
      `select * from read_parquet([${list}], hive_partitioning = false) order by all`,
    );
    return rows.map((row) => row.map((value) => value ?? 'NULL'));
  } finally {
    await engine.close();
  }
}
