/**
 * DuckDB and Spark on the same plans: raw to snapshot, with checks and gates, of 100 k, 1 M and 10 M events over 24 months.
 * Each run in a process of its own; Spark's start counts, and the memory of all the processes that a run has begun.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newestSnapshot } from '../src/flows/documents.ts';
import { engineNames } from '../src/local/platform.ts';
import { archive, generatedEvents, openBenchPlatform, removeMade, SetClock } from './raw-lake.ts';
import { type Figure, inOwnProcess } from './report.ts';

const until = '2026-10-31';
const now = '2026-11-01T00:00:00Z';
const sizes = [100_000, 1_000_000, 10_000_000];
const largestFileMiB = 128;

type Engine = (typeof engineNames)[number];
type Run = { seconds: number; memoryMiB: number };

export async function engines(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const runs: Record<Engine, Run[]> = { duckdb: [], spark: [] };
  for (const events of sizes) {
    const directory = mkdtempSync(join(tmpdir(), 'c360-bench-'));
    const dataDir = join(directory, 'data');
    try {
      await archive(dataDir, new SetClock(now), generatedEvents(events, 24, until));
      for (const engine of engineNames) {
        removeMade(dataDir);
        const run = inOwnProcess('steps.ts', 'judged', dataDir, now, engine);
        runs[engine].push(run);
        figures.push(...(await figuresOf(dataDir, `${engine}, ${events / 1e6} M events`, run)));
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
    const ratio = runs.spark.at(-1)!.seconds / runs.duckdb.at(-1)!.seconds;
    figures.push({ what: `spark / duckdb, ${events / 1e6} M events: time`, value: ratio, unit: 'ratio' });
  }
  return [...figures, ...engineNames.map((engine) => growthOf(engine, runs[engine]))];
}

async function figuresOf(dataDir: string, of: string, { seconds, memoryMiB }: Run): Promise<Figure[]> {
  const platform = openBenchPlatform(dataDir, new SetClock(now));
  const { tables = {} } = (await newestSnapshot(platform.env)) ?? {};
  platform.close();
  const files = Object.entries(tables).flatMap(([table, written]) => written.map((file) => ({ table, ...file })));
  const partitions = new Set(files.map(({ table, partition }) => `${table} ${partition}`)).size;
  const largest = Math.max(...files.map(({ bytes }) => bytes)) / 2 ** 20;
  return [
    { what: `${of}: time`, value: seconds, unit: 's' },
    { what: `${of}: peak memory`, value: memoryMiB, unit: 'MiB' },
    {
      what: `${of}: files of ${partitions} partitions`,
      value: files.length,
      unit: 'files',
      budget: `<= ${partitions}`,
    },
    { what: `${of}: largest file`, value: largest, unit: 'MiB', budget: `<= ${largestFileMiB}` },
  ];
}

/** Without the smallest size, of which Spark's start is a large part. */
function growthOf(engine: Engine, runs: Run[]): Figure {
  const exponent = Math.log(runs.at(-1)!.seconds / runs[1]!.seconds) / Math.log(sizes.at(-1)! / sizes[1]!);
  return {
    what: `${engine}: from 1 M to 10 M, time grows with the events to the power of`,
    value: exponent,
    unit: 'exponent',
  };
}
