/** The quality gate: judges what the checks of a layer found, before anything of it is published. */
import { planKey } from '../domain/lake/layout.ts';
import type { EngineResult, Layer, RunPlan } from '../domain/lake/run-plan.ts';
import { applyResult } from '../domain/lake/snapshot.ts';
import { type GateDocument, judgeTables, verdictOf } from '../domain/quality/judge.ts';
import type { Environment } from '../ports.ts';
import { newestSnapshot, readDocument, writeDocument } from './documents.ts';
import { readJsonLines } from './exclusions.ts';
import { readModels } from './models.ts';
import { readResult, readRunDocument } from './run-inputs.ts';

const gateKey = (runId: string, layer: Layer, pass: number): string => planKey(runId, `${layer}.gate.${pass}`);

/** Most origins that a check tells as examples. */
const mostExamples = 3;

/** Judges a layer that the engine has made, and writes the gate's document. Doing it again gives the same. */
export const judgeQuality =
  (env: Environment) =>
  async ({ runId, layer }: { runId: string; layer: Layer }): Promise<GateDocument> => {
    const plan = await readRunDocument<RunPlan>(env, runId, layer);
    const result = await readResult(env, runId, layer);
    const earlier = (await readGates(env, runId, layer)).filter(({ pass }) => pass < plan.pass);
    const tables = applyResult((await newestSnapshot(env))?.tables ?? {}, result);
    const { models } = readModels(env.sql);
    const judged = result.models.map((model) => ({
      model,
      checks: models.find(({ table }) => table === model.table)?.checks ?? [],
      files: tables[model.table] ?? [],
      before: (earlier.at(-1)?.checks ?? []).filter(({ table }) => table === model.table),
    }));
    const { examples, rows } = await readRefused(env, result);
    const before = earlier.at(-1);
    const checks = judgeTables(judged).map((check) => {
      const key = `${check.table} ${check.name}`;
      const origins = examples.get(key) ?? before?.checks.find((one) => key === `${one.table} ${one.name}`)?.examples;
      return origins ? { ...check, examples: origins } : check;
    });
    const judgedAt = env.clock.now().toISOString();
    const refusedRows = rows + (before?.refusedRows ?? 0);
    const document: GateDocument = {
      runId,
      layer,
      pass: plan.pass,
      judgedAt,
      ...verdictOf(checks, rows),
      refusedRows,
      checks,
    };
    await writeDocument(env, gateKey(runId, layer, plan.pass), document);
    return document;
  };

/** The gate's documents of a layer, one a pass, oldest first. */
export async function readGates(env: Environment, runId: string, layer: Layer): Promise<GateDocument[]> {
  const gates: GateDocument[] = [];
  for (let pass = 1; ; pass += 1) {
    const gate = await readDocument<GateDocument>(env, gateKey(runId, layer, pass));
    if (!gate) return gates;
    gates.push(gate);
  }
}

/** How many rows the layer's gate refuses, and of each check the origins of a few. */
async function readRefused(env: Environment, { models }: EngineResult) {
  const examples = new Map<string, string[]>();
  const origins = new Set<string>();
  for (const { table, refused } of models) {
    if (!refused) continue;
    for (const { check_name: name, redrive_count: _, ...origin } of await readJsonLines<RefusedRow>(env, refused.key)) {
      const text = Object.values(origin).join(' ');
      origins.add(`${table} ${text}`);
      const key = `${table} ${name}`;
      const shown = examples.get(key) ?? [];
      if (shown.length < mostExamples) examples.set(key, [...shown, text]);
    }
  }
  return { examples, rows: origins.size };
}

/** A line of the engine's list of rows to refuse: the check and the row's origin. */
export interface RefusedRow {
  check_name: string;
  source_shard?: string;
  source_sequence?: string;
  source_file?: string;
  source_line?: number;
  redrive_count: number;
}
