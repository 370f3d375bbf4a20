/** The checks of a table, as they stand beside its model in `sql/models/<layer>/<table>.checks.json`. */
import { checksValidator } from '../../contracts/index.ts';

/** `warn` tells people; `error` refuses the row where it is one row's fault, and else stops the run. */
export type Severity = 'warn' | 'error';

/** What may break a check before it warns or fails: rows, a share of the rows, or the larger of both. */
export interface Threshold {
  rows?: number;
  share?: number;
}

interface Named {
  name: string;
  severity: Severity;
  threshold?: Threshold;
  /** What it protects, for people. */
  why: string;
}

/** A check of single rows: a row breaks it or keeps it, whatever the others hold. `when` limits it to some rows. */
export type RowCheck = Named & { when?: string } & (
    | { kind: 'not_null'; column: string }
    | { kind: 'accepted_values'; column: string; values: (string | number)[] }
    | { kind: 'range'; column: string; min?: Limit; max?: Limit }
    | { kind: 'length'; column: string; min?: Limit; max?: Limit }
    | { kind: 'regex'; column: string; pattern: string }
    | { kind: 'sql'; breach: string }
    /** The source sends fields that no contract knows. */
    | { kind: 'schema_drift' }
  );

/** A number, or an SQL expression over the row. */
type Limit = number | string;

/** A check of a table as a whole. */
export type TableCheck = Named &
  (
    | { kind: 'unique'; columns: string[] }
    /** The newest value of a time column is at most so many hours older than the run. */
    | { kind: 'freshness'; column: string; hours: number }
    | { kind: 'referential'; column: string; references: { table: string; column: string } }
    /** Two SELECTs of one number each that must give the same. */
    | { kind: 'reconciliation'; left: string; right: string }
    | { kind: 'sql'; select: string }
  );

/** A check of the numbers of rows that a snapshot's manifests give, so that it sees dates that a run does not touch. */
export type RowCountCheck = Named & {
  kind: 'row_count';
  /** Of the whole table. */
  min?: number;
  max?: number;
  /** Each date against the mean of the `days` before it. */
  trailing?: { days: number; atLeast: number; atMost?: number };
};

export type Check = RowCheck | TableCheck | RowCountCheck;

const rowKinds = ['not_null', 'accepted_values', 'range', 'length', 'regex', 'schema_drift'];

export const isRowCheck = (check: Check): check is RowCheck => rowKinds.includes(check.kind) || 'breach' in check;

export const isRowCount = (check: Check): check is RowCountCheck => check.kind === 'row_count';

/** Reads the checks of a table. Throws where the file breaks `schemas/quality/checks.json`, or two have one name. */
export function parseChecks(path: string, text: string): Check[] {
  const document = JSON.parse(text) as { checks: Check[] };
  if (!checksValidator(document)) {
    const { instancePath, keyword, params } = checksValidator.errors![0]!;
    const wanted = Object.values(params).flat().join(', ');
    throw new Error(
      `sql/${path}: ${instancePath || 'the file'} breaks ${keyword} ${wanted} of schemas/quality/checks.json`,
    );
  }
  const names = document.checks.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice) throw new Error(`sql/${path}: two checks have the name ${twice}; each needs its own`);
  return document.checks;
}
