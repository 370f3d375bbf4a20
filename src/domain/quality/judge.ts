/** What a gate decides: from what the engine measured and the manifests count, each check's outcome and the verdict. */
import type { CheckMeasure, Layer, ModelResult, WrittenFile } from '../lake/run-plan.ts';
import { type Check, isRowCheck, isRowCount, type Severity, type Threshold } from './checks.ts';
import { judgeRowCount } from './row-counts.ts';

/** A check that cannot run is `errored` and never passes. */
export type Outcome = 'passed' | 'warned' | 'failed' | 'errored';

export interface CheckResult {
  /** `clean.events` */
  table: string;
  name: string;
  kind: Check['kind'];
  severity: Severity;
  why: string;
  outcome: Outcome;
  /** What was judged: rows, of clean tables those that are new in the run. */
  rows: number;
  /** Rows, keys, days or differences that break it. */
  failures: number;
  /** Of these, rows that the gate refuses. */
  refused: number;
  threshold?: Threshold;
  /** What people must know of the outcome. */
  note?: string;
  /** Origins of rows that break it, never their values. */
  examples?: string[];
}

/**
 * `passed`: nothing is refused. `refused`: some rows are, each check within its threshold, and the layer is made again without
 * them. `failed`: a threshold is broken, a table as a whole is at fault, or a check could not run.
 */
export type Verdict = 'passed' | 'refused' | 'failed';

/** A gate's document: `plans/<run>/<layer>.gate.<pass>.json`. */
export interface GateDocument {
  runId: string;
  layer: Layer;
  pass: number;
  judgedAt: string;
  verdict: Verdict;
  /** Short text: the checks that decided it. */
  reason: string;
  /** Rows that this pass and those before it refused. */
  refusedRows: number;
  checks: CheckResult[];
}

export interface JudgedTable {
  model: ModelResult;
  checks: Check[];
  /** The table as it would be published. */
  files: WrittenFile[];
  /** What the pass before this one of the run found; its counts hold those of all passes before. */
  before: CheckResult[];
}

export const judgeTables = (tables: JudgedTable[]): CheckResult[] =>
  tables.flatMap((table) => table.checks.map((check) => judgeCheck(check, table)));

function judgeCheck(check: Check, judged: JudgedTable): CheckResult {
  const { model, files } = judged;
  const { name, kind, severity, why, threshold } = check;
  const result = { table: model.table, name, kind, severity, why, refused: 0, ...(threshold && { threshold }) };
  if (isRowCount(check)) {
    const { failures, rows, note } = judgeRowCount(check, files, model.touched);
    const outcome = outcomeOf(severity, failures, threshold, rows);
    return { ...result, outcome, rows, failures, ...(failures > 0 && { note }) };
  }
  const measure = model.checks.find((candidate) => candidate.name === name);
  if (!measure || 'error' in measure) {
    return { ...result, outcome: 'errored', rows: 0, failures: 0, note: measure?.error ?? 'it was not run' };
  }
  if (isRowCheck(check) && severity === 'error' && model.table.startsWith('clean.')) {
    return { ...result, ...judgeRefusing(measure, threshold, judged) };
  }
  const { rows, failures } = measure;
  return { ...result, outcome: outcomeOf(severity, failures, threshold, rows), rows, failures };
}

/** A check whose rows are refused: what breaks its threshold is the run's new rows, those of earlier passes included. */
function judgeRefusing(
  { name, rows, failures }: Extract<CheckMeasure, { failures: number }>,
  threshold: Threshold | undefined,
  { model, before }: JudgedTable,
): Pick<CheckResult, 'outcome' | 'rows' | 'failures' | 'refused' | 'note'> {
  const earlier = before.find((check) => check.name === name);
  const now = model.refused?.rows[name] ?? 0;
  const published = failures - now;
  const refused = now + (earlier?.refused ?? 0);
  const newRows = earlier?.rows ?? model.counts.raw_rows ?? rows;
  const isBroken = refused > allowed(threshold ?? defaultOfRefusing, newRows);
  const outcome = isBroken ? 'failed' : refused + published > 0 ? 'warned' : 'passed';
  const note = `${published} rows that are published already break it too: \`c360 replay\` judges all anew`;
  return { outcome, rows: newRows, failures: refused + published, refused, ...(published > 0 && { note }) };
}

/** Rows that are refused without failing the run, where a check does not say: a few, or one in a hundred. */
const defaultOfRefusing: Threshold = { rows: 10, share: 0.01 };

function outcomeOf(severity: Severity, failures: number, threshold: Threshold = {}, rows: number): Outcome {
  if (failures <= allowed(threshold, rows)) return 'passed';
  return severity === 'error' ? 'failed' : 'warned';
}

const allowed = ({ rows: count = 0, share = 0 }: Threshold, rows: number): number =>
  Math.max(count, Math.floor(share * rows));

/** The verdict over all checks, and in a few words why. `refusedNow` are the rows that this pass refuses. */
export function verdictOf(checks: CheckResult[], refusedNow: number): Pick<GateDocument, 'verdict' | 'reason'> {
  const broken = checks.filter(({ outcome }) => outcome === 'failed' || outcome === 'errored');
  if (broken.length > 0) return { verdict: 'failed', reason: briefly(broken.map(tellBroken)) };
  if (refusedNow === 0) return { verdict: 'passed', reason: `${checks.length} checks` };
  return { verdict: 'refused', reason: briefly(checks.filter(({ refused }) => refused > 0).map(tellBroken)) };
}

const tellBroken = ({ table, name, outcome, failures, rows }: CheckResult): string =>
  outcome === 'errored' ? `${table} ${name} could not run` : `${table} ${name} (${failures} of ${rows})`;

/** A reason travels in the state machine's document, which is small. */
function briefly(texts: string[]): string {
  const shown = texts.slice(0, 5).join(', ');
  return texts.length > 5 ? `${shown} and ${texts.length - 5} more` : shown;
}
