/** Each shipped check is needed: what is planted for it, it alone catches, and without it the gate of its layer lets it pass. */
import { gzipSync } from 'node:zlib';
import { DuckDbEngine } from '../../src/adapters/local/duckdb-engine.ts';
import { SqlDirectory } from '../../src/adapters/sql-directory.ts';
import { datasets } from '../../src/contracts/index.ts';
import { rawKey } from '../../src/domain/lake/layout.ts';
import type { Layer, RunPlan } from '../../src/domain/lake/run-plan.ts';
import type { Check } from '../../src/domain/quality/checks.ts';
import type { GateDocument } from '../../src/domain/quality/judge.ts';
import { excludeRows } from '../../src/flows/exclude-rows.ts';
import { judgeQuality } from '../../src/flows/judge-quality.ts';
import { readModels } from '../../src/flows/models.ts';
import { findNewInputs, planCleanLayer } from '../../src/flows/plan-run.ts';
import { readRunDocument } from '../../src/flows/run-inputs.ts';
import { planCuratedLayer, runModels } from '../../src/flows/run-models.ts';
import type { Environment, SqlFiles } from '../../src/ports.ts';
import { repositoryRoot } from '../support/c360.ts';
import { doorPlatform } from '../support/door-platform.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { type PlantedState, plantedStates } from '../support/planted-states.ts';
import { runAt, soundLines } from '../support/sound-lines.ts';

const newDirectory = temporaryDirectories();
const table: string[] = [];

afterAll(() => process.stdout.write(`${['check | planted | with it | without it', ...table].join('\n')}\n`));

/** The raw layer of a state, written past the doors, which would refuse most of it. */
async function writeRaw(env: Environment, { lines = {}, without = () => false }: PlantedState): Promise<void> {
  for (const dataset of datasets) {
    const all = [...soundLines[dataset].filter((line) => !without(dataset, line)), ...(lines[dataset] ?? [])];
    const at = new Date('2026-02-28T23:00:00Z');
    const text = all.map((line) => `${JSON.stringify(line)}\n`).join('');
    await env.objects.put(rawKey(dataset, at, 'planted'), gzipSync(text));
    const values = { received: all.length, raw: all.length, quarantined: 0, suppressed: 0, unknownFields: 0 };
    await env.hot.write([{ table: 'batches', put: { partition: dataset, sort: 'planted', values } }]);
  }
}

/** The SQL with the state's fault, and without one check. */
function faultySql(sql: SqlFiles, { fault }: PlantedState, left?: { path: string; name: string }): SqlFiles {
  const checksLeft = (path: string) => {
    const { checks } = JSON.parse(sql.read(path)) as { checks: Check[] };
    return checks.filter(({ name }) => name !== left?.name);
  };
  return {
    list: (folder) => sql.list(folder).filter((path) => path !== left?.path || checksLeft(path).length > 0),
    read: (path) => {
      if (path === left?.path) return JSON.stringify({ checks: checksLeft(path) });
      if (path !== fault?.model) return sql.read(path);
      const faulty = sql.read(path).replace(fault.from, fault.to);
      if (faulty === sql.read(path)) throw new Error(`${path} does not hold ${fault.from}`);
      return faulty;
    },
  };
}

/** Makes the layers up to this one and gives its gate's last document. */
async function gateOf(env: Environment, layer: Layer): Promise<GateDocument> {
  const runId = '20260301T000000Z-planted';
  const inputs = await findNewInputs(env)(runId, undefined);
  let plan = await planCleanLayer(env)(inputs, undefined);
  for (;;) {
    const clean = await runModels(env)(plan);
    const gate = await judgeQuality(env)({ runId, layer: 'clean' });
    if (gate.verdict === 'refused') {
      await excludeRows(env)({ runId });
      plan = await readRunDocument<RunPlan>(env, runId, 'clean');
      continue;
    }
    if (layer === 'clean') return gate;
    await runModels(env)(await planCuratedLayer(env)(inputs, clean, undefined));
    return judgeQuality(env)({ runId, layer: 'curated' });
  }
}

async function judged(state: PlantedState, layer: Layer, left?: { path: string; name: string }): Promise<GateDocument> {
  const platform = doorPlatform(newDirectory(), state.now ?? runAt);
  try {
    await writeRaw(platform.env, state);
    const { objects, sql: sound } = platform.env;
    const sql = faultySql(sound, state, left);
    const engine = new DuckDbEngine({ objects, sql, temporaryDirectory: platform.paths.temporary });
    return await gateOf({ ...platform.env, sql, engine }, layer);
  } finally {
    platform.close();
  }
}

const caught = ({ checks }: GateDocument): string[] =>
  checks.filter(({ outcome }) => outcome !== 'passed').map((check) => `${check.table} ${check.name}`);

test('something is planted for each shipped check', () => {
  const { models } = readModels(new SqlDirectory(`${repositoryRoot}/sql`));
  const shipped = models.flatMap((model) => model.checks.map(({ name }) => `${model.table} ${name}`));
  expect(Object.keys(plantedStates).sort()).toEqual(shipped.sort());
});

test('sound records keep all checks', async () => {
  for (const layer of ['clean', 'curated'] as const) {
    expect(caught(await judged({ what: 'nothing' }, layer))).toEqual([]);
  }
});

test.each(Object.entries(plantedStates))('%s', async (key, state) => {
  const [tableName, name] = key.split(' ') as [string, string];
  const layer = tableName.split('.')[0] as Layer;
  const path = `models/${tableName.replace('.', '/')}.checks.json`;
  const [withIt, withoutIt] = [await judged(state, layer), await judged(state, layer, { path, name })];
  const outcome = withIt.checks.find((check) => check.table === tableName && check.name === name)?.outcome;
  table.push(`${key} | ${state.what} | ${outcome} | ${withoutIt.verdict}`);
  expect(caught(withIt)).toEqual([key]);
  expect([withoutIt.verdict, caught(withoutIt)]).toEqual(['passed', []]);
});
