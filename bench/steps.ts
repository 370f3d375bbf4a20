/**
 * One measured part of a benchmark in a process of its own: `node bench/steps.ts <part> <data dir> <clock>`. Prints one line
 * of JSON with seconds by the clock and the greatest memory.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { rawColumnsOf } from '../src/contracts/index.ts';
import { newestSnapshot } from '../src/flows/documents.ts';
import { loadWarehouse } from '../src/flows/load-warehouse.ts';
import { findNewInputs, planCleanLayer } from '../src/flows/plan-run.ts';
import { publishSnapshot } from '../src/flows/publish-snapshot.ts';
import { planCuratedLayer, runModels } from '../src/flows/run-models.ts';
import { openBenchPlatform, SetClock } from './raw-lake.ts';
import { measured } from './report.ts';

const [part = '', dataDir = '', now = ''] = process.argv.slice(2);

/** What a run does up to its snapshot; with `isLoaded` also the warehouse. */
async function run(isLoaded: boolean): Promise<void> {
  const { env, close } = openBenchPlatform(dataDir, new SetClock(now));
  try {
    const newest = await newestSnapshot(env);
    const inputs = await findNewInputs(env)(`bench-${(newest?.number ?? 0) + 1}`, newest);
    const clean = await runModels(env)(await planCleanLayer(env)(inputs, newest));
    const curated = await runModels(env)(await planCuratedLayer(env)(inputs, clean, newest));
    const snapshot = await publishSnapshot(env)(inputs, newest, clean, curated);
    if (isLoaded) await loadWarehouse(env)(snapshot);
  } finally {
    close();
  }
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

const parts: Record<string, () => Promise<void>> = { floor, load: () => run(true), publish: () => run(false) };
const { wall } = await measured(parts[part]!);
console.log(JSON.stringify({ seconds: wall, memoryMiB: process.resourceUsage().maxRSS / 1024 }));
