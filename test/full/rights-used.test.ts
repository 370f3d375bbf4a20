/** What each function uses while the state machine runs is what the stack lets it use: neither less nor more. */
import type { Uses } from '../../lib/permissions.ts';
import { pipelineFunctions } from '../../lib/pipeline-functions.ts';
import { ingestBatch } from '../../src/flows/ingest-batch.ts';
import { definitionOf } from '../../src/local/pipeline-definition.ts';
import { callResource } from '../../src/local/pipeline-resources.ts';
import { executeStateMachine, TaskError } from '../../src/local/state-machine.ts';
import type { TaskResource } from '../../src/local/supported-states.ts';
import type { SqlFiles } from '../../src/ports.ts';
import { type DoorPlatform, doorPlatform } from '../support/door-platform.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { recording } from '../support/recorded-uses.ts';
import { synthesize } from '../support/synthesized.ts';

const newDirectory = temporaryDirectories();
const { machine } = definitionOf({ ...synthesize(newDirectory()).templates.pipeline });

/** Flow -> what it was seen to use, a line each. */
const used: Record<string, Set<string>> = {};
let platform: DoorPlatform;
let executions = 0;

/** Executes the machine, each function with an environment that writes down what is asked of it. */
async function run(input: Record<string, string> = {}, failing?: string): Promise<unknown> {
  executions += 1;
  const call = (state: string, resource: TaskResource, parameters: Record<string, unknown>) => {
    if (state === failing) throw new TaskError('States.TaskFailed', { ErrorMessage: 'planted' }, undefined);
    const flow = String(parameters.FunctionName).split(':').at(-1)!;
    used[flow] ??= new Set();
    const env = resource.endsWith('lambda:invoke') ? recording(platform.env, used[flow]) : platform.env;
    return callResource(env, resource, parameters);
  };
  platform.clock.advance(1);
  return executeStateMachine(machine, { name: `execution-${executions}`, input, call }).catch(() => 'failed');
}

/** Of the queries, which take most of the time of a run over few records, one. */
const withOneQuery = (sql: SqlFiles): SqlFiles => ({
  read: (path) => sql.read(path),
  list: (folder) => sql.list(folder).slice(0, folder === 'queries' ? 1 : undefined),
});

const header =
  'transaction_id,line_no,customer_id,product_id,quantity,amount,currency,channel,country,payment_method,ordered_at';
const bringIn = async (...rows: string[]) =>
  ingestBatch(platform.env)(await platform.land('transactions', `${[header, ...rows].join('\n')}\n`));
const sale = (id: string, quantity = 1) => `${id},1,u1,p1,${quantity},12.50,USD,web,DE,card,2026-02-01T10:00:00Z`;

beforeAll(async () => {
  platform = doorPlatform(newDirectory());
  platform.env = { ...platform.env, sql: withOneQuery(platform.env.sql) };
  await bringIn(sale('t1'));
  const { runId } = (await run()) as { runId: string };
  await bringIn(sale('t2'), sale('t3', 20_000));
  expect(await run()).toMatchObject({ excluded: { pass: 1 } });
  await bringIn(sale('t4'), sale('t5', 20_000));
  expect(await run({}, 'CuratedGate')).toBe('failed');
  // What that run refused is behind the newest snapshot: who makes it anew counts it.
  expect(await run({ kind: 'rerun', run: runId })).toMatchObject({ next: 'models' });
  expect(await run({}, 'LoadWarehouse')).toBe('failed');
  expect(await run()).toMatchObject({ next: 'load' });
  expect(await run()).toMatchObject({ next: 'nothing' });
});
afterAll(() => platform.close());

/** What a row of the table grants, as `recording` writes down what is used. */
const granted = ({ objects = {}, tables = {}, vault, warehouse, catalog, alerts }: Uses): string[] => [
  ...Object.entries(objects).flatMap(([folder, accesses]) => accesses.map((access) => `${access} ${folder}`)),
  ...Object.entries(tables).map(([table, access]) => `${access} table ${table}`),
  ...(vault ? ['quarantine keys', 'write table vault'] : []),
  ...(warehouse ? ['query warehouse'] : []),
  ...(warehouse === 'load' ? ['load warehouse'] : []),
  ...(catalog ? ['catalog'] : []),
  ...(alerts ? ['alerts'] : []),
];

test.each(Object.entries(pipelineFunctions))('%s', (flow, { uses }) => {
  const seen = used[flow]!;
  // Who may write a table may read it.
  for (const use of seen) if (use.startsWith('write table')) seen.delete(use.replace('write', 'read'));
  expect([...seen].sort()).toEqual(granted(uses).sort());
});
