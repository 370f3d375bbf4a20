/** Executes the models of a layer, and plans the curated layer from what the clean layer did. */
import { planKey, tablePrefix } from '../domain/lake/layout.ts';
import { planCurated } from '../domain/lake/plan-layer.ts';
import type { EngineResult, RunPlan } from '../domain/lake/run-plan.ts';
import { applyResult, type Snapshot } from '../domain/lake/snapshot.ts';
import type { Environment } from '../ports.ts';
import { writeDocument } from './documents.ts';
import { exclusionKeys } from './exclusions.ts';
import { readModels } from './models.ts';
import type { RunInputs } from './plan-run.ts';
import { putDefaultRates } from './rates.ts';

/** Executes a plan; its result lies beside the plan, so that later steps and people can read what it did. */
export const runModels =
  (env: Environment) =>
  async (plan: RunPlan): Promise<EngineResult> => {
    const result = await env.engine.execute(plan);
    await writeDocument(env, planKey(plan.runId, `${plan.layer}.result`), result);
    return result;
  };

/** Removes what a run wrote that was not published: nobody reads it, and on a full disk it would stay. */
export const removeOutputs =
  (env: Environment) =>
  async (runId: string): Promise<void> => {
    for (const { table } of readModels(env.sql).models) {
      const keys: string[] = [];
      for await (const { key } of env.objects.list(`${tablePrefix(table, runId)}/`)) keys.push(key);
      await env.objects.delete(keys);
    }
  };

export const planCuratedLayer =
  (env: Environment) =>
  async (inputs: RunInputs, clean: EngineResult, newest: Snapshot | undefined): Promise<RunPlan> => {
    const tables = applyResult(newest?.tables ?? {}, clean);
    await putDefaultRates(env);
    const exclusions = await exclusionKeys(env, inputs.newRaw);
    const plan = planCurated({ ...readModels(env.sql), ...inputs, tables, exclusions, at: env.clock.now(), clean });
    await writeDocument(env, planKey(inputs.runId, 'curated'), plan);
    return plan;
  };
