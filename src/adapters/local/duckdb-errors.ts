/** DuckDB's messages quote the data: what may pass is mapped here, once. */
import { EngineError } from '../../ports.ts';

/** Kinds of error whose first line names SQL and columns, never a value. */
const speaksOfSql = /^(Parser|Binder|Catalog|Not implemented) Error: /;

export function engineError(where: string, error: unknown): EngineError {
  const message = String((error as { message?: unknown } | undefined)?.message ?? error);
  const firstLine = message.split('\n')[0] ?? '';
  const kind = /^[A-Za-z ]+ Error/.exec(firstLine)?.[0] ?? 'Error';
  return new EngineError(`${where}: ${speaksOfSql.test(firstLine) ? firstLine : kind}`);
}
