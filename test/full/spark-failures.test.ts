/**
 * Runs on Spark that fail midway: by a model, a damaged or vanished file, a full disk, a killed Spark. Each ends with an error
 * that names the model and tells no value of the data; readers see what they saw, no lock stays, and once the cause is gone
 * the next run, on either engine, comes to the tables of a run that never failed.
 */
import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunScript, SparkEngine } from '../../src/adapters/local/spark-engine.ts';
import { findSpark } from '../../src/adapters/local/spark-submit.ts';
import type { FileInput, RunPlan } from '../../src/domain/lake/run-plan.ts';
import { newestSnapshot } from '../../src/flows/documents.ts';
import { runLockHolder } from '../../src/flows/run-lock.ts';
import { listRuns } from '../../src/flows/run-record.ts';
import { generate } from '../../src/generators/index.ts';
import { runPipeline } from '../../src/local/run-pipeline.ts';
import { EngineError, type Environment } from '../../src/ports.ts';
import { bringIn, bringToRaw } from '../support/bring-in.ts';
import { repositoryRoot } from '../support/c360.ts';
import { type DoorPlatform, doorPlatform, withoutAnswers } from '../support/door-platform.ts';
import { filesBelow, temporaryDirectories } from '../support/local-stores.ts';
import { lakeContent, warehouseContent } from '../support/shown-content.ts';
import { describeWithSmallDisk, type SmallDisk, smallDisk } from '../support/small-disk.ts';
import { describeWithSpark } from '../support/spark.ts';
import { quickJava, submitted, submittedEngine } from '../support/submitted-spark.ts';

const newDirectory = temporaryDirectories();
const shop = { customers: 40, products: 20, transactions: 300, events: 600, months: 1, until: '2026-02-28' };
const first = { ...shop, seed: 1, since: '2026-02-26' };
const second = { ...shop, seed: 2, since: '2026-02-26' };

/** What the second one says: no message and no document may hold any of it. */
const linesOf = (name: string) => [
  ...generate({ ...shop, seed: 2 })
    .find((file) => file.dataset === name)!
    .lines(),
];
const products = linesOf('products')
  .slice(1)
  .map((line) => line.split(',') as [id: string, name: string]);
const values = [...products.map(([, name]) => name), ...linesOf('events').map((line) => JSON.parse(line).eventId)];
const [productId, productName] = products[0]!;

/** One snapshot is published, and more has come in since. */
let prepared: string;
let seen: Shown;
let undisturbed: Shown;

type Shown = Awaited<ReturnType<typeof shown>>;

beforeAll(async () => {
  prepared = newDirectory();
  const platform = doorPlatform(prepared);
  await bringIn({ ...platform, env: withoutAnswers(platform.env) }, first);
  await bringToRaw(platform, second);
  seen = await shown(platform.env);
  platform.close();
  undisturbed = await onCopy(async ({ env }) => {
    await runPipeline(withoutAnswers(env));
    return shown(env);
  });
});

describeWithSpark('a run on Spark', () => {
  test('that a model breaks off says so by its exit code too', async () => {
    const sql = join(newDirectory(), 'sql');
    cpSync(join(repositoryRoot, 'sql'), sql, { recursive: true });
    const model = join(sql, 'models/curated/dim_product.sql');
    const broken = `where case when product_id = '${productId}' then cast(product_name as bigint) else 0 end = 0`;
    writeFileSync(model, `${readFileSync(model, 'utf8').trimEnd()}\n${broken}\n`);
    await onCopy(async (platform) => {
      const { objects, engine: duckdb } = platform.env;
      const { runScript, ends } = recorded(submitted({ temporaryDirectory: platform.paths.temporary }));
      const curating = new SparkEngine({ objects, sql, runScript });
      const engine = { execute: (plan: RunPlan) => (plan.layer === 'clean' ? duckdb : curating).execute(plan) };
      const reason = await failure(platform, engine);
      expect(reason).toBe(
        'curated.dim_product: a value cannot be read as the type that is asked for; try_cast makes it NULL',
      );
      const { status, stdout, stderr } = ends[0]!;
      expect(status).toBe(1);
      expect(stdout).toMatch(/curated\.dim_customer: \d+ rows/);
      expect(stdout.trimEnd().split('\n').at(-1)).toBe(`run_models failed: ${reason}`);
      expect(stdout + stderr).not.toContain(productName);
      await converges(platform, submittedEngine(objects, runScript));
    });
  });

  test('fails on a gzip that was cut short', async () => {
    await onCopy(async (platform) => {
      const { objects } = platform.env;
      const key = (await platform.keys('raw/events/')).at(-1)!;
      const whole = (await objects.get(key))!;
      await objects.put(key, whole.subarray(0, whole.length / 2));
      expect(await failure(platform, spark(platform))).toBe(`clean.events: a file is damaged or cut short (${key})`);
      await objects.put(key, whole);
      await converges(platform);
    });
  });

  test('fails on an input that vanished after it was planned', async () => {
    await onCopy(async (platform) => {
      const { objects } = platform.env;
      const engine = spark(platform);
      let lost = '';
      let content: Uint8Array | undefined;
      const vanishing = {
        execute: async (plan: RunPlan) => {
          lost = (plan.models[0]!.inputs.raw_customers as FileInput).files[0]!.key;
          content ??= await objects.get(lost);
          await objects.delete([lost]);
          return engine.execute(plan);
        },
      };
      expect(await failure(platform, vanishing)).toBe(`clean.customers: a file is missing (${lost})`);
      await objects.put(lost, content!);
      await converges(platform);
    });
  });

  test('fails where its Spark is killed', async () => {
    const { submit, environment } = findSpark(repositoryRoot);
    const killer = join(newDirectory(), 'spark-submit');
    // The shell becomes Spark's own process, and what reads along kills it as soon as it tells of its first model.
    const reader = `while read -r line; do echo "$line"; case "$line" in *" rows, "*) kill -KILL $$ ;; esac; done`;
    writeFileSync(killer, `#!/bin/bash\nexec > >(${reader})\nexec "${submit}" "$@"\n`);
    chmodSync(killer, 0o700);
    await onCopy(async (platform) => {
      const installation = { submit: killer, environment };
      expect(await failure(platform, spark(platform, installation))).toBe(
        'clean.events: Spark was ended by SIGKILL; where nobody did that, memory ran out: free some and run again',
      );
      await converges(platform);
    });
  });

  describeWithSmallDisk('whose disk is full', () => {
    let disk: SmallDisk;
    const copyOut = async () => {
      const directory = newDirectory();
      await disk.run('cp', ['-r', `${disk.path}/data`, `${disk.path}/data.keys`, directory]);
      return directory;
    };
    beforeAll(async () => {
      disk = await smallDisk(64);
      const [data, keys] = [join(prepared, 'data'), join(prepared, 'data.keys')];
      await disk.run('cp', ['-r', '--preserve=mode', data, keys, disk.path]);
    });
    afterAll(() => disk?.close());

    test('fails, and leaves nothing of the models that it had made', async () => {
      await disk.leave(700);
      const { code, stdout, stderr } = await disk.run('env', [
        `SPARK_SUBMIT_OPTS=${quickJava}`,
        ...[process.execPath, 'bin/c360.mjs', 'run', '--engine', 'spark', '--data-dir', `${disk.path}/data`],
      ]);
      await disk.makeRoom();
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^error clean\.events: no space is left on the disk; free some and run again$/m);
      expect(await disk.files('data/tmp')).toEqual([]);
      await onCopy(isAsBefore, await copyOut());
    });

    test('and comes to the same end when there is room', async () => {
      expect(await disk.c360(['run', '--data-dir', `${disk.path}/data`])).toMatchObject({ code: 0 });
      await onCopy(async ({ env }) => expect(await shown(env)).toEqual(undisturbed), await copyOut());
    });
  });
});

