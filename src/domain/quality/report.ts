/** The quality report of a run: what its gates found, beside what earlier runs found, for people to read. */
import type { Layer } from '../lake/run-plan.ts';
import type { CheckResult, GateDocument, Outcome, Verdict } from './judge.ts';

/** What an earlier run found of the same check. */
interface Earlier {
  runId: string;
  outcome: Outcome;
  failures: number;
  rows: number;
}

export interface ReportedCheck extends CheckResult {
  /** Oldest first. */
  earlier: Earlier[];
}

/** `reports/quality/<run>.json` */
export interface QualityReport {
  runId: string;
  judgedAt: string;
  /** `failed` where a gate stopped the run: nothing of it is published. */
  outcome: 'passed' | 'warned' | 'failed';
  /** Rows taken out of the run, which wait in quarantine. */
  refused: number;
  layers: { layer: Layer; verdict: Verdict; reason: string; passes: number }[];
  /** Worst first. */
  checks: ReportedCheck[];
}

/** How many earlier runs a report looks back to. */
export const lookBack = 7;

const outcomes: Outcome[] = ['errored', 'failed', 'warned', 'passed'];

/** The report of a run whose gates came to these documents, each layer's last pass; `earlier` reports are oldest first. */
export function makeReport(gates: GateDocument[], earlier: QualityReport[]): QualityReport {
  const last = gates.at(-1)!;
  const found = new Map(
    earlier.map((report) => [report.runId, new Map(report.checks.map((one) => [keyOf(one), one]))]),
  );
  const checks = gates
    .flatMap((gate) => gate.checks)
    .map((check) => {
      const before = [...found].flatMap(([runId, byKey]): Earlier[] => {
        const one = byKey.get(keyOf(check));
        return one ? [{ runId, outcome: one.outcome, failures: one.failures, rows: one.rows }] : [];
      });
      return { ...check, earlier: before.slice(-lookBack) };
    })
    .sort((a, b) => outcomes.indexOf(a.outcome) - outcomes.indexOf(b.outcome));
  const isFailed = gates.some(({ verdict }) => verdict !== 'passed');
  return {
    runId: last.runId,
    judgedAt: last.judgedAt,
    outcome: isFailed ? 'failed' : checks.some(({ outcome }) => outcome === 'warned') ? 'warned' : 'passed',
    // A row that breaks two checks is told under both and stands in quarantine once.
    refused: gates.reduce((sum, gate) => sum + gate.refusedRows, 0),
    layers: gates.map(({ layer, verdict, reason, pass }) => ({ layer, verdict, reason, passes: pass })),
    checks,
  };
}

const keyOf = ({ table, name }: CheckResult): string => `${table} ${name}`;

/** The report in one sentence. */
export function summaryOf({ outcome, checks, refused, layers }: QualityReport): string {
  const counts = outcomes
    .map((name) => ({ name, count: checks.filter((check) => check.outcome === name).length }))
    .filter(({ count }) => count > 0)
    .map(({ name, count }) => `${count} ${name}`);
  const stopped = layers.find(({ verdict }) => verdict !== 'passed');
  const end =
    outcome === 'failed' && stopped
      ? `The gate of the ${stopped.layer} layer stopped the run, and readers see what they saw before.`
      : 'The run was let through.';
  const out = refused > 0 ? ` ${refused} rows were taken out and wait in quarantine.` : '';
  return `${checks.length} checks: ${counts.join(', ')}. ${end}${out}`;
}

/** How a check has gone: its failures in earlier runs and in this one. */
export function trendOf({ earlier, failures }: ReportedCheck): string {
  if (earlier.length === 0) return 'first run';
  return `${earlier.map((one) => (one.outcome === 'errored' ? '?' : one.failures)).join(', ')} → ${failures}`;
}

/** What somebody does about a check that did not pass; `c360` gives a command as it is typed where they are. */
export function adviceOf(
  { outcome, refused, note, kind, name }: CheckResult,
  c360 = (command: string) => `c360 ${command}`,
): string {
  if (outcome === 'errored') return 'Correct the check or its model: a check that cannot run lets nothing through.';
  if (refused > 0) {
    return (
      'Have their source send them again, corrected, or correct the check where the rows are right. On one machine they are also ' +
      `brought back: \`c360 quarantine export --rule ${name} --to FILE\`, correct the columns, \`c360 redrive --from FILE\`, ` +
      '`c360 run`.'
    );
  }
  if (kind === 'row_count' || kind === 'freshness')
    return 'Ask the source whether a file or part of the stream is missing.';
  if (kind === 'referential')
    return 'Bring in the file that describes them; until then the answers show them without a name.';
  if (kind === 'schema_drift')
    return 'Add the fields to the contract (docs/how-to-add.md), or have the source leave them out.';
  return note
    ? `\`${c360('replay')}\` judges all records anew.`
    : `Look at the rows with \`${c360('sql "select …"')}\`, and at the source that sent them.`;
}

/** The report as Markdown. */
export function reportText(report: QualityReport): string {
  const open = report.checks.filter(({ outcome }) => outcome !== 'passed');
  return [
    `# Quality of run ${report.runId}`,
    '',
    summaryOf(report),
    '',
    ...(open.length > 0 ? ['## What needs a look', '', ...open.flatMap((check) => sectionOf(check)), onAws, ''] : []),
    '## All checks',
    '',
    '| table | check | outcome | breaks it | of | earlier runs → this one |',
    '|---|---|---|---:|---:|---|',
    ...[...report.checks]
      .sort((a, b) => keyOf(a).localeCompare(keyOf(b), 'en'))
      .map(
        (check) =>
          `| ${check.table} | ${check.name} | ${check.outcome} | ${check.failures} | ${check.rows} | ${trendOf(check)} |`,
      ),
    '',
  ].join('\n');
}

const onAws = 'On AWS commands take `--target aws --env <deployment>`.';

function sectionOf(check: ReportedCheck): string[] {
  const { table, name, outcome, failures, rows, why, note, examples } = check;
  return [
    `### ${table}: ${name} ${outcome}`,
    '',
    `${why}.`,
    '',
    `- breaks it: ${failures} of ${rows} (${trendOf(check)})`,
    ...(note ? [`- ${note}`] : []),
    ...(examples ? [`- for example: ${examples.join('; ')}`] : []),
    `- what to do: ${adviceOf(check)}`,
    '',
  ];
}
