/** The quality gate: judges what the checks of a layer found, before anything of it is published. */
import { planKey } from '../domain/lake/layout.ts';
import type { EngineResult, Layer, RunPlan } from '../domain/lake/run-plan.ts';
import { applyResult } from '../domain/lake/snapshot.ts';
import { type GateDocument, judgeTables, verdictOf } from '../domain/quality/judge.ts';
import type { Environment } from '../ports.ts';
import { newestSnapshot, readDocument, writeDocument } from './documents.ts';
import { readJsonLines } from './exclusions.ts';
import { readModels } from './models.ts';

/** A gate has stopped the run: nothing of it is published. */
export class QualityFailed extends Error {
  override name = 'QualityFailed';

  constructor(layer: Layer, reason: string) {
    super(`the gate of the ${layer} layer stopped the run: ${reason}; \`c360 quality\` tells more, and what to do`);
  }
}

const gateKey = (runId: string, layer: Layer, pass: number): string => planKey(runId, `${layer}.gate.${pass}`);

/** Most origins that a check tells as examples. */
const mostExamples = 3;

/** Judges a layer that the engine has made, and writes the gate's document. Doing it again gives the same. */
export const judgeQuality =
  (env: Environment) =>
  async ({ runId, layer }: { runId: string; layer: Layer }): Promise<GateDocument> => {
    const plan = await required<RunPlan>(env, planKey(runId, layer));
    const result = await required<EngineResult>(env, planKey(runId, `${layer}.result`));
    const earlier = (await readGates(env, runId, layer)).filter(({ pass }) => pass < plan.pass);
    const tables = applyResult((await newestSnapshot(env))?.tables ?? {}, result);
    const { models } = readModels(env.sql);
    const judged = result.models.map((model) => ({
      model,
      checks: models.find(({ table }) => table === model.table)?.checks ?? [],
      files: tables[model.table] ?? [],
      before: (earlier.at(-1)?.checks ?? []).filter(({ table }) => table === model.table),
    }));
    const examples = await readExamples(env, result);
    const checks = judgeTables(judged).map((check) => {
      const origins = examples.get(`${check.table} ${check.name}`);
      return origins ? { ...check, examples: origins } : check;
    });
    const refusedNow = result.models.flatMap(({ refused }) => Object.values(refused?.rows ?? {}));
    const judgedAt = env.clock.now().toISOString();
    const verdict = verdictOf(
      checks,
      refusedNow.reduce((sum, rows) => sum + rows, 0),
    );
    const document: GateDocument = { runId, layer, pass: plan.pass, judgedAt, ...verdict, checks };
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

async function readExamples(env: Environment, { models }: EngineResult): Promise<Map<string, string[]>> {
  const examples = new Map<string, string[]>();
  for (const { table, refused } of models) {
    if (!refused) continue;
    for (const { check_name: name, redrive_count: _, ...origin } of await readJsonLines<RefusedRow>(env, refused.key)) {
      const key = `${table} ${name}`;
      const origins = examples.get(key) ?? [];
      if (origins.length < mostExamples) examples.set(key, [...origins, Object.values(origin).join(' ')]);
    }
  }
  return examples;
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

export async function required<T>(env: Environment, key: string): Promise<T> {
  const document = await readDocument<T>(env, key);
  if (document === undefined) throw new Error(`${key} is missing, though a step of this run wrote it; run again`);
  return document;
}
