/** Measures a model's checks in DuckDB, while its rows are still the table `result`. */
import type { CheckMeasure, CompiledChecks, ModelResult } from '../../domain/lake/run-plan.ts';
import { EngineError } from '../../ports.ts';
import { type DuckDbSession, quoted } from './duckdb-session.ts';

export type Measured = Pick<ModelResult, 'checks' | 'refused'>;

/** Measures all checks in one statement, and writes the rows that are to be refused, if there are any, to `file`. */
export async function measureChecks(
  session: DuckDbSession,
  table: string,
  { together, each, refused }: CompiledChecks,
  file: { key: string; path: string },
): Promise<Measured> {
  const names = Object.keys(each);
  const checks = await measure(session, table, together, names).catch((error: unknown) => {
    // One check that cannot run hides what the others found.
    if (error instanceof EngineError) return measureEach(session, table, each);
    throw error;
  });
  const broken = checks.filter(
    (check) => 'failures' in check && check.failures > 0 && refused[check.name] !== undefined,
  );
  if (broken.length === 0) return { checks };
  const selects = broken.map(
    ({ name }) => `select ${quoted(name)} as check_name, rows.* from (${refused[name]}) as rows`,
  );
  await session.run(table, `create or replace temp table refused as ${selects.join(' union all ')}`);
  const counted = await session.run(table, 'select check_name, count(*) from refused group by all order by all');
  if (counted.currentRowCount === 0) return { checks };
  await session.run(table, `copy (from refused order by all) to ${quoted(file.path)} (format json)`);
  const rows = Object.fromEntries(counted.getRowsJson().map(([name, count]) => [String(name), Number(count)]));
  return { checks, refused: { key: file.key, rows } };
}

async function measureEach(
  session: DuckDbSession,
  table: string,
  each: Record<string, string>,
): Promise<CheckMeasure[]> {
  const measures: CheckMeasure[] = [];
  for (const [name, statement] of Object.entries(each)) {
    const measured = await measure(session, table, statement, [name]).catch((error: unknown): CheckMeasure[] => {
      if (error instanceof EngineError) return [{ name, error: error.message }];
      throw error;
    });
    measures.push(...measured);
  }
  return measures;
}

async function measure(
  session: DuckDbSession,
  table: string,
  statement: string,
  names: string[],
): Promise<CheckMeasure[]> {
  const [row = {}] = (await session.run(table, statement)).getRowObjectsJson();
  return names.map((name) => {
    // A SELECT without a row, or of NULL, has found nothing out.
    if (row[name] === null || row[name] === undefined) return { name, error: `${table}: ${name} gives no number` };
    return { name, rows: Number(row.judged_rows), failures: Number(row[name]) };
  });
}
