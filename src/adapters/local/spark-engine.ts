/** ModelEngine on Spark: runs the script of the Glue job, `glue-scripts/run_models.py`, on this machine. */
import { dirname } from 'node:path';
import { planKey } from '../../domain/lake/layout.ts';
import type { EngineResult, RunPlan } from '../../domain/lake/run-plan.ts';
import { EngineError, type ModelEngine, type ObjectStore } from '../../ports.ts';

/** Runs the script with its arguments. */
export type RunScript = (parameters: string[]) => Promise<ScriptEnd>;

/** How the script ended, and what it and Spark have written. */
interface ScriptEnd {
  status: number | string;
  stdout: string;
  stderr: string;
}

export interface SparkEngineOptions {
  objects: ObjectStore;
  /** The folder `sql/`, or a zip archive of it. */
  sql: string;
  runScript: RunScript;
}

export class SparkEngine implements ModelEngine {
  readonly #options: SparkEngineOptions;

  constructor(options: SparkEngineOptions) {
    this.#options = options;
  }

  async execute(plan: RunPlan): Promise<EngineResult> {
    const { objects, sql, runScript } = this.#options;
    const key = planKey(plan.runId, plan.layer);
    const resultKey = planKey(plan.runId, `${plan.layer}.result`);
    await objects.put(key, Buffer.from(JSON.stringify(plan)));
    await objects.delete([resultKey]);
    const end = await runScript(['--lake', dirname(objects.uri('plans')), '--sql', sql, '--plan', key]);
    const result = end.status === 0 ? await objects.get(resultKey) : undefined;
    if (!result) throw new EngineError(reasonOf(end, plan));
    return JSON.parse(Buffer.from(result).toString()) as EngineResult;
  }
}

/** What the script says on its way, and its last word where it fails: spark-submit gives both out on standard output. */
const own = /^run_models: /;
const failed = /^run_models failed: (.*)$/;

/** The script's last word. Spark's own may quote the data, but for those that it says before it reads any. */
function reasonOf({ status, stdout, stderr }: ScriptEnd, { models, layer }: RunPlan): string {
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim());
  const word = lines.findLast((line) => failed.test(line));
  if (word) return failed.exec(word)![1]!;
  if (!lines.some((line) => own.test(line)))
    return `Spark does not start: ${lines.at(-1) ?? `it ended with ${status}`}`;
  const isMade = (table: string) => lines.some((line) => line.startsWith(`run_models: ${table}: `));
  const where = models.find(({ table }) => !isMade(table))?.table ?? `the ${layer} layer`;
  return typeof status === 'number'
    ? `${where}: Spark ended with ${status} before it could say why`
    : `${where}: Spark was ended by ${status}; where nobody did that, memory ran out: free some and run again`;
}
