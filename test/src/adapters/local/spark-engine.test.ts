/** What the Spark engine makes of the ends of its script: a result, or an error that names the model and tells no data. */
import { DirectoryObjectStore } from '../../../../src/adapters/local/directory-object-store.ts';
import { type RunScript, SparkEngine } from '../../../../src/adapters/local/spark-engine.ts';
import type { EngineResult, ModelPlan, RunPlan } from '../../../../src/domain/lake/run-plan.ts';
import { EngineError } from '../../../../src/ports.ts';
import { temporaryDirectories } from '../../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
const model = (table: string): ModelPlan => ({ table, sql: '', inputs: {}, output: { prefix: '', columns: [] } });
const plan: RunPlan = {
  runId: 'r1',
  layer: 'clean',
  pass: 1,
  models: [model('clean.events'), model('clean.products')],
};
const result: EngineResult = { runId: 'r1', layer: 'clean', engine: 'spark', models: [] };

/** Executes the plan with a script that ends so; before, it writes its result where it is given one. */
function execute(end: Partial<Awaited<ReturnType<RunScript>>>, written?: EngineResult): Promise<EngineResult> {
  const objects = new DirectoryObjectStore(newDirectory());
  const runScript: RunScript = async () => {
    if (written) await objects.put('plans/r1/clean.result.json', Buffer.from(JSON.stringify(written)));
    return { status: 0, stdout: '', stderr: '', ...end };
  };
  return new SparkEngine({ objects, sql: 'sql', runScript }).execute(plan);
}

const begun = 'run_models: Spark 4.1.1 runs plans/r1/clean.json\n';
const halfway = `${begun}run_models: clean.events: 3 rows, 1 files, 0.1 s\n`;

test('the result of a script that succeeded', async () => {
  expect(await execute({ stdout: halfway }, result)).toEqual(result);
});

// spark-submit gives what the script says on standard error out on standard output.
test.each<[string, Partial<Awaited<ReturnType<RunScript>>>, string]>([
  [
    'the last word of a script under spark-submit',
    { status: 1, stdout: `${halfway}run_models failed: clean.products: no\n` },
    'clean.products: no',
  ],
  [
    'the last word on standard error',
    { status: 1, stdout: halfway, stderr: 'run_models failed: clean.products: no\n' },
    'clean.products: no',
  ],
  [
    'where a script broke off without a word',
    { status: 1, stdout: `${halfway}Traceback: secret-value\n` },
    'clean.products: Spark ended with 1 before it could say why',
  ],
  [
    'where a Spark was killed',
    { status: 'SIGKILL', stdout: begun },
    'clean.events: Spark was ended by SIGKILL; where nobody did that, memory ran out: free some and run again',
  ],
  [
    'what Spark says that does not start',
    { status: 1, stderr: 'Error: no Java\n' },
    'Spark does not start: Error: no Java',
  ],
  ['that a Spark which does not start says nothing', { status: 3 }, 'Spark does not start: it ended with 3'],
  ['that a result is missing', { stdout: halfway }, 'clean.products: Spark ended with 0 before it could say why'],
])('an error tells %s', async (_, end, message) => {
  await expect(execute(end)).rejects.toThrow(new EngineError(message));
});

test('a result that an earlier attempt left is none of a script that failed', async () => {
  await expect(execute({ status: 1, stdout: `${begun}run_models failed: clean.events: no` }, result)).rejects.toThrow(
    new EngineError('clean.events: no'),
  );
});
