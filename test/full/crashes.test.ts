/**
 * SIGKILL at forty points of a run, in each of its steps, before, in the middle of and after what it changes on disk: readers
 * see the old snapshot or the new one, never a mixture; the next run ends where an undisturbed one does; a vacuum leaves no
 * orphan.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { snapshotKey } from '../../src/domain/lake/layout.ts';
import { newestSnapshot } from '../../src/flows/documents.ts';
import { readStatus } from '../../src/flows/status.ts';
import { openPlatform } from '../../src/local/platform.ts';
import type { Environment } from '../../src/ports.ts';
import { c360, temporaryDataDir } from '../support/c360.ts';
import { collect } from '../support/collect.ts';
import { filesBelow } from '../support/local-stores.ts';
import { lakeContent, servedContent, warehouseContent } from '../support/shown-content.ts';
import { type MeasuredCall, type StopPoint, stoppedRun } from '../support/stopped-run.ts';

/** How many kills each step of a run gets: forty in all. */
const kills = {
  plan: 4,
  'clean models': 8,
  'curated models': 8,
  'publish snapshot': 6,
  'load warehouse': 8,
  'publish answers': 6,
};
type Step = keyof typeof kills;

interface KillPoint extends StopPoint {
  name: string;
}

const { dataDir, remove } = temporaryDataDir();
const folder = dirname(dataDir);
afterAll(remove);

/** What an undisturbed run makes of what waits in the data directory, and what was there before. */
let undisturbed: Awaited<ReturnType<typeof content>>;
let before: Shown;
let after: Shown;
let calls: MeasuredCall[];

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  await bringIn(dataDir, 1);
  await succeeds('run', dataDir);
  await bringIn(dataDir, 2);
  before = await reading(dataDir, shown);
  const measured = copyOfData('measured');
  const run = stoppedRun(measured);
  expect(await run.ended).toMatch(/^Snapshot 2 is loaded/);
  calls = run.calls;
  undisturbed = await reading(measured, content);
  after = await reading(measured, shown);
}, 300_000);

/** Both doors take a small shop of the seed. */
async function bringIn(place: string, seed: number): Promise<void> {
  const files = join(folder, `shop-${seed}`);
  const sizes = ['--customers', '40', '--products', '20', '--transactions', '150', '--events', '300', '--months', '1'];
  expect(await c360(['generate', '--seed', String(seed), ...sizes, '--out', files])).toMatchObject({ code: 0 });
  for (const dataset of ['customers', 'products', 'transactions']) {
    await succeeds('upload', place, dataset, join(files, `${dataset}.csv`));
  }
  await succeeds('produce', place, join(files, 'events.jsonl'));
}

async function succeeds(command: string, place: string, ...args: string[]): Promise<void> {
  expect(await c360([command, ...args, '--data-dir', place])).toMatchObject({ code: 0 });
}

function copyOfData(name: string): string {
  const place = join(folder, name);
  for (const suffix of ['', '.keys']) cpSync(dataDir + suffix, place + suffix, { recursive: true });
  // The copy of a folder has the mode of a new one.
  chmodSync(`${place}.keys`, 0o700);
  return place;
}

async function reading<T>(place: string, read: (env: Environment) => Promise<T>): Promise<T> {
  const platform = openPlatform({ dataDir: place, access: 'read' });
  try {
    return await read(platform.env);
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

/** Points of a step: around the last change that it makes visible, and spread evenly over all its calls. */
function pointsOf(step: Step): KillPoint[] {
  const own = calls.filter((call) => call.step === step);
  const points = own.flatMap(({ phases, ms = 0, ...call }) =>
    phases.map((when): KillPoint => ({ ...call, when, afterMs: ms / 2, signal: 'SIGKILL' })),
  );
  const commit = own.findLast(({ name }) => ['link', 'rename', 'renameSync'].includes(name));
  const around = points.filter(({ number, when }) => number === commit?.number && when !== 'during');
  const others = points.filter((point) => !around.includes(point));
  const wanted = kills[step] - around.length;
  const spread = Array.from(
    { length: wanted },
    (_, index) => others[Math.floor(((index + 0.5) * others.length) / wanted)]!,
  );
  return [...around, ...spread];
}

/** Asks again and again until `end`, and once more behind it; each answer is that of one of the two snapshots. */
async function readUntil(place: string, end: Promise<unknown>): Promise<number> {
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

test('the undisturbed run differs from what was there before in every view, and leaves no file unnamed', async () => {
  for (const view of Object.keys(views) as (keyof Shown)[]) expect(before[view]).not.toBe(after[view]);
  expect(undisturbed.isBalanced).toBe(true);
  await succeeds('vacuum', join(folder, 'measured'), '--keep', '1');
  expect(await orphans(join(folder, 'measured'))).toEqual([]);
});

test.each(Object.keys(kills) as Step[])(
  'killed in the step %s, a run harms nobody',
  async (step) => {
    const points = pointsOf(step);
    expect(new Set(points.map(({ number, when }) => `${number} ${when}`)).size).toBe(kills[step]);
    for (const point of points) {
      const place = copyOfData('killed');
      try {
        const { ended, calls: reached } = stoppedRun(place, point);
        expect(await readUntil(place, ended)).toBeGreaterThan(1);
        const { number, name, when } = point;
        expect([await ended, reached]).toEqual(['SIGKILL', [{ step, number, name, when }]]);
        await succeeds('run', place);
        expect(await reading(place, content)).toEqual(undisturbed);
        await succeeds('vacuum', place, '--keep', '1');
        expect(await orphans(place)).toEqual([]);
        expect(await reading(place, shown)).toEqual(after);
      } catch (error) {
        throw new Error(`killed ${point.when} ${point.name}, call ${point.number} of the step ${step}`, {
          cause: error,
        });
      } finally {
        for (const suffix of ['', '.keys']) rmSync(place + suffix, { recursive: true, force: true });
      }
    }
  },
  600_000,
);
