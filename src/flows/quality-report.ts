/** Writes and reads the quality reports of runs. They are kept, so that each can be held against those before it. */
import { qualityReportKey } from '../domain/lake/layout.ts';
import type { GateDocument } from '../domain/quality/judge.ts';
import { lookBack, makeReport, type QualityReport, reportText } from '../domain/quality/report.ts';
import type { Environment } from '../ports.ts';
import { readDocument, writeDocument } from './documents.ts';
import { readGates } from './judge-quality.ts';

/** Writes the report of a run as JSON and Markdown; undefined where the run came to no gate. Doing it again gives the same. */
export const writeQualityReport =
  (env: Environment) =>
  async ({ runId }: { runId: string }): Promise<QualityReport | undefined> => {
    const gates: GateDocument[] = [];
    for (const layer of ['clean', 'curated'] as const) gates.push(...(await readGates(env, runId, layer)).slice(-1));
    if (gates.length === 0) return undefined;
    const earlier = (await reportedRuns(env)).filter((run) => run < runId).slice(-lookBack);
    const reports = await Promise.all(earlier.map((run) => readQualityReport(env, run)));
    const report = makeReport(
      gates,
      reports.filter((one) => one !== undefined),
    );
    await env.objects.put(qualityReportKey(runId, 'md'), Buffer.from(reportText(report)));
    await writeDocument(env, qualityReportKey(runId, 'json'), report);
    return report;
  };

/** Ids of the runs that have a report, oldest first. */
async function reportedRuns(env: Environment): Promise<string[]> {
  const runs: string[] = [];
  for await (const { key } of env.objects.list('reports/quality/')) {
    const [, runId] = /\/([^/]+)\.json$/.exec(key) ?? [];
    if (runId) runs.push(runId);
  }
  return runs;
}

/** The report of a run, or the newest; undefined where there is none. */
export async function readQualityReport(env: Environment, runId?: string): Promise<QualityReport | undefined> {
  const run = runId ?? (await reportedRuns(env)).at(-1);
  return run === undefined ? undefined : readDocument<QualityReport>(env, qualityReportKey(run, 'json'));
}
