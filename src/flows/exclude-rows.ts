/**
 * Takes the rows that a gate refused out of the clean layer: into quarantine, then into `exclusions/`, then the layer is
 * planned anew without them. The order lets a step that was cut off be done again: what it wrote stands.
 */
import { createHash } from 'node:crypto';
import type { Dataset } from '../contracts/index.ts';
import { batchOfKey, exclusionsKey, planKey, quarantineKey } from '../domain/lake/layout.ts';
import type { PlanInput, RunPlan } from '../domain/lake/run-plan.ts';
import { seal } from '../domain/privacy/seal.ts';
import type { RawLine } from '../domain/privacy/separate.ts';
import { originColumns } from '../domain/quality/compile-checks.ts';
import { type Exclusion, originOf, originText } from '../domain/quality/exclusions.ts';
import type { Environment } from '../ports.ts';
import { writeDocument } from './documents.ts';
import { linesOfObject, putLinesOnce, type QuarantineLine } from './door.ts';
import { readJsonLines } from './exclusions.ts';
import { type RefusedRow, readGates } from './judge-quality.ts';
import { readModels } from './models.ts';
import { quarantineId } from './quarantine.ts';
import { readResult, readRunDocument } from './run-inputs.ts';

export interface Excluded {
  /** The pass that was judged: a run makes its clean layer three times at most. */
  pass: number;
  /** Records taken out. */
  rows: number;
}

/** Excludes what the newest gate of the run's clean layer refused; nothing where it refused no rows. */
export const excludeRows =
  (env: Environment) =>
  async ({ runId }: { runId: string }): Promise<Excluded> => {
    const gate = (await readGates(env, runId, 'clean')).at(-1);
    if (!gate) throw new Error(`run ${runId} has no judgement of its clean layer yet; judge-quality comes first`);
    const { pass } = gate;
    const plan = await readRunDocument<RunPlan>(env, runId, 'clean');
    const result = await readResult(env, runId, 'clean');
    const exclusions: Exclusion[] = [];
    for (const { table, refused } of result.models) {
      if (!refused) continue;
      const dataset = table.split('.')[1] as Dataset;
      const raw = plan.models.find((model) => model.table === table)!.inputs[`raw_${dataset}`]!;
      exclusions.push(...(await quarantineRows(env, dataset, raw, await readRefused(env, dataset, refused.key))));
    }
    if (exclusions.length > 0) {
      const lines = exclusions.map((exclusion) => `${JSON.stringify(exclusion)}\n`).join('');
      await env.objects.putIfAbsent(exclusionsKey(runId, pass), Buffer.from(lines));
      await writeDocument(
        env,
        planKey(runId, 'clean'),
        without(plan, exclusionsKey(runId, pass), { pass, exclusions }),
      );
    }
    return { pass, rows: exclusions.length };
  };

/** Names of the checks that each refused record broke, by its origin. */
async function readRefused(env: Environment, dataset: Dataset, key: string): Promise<Map<string, string[]>> {
  const checks = new Map<string, string[]>();
  for (const row of await readJsonLines<RefusedRow>(env, key)) {
    const origin = originText(dataset, { ...row });
    checks.set(origin, [...(checks.get(origin) ?? []), row.check_name]);
  }
  return checks;
}

/** Copies the raw lines of these origins into quarantine, by the raw object that holds them. */
async function quarantineRows(
  env: Environment,
  dataset: Dataset,
  raw: PlanInput,
  checksOf: Map<string, string[]>,
): Promise<Exclusion[]> {
  const exclusions: Exclusion[] = [];
  const [, position] = originColumns(dataset);
  const positions = new Set([...checksOf.keys()].map((origin) => origin.split(' ').at(-2)!));
  const mayBeRefused = new RegExp(`"${position}":"?(\\d+)`);
  for (const { key } of 'files' in raw ? raw.files : []) {
    const refused: { line: RawLine; checks: string[] }[] = [];
    for (const text of await linesOfObject(env, key)) {
      // Most lines are not refused, and reading JSON takes most of the time.
      if (!positions.has(mayBeRefused.exec(text)?.[1] ?? '')) continue;
      const line = JSON.parse(text) as RawLine;
      const checks = checksOf.get(originText(dataset, line));
      if (checks) refused.push({ line, checks });
    }
    if (refused.length > 0) exclusions.push(...(await quarantineLines(env, dataset, key, refused)));
  }
  return exclusions;
}

async function quarantineLines(
  env: Environment,
  dataset: Dataset,
  object: string,
  refused: { line: RawLine; checks: string[] }[],
): Promise<Exclusion[]> {
  const table = readModels(env.sql).models.find((model) => model.table === `clean.${dataset}`)!;
  const columnOf = (name: string) => {
    const check = table.checks.find((candidate) => candidate.name === name);
    return check && 'column' in check ? `/${check.column}` : '';
  };
  const { day: sealedOn, key } = await env.vault.quarantineSealingKey();
  const lines = refused.map(({ line, checks }): QuarantineLine => {
    const origin = originOf(dataset, line);
    return {
      kind: 'refused_by_gate',
      reasons: checks.map((name) => ({ path: columnOf(name), rule: `check ${name}` })),
      origin,
      arrivedAt: String(line.arrived_at),
      sealedOn,
      bodySealed: seal(key, JSON.stringify(line), JSON.stringify(origin)),
    };
  });
  const ids = lines.map(({ origin }) => quarantineId(dataset, origin));
  const hash = createHash('sha256').update(ids.join()).digest('hex').slice(0, 16);
  const arrivedAt = new Date(lines[0]!.arrivedAt);
  await putLinesOnce(env, quarantineKey(dataset, arrivedAt, `gate-${batchOfKey(object)}-${hash}`), lines);
  return refused.map(({ line, checks }, index) => ({
    ...originOf(dataset, line),
    dataset,
    id: ids[index]!,
    object,
    checks,
    redrive_count: Number(line.redrive_count ?? 0),
  }));
}

/** The plan of the next pass: the same inputs, less what is refused. Where it is that already, it stays so. */
function without(plan: RunPlan, key: string, { pass, exclusions }: { pass: number; exclusions: Exclusion[] }): RunPlan {
  if (plan.pass > pass) return plan;
  const models = plan.models.map((model) => {
    const dataset = model.table.split('.')[1] as Dataset;
    const inputs = Object.entries(model.inputs).map(([name, input]): [string, PlanInput] => {
      if (!('files' in input) || input.format !== 'jsonl') return [name, input];
      const files = [...(input.without?.files ?? []), key];
      return [name, { ...input, without: { files, origin: originColumns(dataset) } }];
    });
    const refused = exclusions.filter((exclusion) => exclusion.dataset === dataset).length;
    return { ...model, inputs: Object.fromEntries(inputs), arrivals: (model.arrivals ?? 0) - refused };
  });
  return { ...plan, pass: pass + 1, models };
}
