/**
 * Runs of `c360 run` that are killed at points of their states: what each kill must leave alone, and what the next run and a
 * vacuum must make of it. One data directory is prepared, and copied for each kill.
 */
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { snapshotKey } from '../../src/domain/lake/layout.ts';
import { newestSnapshot } from '../../src/flows/documents.ts';
import { listRuns } from '../../src/flows/run-record.ts';
import { readStatus } from '../../src/flows/status.ts';
import { openPlatform } from '../../src/local/platform.ts';
import { runPipeline, vacuumLake } from '../../src/local/run-pipeline.ts';
import type { Environment } from '../../src/ports.ts';
import { c360, temporaryDataDir } from './c360.ts';
import { collect } from './collect.ts';
import { filesBelow } from './local-stores.ts';
import { lakeContent, servedContent, warehouseContent } from './shown-content.ts';
import { type StopPoint, stoppedRun } from './stopped-run.ts';

/** The states of a run that does its work, by the names of their steps; a gate refuses a row on the way. */
export type KilledStep =
  | 'plan'
  | 'clean models'
  | 'clean gate'
  | 'exclude rows'
  | 'plan curated'
  | 'curated models'
  | 'curated gate'
  | 'publish snapshot'
  | 'load warehouse'
  | 'publish answers'
  | 'notify';

export interface KillPoint extends StopPoint {
  name: string;
}

export type KilledRuns = Awaited<ReturnType<typeof prepareKilledRuns>>;

/** Prepares the data, and measures an undisturbed run. `remove` deletes all of it. */
export async function prepareKilledRuns() {
  const { dataDir, remove } = temporaryDataDir();
  const folder = dirname(dataDir);
  mkdirSync(folder, { recursive: true });
  await bringIn(dataDir, 1);
  await succeeds('run', dataDir);
  await bringIn(dataDir, 2);
  const before = await reading(dataDir, shown);
  const measured = copyOfData(dataDir, 'measured');
  const run = stoppedRun(measured);
  expect(await run.ended).toMatch(/^Snapshot 2 is loaded/);
  // A state that is passed a second time counts its calls anew: only those of the first time are told apart.
  const seen = new Set<string>();
  const calls = run.calls.filter(({ step, number }) => !seen.has(`${step} ${number}`) && seen.add(`${step} ${number}`));
  const undisturbed = await reading(measured, content);
  const after = await reading(measured, shown);
  return { dataDir, measured, calls, before, after, undisturbed, remove };
}

/** Both doors take a small shop of the seed; of the second, one sale is implausible. */
async function bringIn(place: string, seed: number): Promise<void> {
  const files = join(dirname(place), `shop-${seed}`);
  const sizes = ['--customers', '40', '--products', '20', '--transactions', '150', '--events', '300', '--months', '1'];
  expect(await c360(['generate', '--seed', String(seed), ...sizes, '--out', files])).toMatchObject({ code: 0 });
  keepLines(join(files, 'transactions.csv'), (line) => line.split(',').at(-1)! >= firstDay);
  keepLines(join(files, 'events.jsonl'), (line) => JSON.parse(line).timestamp >= firstDay);
  if (seed === 2) appendFileSync(join(files, 'transactions.csv'), implausible(join(files, 'transactions.csv')));
  for (const dataset of ['customers', 'products', 'transactions']) {
    await succeeds('upload', place, dataset, join(files, `${dataset}.csv`));
  }
  await succeeds('produce', place, join(files, 'events.jsonl'));
}

/** Of the month the last days alone: each day is a partition of each table, which each kill writes, reads and compares. */
const firstDay = '2026-10-26';

/** Keeps these lines, and the header: it sorts behind the dates. */
const keepLines = (file: string, isKept: (line: string) => boolean) =>
  writeFileSync(file, `${readFileSync(file, 'utf8').trimEnd().split('\n').filter(isKept).join('\n')}\n`);

/** The file's last sale once more under another id, of more units than any order has. */
function implausible(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const columns = lines[0]!.split(',');
  const fields = lines.at(-1)!.split(',');
  fields[columns.indexOf('transaction_id')] = 'implausible';
  fields[columns.indexOf('quantity')] = '20000';
  return `${fields.join(',')}\n`;
}

async function succeeds(command: string, place: string, ...args: string[]): Promise<void> {
  expect(await c360([command, ...args, '--data-dir', place])).toMatchObject({ code: 0 });
}

function copyOfData(dataDir: string, name: string): string {
  const place = join(dirname(dataDir), name);
  for (const suffix of ['', '.keys']) cpSync(dataDir + suffix, place + suffix, { recursive: true });
  // The copy of a folder has the mode of a new one.
  chmodSync(`${place}.keys`, 0o700);
  return place;
}

type Work<T> = (env: Environment) => Promise<T>;

const reading = <T>(place: string, read: Work<T>): Promise<T> => withData('read', place, read);

/** In this process, which holds the data no longer than a command would: that is quicker than to start one. */
const writing = <T>(place: string, write: Work<T>): Promise<T> => withData('write', place, write);

async function withData<T>(access: 'read' | 'write', dataDir: string, work: Work<T>): Promise<T> {
  const platform = openPlatform({ dataDir, access });
  try {
    return await work(platform.env);
  } finally {
    platform.close();
  }
}