const spark = ({ env, paths }: DoorPlatform, installation = findSpark(repositoryRoot)) =>
  submittedEngine(env.objects, submitted({ temporaryDirectory: paths.temporary, installation }));

/** The script, and how it ended each time. */
function recorded(runScript: RunScript) {
  const ends: Awaited<ReturnType<RunScript>>[] = [];
  return {
    ends,
    runScript: async (parameters: string[]) => {
      const end = await runScript(parameters);
      ends.push(end);
      return end;
    },
  };
}

/** Works on a copy of what was prepared, a while later. */
async function onCopy<T>(work: (platform: DoorPlatform) => Promise<T>, of = prepared): Promise<T> {
  const directory = newDirectory();
  cpSync(of, directory, { recursive: true });
  // The copy of a folder has the mode of a new one.
  chmodSync(join(directory, 'data.keys'), 0o700);
  const platform = doorPlatform(directory, '2026-03-01T12:00:00.000Z');
  try {
    return await work(platform);
  } finally {
    platform.close();
  }
}

/** What readers see. */
async function shown(env: Environment) {
  const { number, tables } = (await newestSnapshot(env))!;
  const files = Object.entries(tables).map(([table, of]) => [
    table,
    of.map(({ partition, rows }) => `${partition} ${rows}`).sort(),
  ]);
  return {
    number,
    files: Object.fromEntries(files),
    lake: await lakeContent(env),
    warehouse: await warehouseContent(env),
  };
}

/** Why a run with this engine failed; it harmed nobody, and has left nothing that would tell of a person or hold up a run. */
async function failure(platform: DoorPlatform, engine: Environment['engine']): Promise<string> {
  const env = { ...withoutAnswers(platform.env), engine };
  const error: unknown = await runPipeline(env).then(
    () => 'it succeeded',
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(EngineError);
  const { message } = error as EngineError;
  const [run] = await listRuns(env)({ limit: 1, isDead: () => false });
  expect(run).toMatchObject({ status: 'failed', reason: message });
  expect(await runLockHolder(env)).toBeUndefined();
  await isAsBefore(platform);
  return message;
}

/** Readers see what they saw, nothing else lies in the tables' folders, and no value of the data outside of them. */
async function isAsBefore(platform: DoorPlatform): Promise<void> {
  expect(await shown(platform.env)).toEqual(seen);
  const { tables } = (await newestSnapshot(platform.env))!;
  const published = Object.values(tables).flatMap((files) => files.map(({ key }) => key));
  expect([...(await platform.keys('clean/')), ...(await platform.keys('curated/'))]).toEqual(published.sort());
  expect(valuesTold(platform)).toEqual([]);
}

/** Places for data, the rest of a data directory holds none. */
const placesForData = ['lake/raw', 'lake/clean', 'lake/curated', 'lake/serving', 'warehouse', 'vault', 'stream.sqlite'];

function valuesTold({ paths }: DoorPlatform): string[] {
  const isForData = (path: string) => placesForData.some((place) => path.startsWith(join(paths.dataDir, place)));
  const others = filesBelow(paths.dataDir).filter((path) => !isForData(path));
  expect(others.some((path) => path.includes('/lake/plans/'))).toBe(true);
  const told = others.map((path) => readFileSync(path, 'latin1')).join('\n');
  return values.filter((value) => told.includes(value));
}

/** The next run comes to what a run that never failed has made. */
async function converges({ env, clock }: DoorPlatform, engine = env.engine): Promise<void> {
  clock.advance(1);
  await runPipeline({ ...withoutAnswers(env), engine });
  expect(await shown(env)).toEqual(undisturbed);
}
