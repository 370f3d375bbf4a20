/** Measures a model's checks in DuckDB, while its rows are still the table `result`. */
import type { CheckMeasure, CompiledChecks } from '../../domain/lake/run-plan.ts';
import { EngineError } from '../../ports.ts';
import { type DuckDbSession, quoted } from './duckdb-session.ts';

/** Measures all checks in one statement. */
export async function measureChecks(
  session: DuckDbSession,
  table: string,
  { together, each }: CompiledChecks,
): Promise<CheckMeasure[]> {
  return measure(session, table, together, Object.keys(each)).catch((error: unknown) => {
    // One check that cannot run hides what the others found.
    if (error instanceof EngineError) return measureEach(session, table, each);
    throw error;
  });
}

/** By name, the SELECTs of rows to refuse of the checks that were found broken. */
export function refusingSelects(checks: CompiledChecks | undefined, measures: CheckMeasure[]): [string, string][] {
  const broken = measures.filter((measure) => 'failures' in measure && measure.failures > 0);
  const isBroken = new Set(broken.map(({ name }) => name));
  return Object.entries(checks?.refused ?? {}).filter(([name]) => isBroken.has(name));
}

/** Writes the rows as JSON Lines with the check that each breaks; how many, by check, or undefined where there are none. */
export async function writeRefusedRows(
  session: DuckDbSession,
  table: string,
  selects: [string, string][],
  path: string,
): Promise<Record<string, number> | undefined> {
  const named = selects.map(
    ([name, select]) => `select ${quoted(name)} as check_name, rows.* from (${select}) as rows`,
  );
  await session.run(table, `create or replace temp table refused as ${named.join(' union all ')}`);
  const counted = await session.run(table, 'select check_name, count(*) from refused group by all order by all');
  const rows = Object.fromEntries(counted.getRowsJson().map(([name, count]) => [String(name), Number(count)]));
  if (Object.keys(rows).length === 0) return undefined;
  await session.run(table, `copy (from refused order by all) to ${quoted(path)} (format json)`);
  return rows;
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
