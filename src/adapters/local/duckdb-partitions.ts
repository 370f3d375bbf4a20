/** Partitions by date in DuckDB: their sizes, work in spans of dates that fit in memory, and their files. */
import { availableParallelism } from 'node:os';
import type { DuckDBResultReader } from '@duckdb/node-api';
import { EngineError } from '../../ports.ts';
import { type DuckDbSession, quoted } from './duckdb-session.ts';

/** Dates, in order, with the number of rows of each. */
export type RowsByDate = Map<string, number>;

/** What a table holds of each date of a column. EngineError where the column is NULL. */
export async function rowsByDate(
  session: DuckDbSession,
  what: string,
  table: string,
  column: string,
): Promise<RowsByDate> {
  const found = await session.run(
    what,
    `select ${column}, count(*) from ${table} group by ${column} order by ${column}`,
  );
  return new Map(
    found.getRowsJson().map(([date, rows]) => {
      if (date === null) throw new EngineError(`${what}: ${column} must not be null`);
      return [String(date), Number(rows)];
    }),
  );
}

/** The condition that a column's date is one of these neighbouring dates. */
export const isWithin = (column: string, dates: string[]): string =>
  dates.length > 0 ? `${column} between date '${dates[0]}' and date '${dates.at(-1)}'` : 'false';

/** Dates, kept in their order, in one or more spans of about `spanRows` rows each. */
export function dateSpans(dates: string[], rowsOf: (date: string) => number, spanRows: number): string[][] {
  const spans: string[][] = [[]];
  let rows = 0;
  for (const date of dates) {
    if (rows > 0 && rows + rowsOf(date) / 2 > spanRows) {
      spans.push([]);
      rows = 0;
    }
    spans.at(-1)!.push(date);
    rows += rowsOf(date);
  }
  return spans;
}

/**
 * Writes the partitions of the table `result`, which lies sorted by them, one file each: a connection a core, each with a
 * span of partitions and a single thread, since two threads would make two files of a partition.
 */
export async function writePartitions(
  session: DuckDbSession,
  { table, column, directory, options }: { table: string; column: string; directory: string; options: string },
) {
  const partitions = await rowsByDate(session, table, 'result', column);
  const total = [...partitions.values()].reduce((sum, rows) => sum + rows, 0);
  const spans = dateSpans(
    [...partitions.keys()],
    (date) => partitions.get(date)!,
    Math.ceil(total / availableParallelism()),
  );
  await session.run(table, 'set threads = 1');
  const written = await Promise.allSettled(
    spans.map((span) =>
      session.beside(async (connection) => {
        await connection.run(table, partitionedWrites);
        const copies: DuckDBResultReader[] = [];
        for (let start = 0; start < span.length; start += mostPartitions) {
          const rows = `from result where ${isWithin(column, span.slice(start, start + mostPartitions))}`;
          const copy = `copy (select *, cast(${column} as varchar) as dt ${rows}) to ${quoted(directory)}`;
          copies.push(await connection.run(table, `${copy} (${options}, ${partitioning})`));
        }
        return copies;
      }),
    ),
  );
  await session.run(table, 'reset threads');
  return written.flatMap((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

/** A statement holds a vector of every column of each partition that it writes, to its end and however few its rows are. */
const mostPartitions = 64;

/**
 * Rows come sorted by partition, so few partitions need to be held: a partition buffers whole vectors of every column, and
 * hundreds of them would fill the memory. Settings of a connection.
 */
const partitionedWrites = 'set partitioned_write_flush_threshold = 16384; set partitioned_write_max_open_files = 8';

const partitioning =
  "partition_by (dt), write_partition_columns false, overwrite_or_ignore true, filename_pattern 'part-{i}'";
