/**
 * One measured part of a benchmark in a process of its own: `node bench/steps.ts <part> <data dir> <clock> [<engine>]`. Prints
 * one line of JSON with seconds by the clock, those of this process on all cores together, and the greatest memory.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { rawColumnsOf } from '../src/contracts/index.ts';
import type { Layer } from '../src/domain/lake/run-plan.ts';
import { newestSnapshot } from '../src/flows/documents.ts';
import { judgeQuality } from '../src/flows/judge-quality.ts';
import { loadWarehouse } from '../src/flows/load-warehouse.ts';
import { findNewInputs, planCleanLayer } from '../src/flows/plan-run.ts';
import { publishSnapshot } from '../src/flows/publish-snapshot.ts';
import { writeQualityReport } from '../src/flows/quality-report.ts';
import { planCuratedLayer, runModels } from '../src/flows/run-models.ts';
import type { EngineName } from '../src/local/platform.ts';
import type { Environment, SqlFiles } from '../src/ports.ts';
import { peakMemory } from './peak-memory.ts';
import { openBenchPlatform, SetClock } from './raw-lake.ts';
import { measured } from './report.ts';

const [part = '', dataDir = '', now = '', engine] = process.argv.slice(2);

/** What a run does up to its snapshot; with `isLoaded` also the warehouse, with `isGated` its checks and gates. */
async function run({ isLoaded = false, isGated = false }): Promise<void> {
  const { env: whole, close } = openBenchPlatform(dataDir, new SetClock(now), engine as EngineName | undefined);
  const env = isGated ? whole : { ...whole, sql: withoutChecks(whole.sql) };
  try {
    const newest = await newestSnapshot(env);
    const runId = `bench-${(newest?.number ?? 0) + 1}`;
    const inputs = await findNewInputs(env)(runId, newest);
    const clean = await runModels(env)(await planCleanLayer(env)(inputs, newest));
    if (isGated) await passGate(env, runId, 'clean');
    const curated = await runModels(env)(await planCuratedLayer(env)(inputs, clean, newest));
    if (isGated) await passGate(env, runId, 'curated');
    if (isGated) await writeQualityReport(env)({ runId });
    const snapshot = await publishSnapshot(env)(inputs, newest, clean, curated);
    if (isLoaded) await loadWarehouse(env)(snapshot);
  } finally {
    close();
  }
}

const withoutChecks = (sql: SqlFiles): SqlFiles => ({
  read: (path) => sql.read(path),
  list: (folder) => sql.list(folder).filter((path) => !path.endsWith('.checks.json')),
});

async function passGate(env: Environment, runId: string, layer: Layer): Promise<void> {
  const { verdict, reason } = await judgeQuality(env)({ runId, layer });
  if (verdict !== 'passed') throw new Error(`the generated events must pass the gate, got ${verdict}: ${reason}`);
}

/** The least that any way has to do: read, keep one record an event id and day, write by day. With all the memory it likes. */
async function floor(): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { temp_directory: join(dataDir, 'tmp-floor') });
  const connection = await instance.connect();
  const columns = rawColumnsOf('events').map(({ name, type }) => `"${name}": '${type}'`);
  await connection.run(`
    copy (
      select * exclude (arrival_no)
      from (
        select
          *,
          cast(occurred_at as date) as dt,
          row_number() over (partition by cast(occurred_at as date), event_id order by arrived_at) as arrival_no
        from read_json(
          '${join(dataDir, 'lake/raw/events/**/*.jsonl.gz')}',
          format = 'newline_delimited', records = true, hive_partitioning = false, columns = {${columns.join(', ')}}
        )
      )
      where arrival_no = 1
    ) to '${join(dataDir, 'floor')}' (format parquet, compression snappy, partition_by (dt))`);
  connection.closeSync();
  instance.closeSync();
  rmSync(join(dataDir, 'floor'), { recursive: true });
}

const parts: Record<string, () => Promise<void>> = {
  floor,
  gated: () => run({ isLoaded: true, isGated: true }),
  judged: () => run({ isGated: true }),
  load: () => run({ isLoaded: true }),
  publish: () => run({}),
};
const memory = peakMemory();
const { wall, cpu } = await measured(parts[part]!);
console.log(JSON.stringify({ seconds: wall, cpuSeconds: cpu, memoryMiB: memory() }));