/** What readers may ask at any time; each value is of one snapshot. */
const views = {
  warehouse: async ({ warehouse }: Environment) =>
    (
      await warehouse.query(`
        select (select snapshot_no from load_state), (select as_of_on from load_state),
          (select count(*) from fact_sales), (select sum(amount) from fact_sales),
          (select count(*) from fact_event), (select sum(event_count) from daily_metrics_batch),
          (select sum(event_count) from fact_session), (select count(*) from dim_customer),
          (select count(*) from dim_product), (select count(*) from dim_date)`)
    ).rows,
  serving: servedContent,
  lake: async (env: Environment) => {
    const { number, tables } = (await newestSnapshot(env))!;
    const files = Object.values(tables).flat();
    for (const { key, bytes } of files) {
      if (statSync(env.objects.uri(key)).size !== bytes)
        throw new Error(`${key} is not the file that the snapshot names`);
    }
    return [number, ...files.map(({ partition, rows }) => `${partition} ${rows}`).sort()];
  },
};
type Shown = Record<keyof typeof views, string>;

async function shown(env: Environment): Promise<Shown> {
  const values = Object.entries(views).map(async ([name, read]) => [name, JSON.stringify(await read(env))]);
  return Object.fromEntries(await Promise.all(values)) as Shown;
}

/** All that a run leaves, but for the ids and times of runs and the names of files. */
async function content(env: Environment) {
  const { tables, number, consumed, counts, held } = (await newestSnapshot(env))!;
  const files = Object.values(tables).flatMap((table) => table.map(({ partition, rows }) => [partition, rows]));
  const snapshot = { number, consumed, counts, held, files: files.map(String).sort() };
  const { isBalanced } = await readStatus(env)();
  const [lake, warehouse, served] = [await lakeContent(env), await warehouseContent(env), await servedContent(env)];
  return { snapshot, isBalanced, lake, warehouse, served };
}

/** Asks again and again until `end`, and once more behind it; each answer is that of one of the two snapshots. */
async function readUntil({ before, after }: KilledRuns, place: string, end: Promise<unknown>): Promise<number> {
  let isOver = false;
  const over = end.then(() => {
    isOver = true;
  });
  let reads = 0;
  for (let isLast = false; !isLast; reads += 1) {
    isLast = isOver;
    const seen = await reading(place, shown);
    for (const view of Object.keys(views) as (keyof Shown)[]) {
      if (![before[view], after[view]].includes(seen[view])) throw new Error(`${view} is of neither snapshot`);
    }
  }
  await over;
  return reads;
}

/** What lies in the data directory and is named nowhere: files of no snapshot, plans of no run, what work has left behind. */
async function orphans(place: string): Promise<string[]> {
  return reading(place, async (env) => {
    const newest = (await newestSnapshot(env))!;
    const tables = Object.values(newest.tables).flat();
    const named = new Set([snapshotKey(newest.number), ...tables.map(({ key }) => key)]);
    const isNamed = (key: string) => named.has(key) || key.startsWith(`plans/${newest.runId}/`);
    const lists = ['clean/', 'curated/', 'plans/', 'snapshots/'].map((prefix) => collect(env.objects.list(prefix)));
    const keys = (await Promise.all(lists)).flat().map(({ key }) => key);
    // Else nothing would be left to be named.
    expect(keys.length).toBeGreaterThan(tables.length);
    // What the index named before stays for one more run.
    const served = readdirSync(join(place, 'lake/serving'));
    expect(served.filter((name) => !['00000001', '00000002', 'index.json'].includes(name))).toEqual([]);
    const left = ['tmp', 'lake/.tmp', 'warehouse'].map((folderName) => join(place, folderName));
    const files = left.flatMap((directory) => (existsSync(directory) ? filesBelow(directory) : []));
    const isWarehouse = (file: string) => file === join(place, 'warehouse/warehouse.duckdb');
    return [...keys.filter((key) => !isNamed(key)), ...files.filter((file) => !isWarehouse(file))];
  });
}

/** The views in which what readers saw before the undisturbed run is what they see behind it. */
export const unchangedViews = ({ before, after }: KilledRuns): string[] =>
  (Object.keys(views) as (keyof Shown)[]).filter((view) => before[view] === after[view]);

/** Removes what no kept snapshot names, and says what else is left over. */
export async function vacuumed(place: string): Promise<string[]> {
  await writing(place, (env) => vacuumLake(env, { keep: 1 }));
  return orphans(place);
}

/** A step's points: before, in the middle of and behind each call that changes something on disk. */
export const pointsOf = ({ calls }: KilledRuns, step: KilledStep): KillPoint[] =>
  calls
    .filter((call) => call.step === step)
    .flatMap(({ phases, ms = 0, ...call }) =>
      phases.map((when): KillPoint => ({ ...call, when, afterMs: ms / 2, signal: 'SIGKILL' })),
    );

/** Kills a run at the point, and throws where it harmed anybody. */
export async function harmless(runs: KilledRuns, point: KillPoint): Promise<void> {
  const { step, number, name, when } = point;
  const place = copyOfData(runs.dataDir, 'killed');
  try {
    const { ended, calls: reached } = stoppedRun(place, point);
    expect(await readUntil(runs, place, ended)).toBeGreaterThan(1);
    expect([await ended, reached]).toEqual(['SIGKILL', [{ step, number, name, when }]]);
    const [run] = await reading(place, (env) => listRuns(env)({ limit: 1, isDead: () => true }));
    // In its first and last steps a run may not yet, or no longer, be told as going on.
    const isBetween = step !== 'plan' && step !== 'notify';
    expect(isBetween ? ['interrupted'] : ['interrupted', 'succeeded']).toContain(run?.status);
    await writing(place, runPipeline);
    expect(await reading(place, content)).toEqual(runs.undisturbed);
    expect(await vacuumed(place)).toEqual([]);
    expect(await reading(place, shown)).toEqual(runs.after);
  } catch (error) {
    throw new Error(`killed ${when} ${name}, call ${number} of the step ${step}`, { cause: error });
  } finally {
    for (const suffix of ['', '.keys']) rmSync(place + suffix, { recursive: true, force: true });
  }
}
