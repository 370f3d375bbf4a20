/**
 * The script on s3:// addresses, as a Glue job runs it: the plans that it runs on folders give the same tables in a bucket,
 * whatever arguments Glue adds; nothing else comes to lie there; what it may not or cannot read is named.
 */
import { basename, join } from 'node:path';
import { S3ObjectStore } from '../../src/adapters/aws/s3-object-store.ts';
import { DirectoryObjectStore } from '../../src/adapters/local/directory-object-store.ts';
import { type RunScript, SparkEngine } from '../../src/adapters/local/spark-engine.ts';
import type { EngineResult, FileInput, WrittenFile } from '../../src/domain/lake/run-plan.ts';
import { planCleanLayer } from '../../src/flows/plan-run.ts';
import { planRun } from '../../src/flows/run-inputs.ts';
import { planCuratedLayer, runModels } from '../../src/flows/run-models.ts';
import { EngineError, type Environment, type ObjectStore } from '../../src/ports.ts';
import { bringIn, bringToRaw } from '../support/bring-in.ts';
import { repositoryRoot } from '../support/c360.ts';
import { collect } from '../support/collect.ts';
import { type DoorPlatform, doorPlatform, withoutAnswers } from '../support/door-platform.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { motoAddress, motoClients, newBucket } from '../support/moto.ts';
import { describeWithSparkOnS3, sparkOnS3 } from '../support/s3a/spark-on-s3.ts';
import { openDuckDb } from '../support/sql-engines.ts';
import { submitted, submittedEngine } from '../support/submitted-spark.ts';
import { zipOf } from '../support/zip.ts';

const newDirectory = temporaryDirectories();

const shop = {
  customers: 40,
  products: 20,
  transactions: 400,
  events: 1000,
  months: 1,
  until: '2026-02-28',
  since: '2026-02-26',
};

const runId = 'run-of-this-test';
const addedByGlue = [
  '--job-bookmark-option',
  'job-bookmark-disable',
  '--TempDir',
  's3://any/',
  '--enable-metrics',
  'true',
];

describeWithSparkOnS3('run_models.py on s3:// addresses', () => {
  const temporaryDirectory = newDirectory();
  let platform: DoorPlatform;
  let bucket: ObjectStore;
  let assets: ObjectStore;

  beforeAll(async () => {
    platform = doorPlatform(newDirectory());
    await bringIn({ ...platform, env: withoutAnswers(platform.env) }, { ...shop, seed: 1 });
    await bringToRaw(platform, { ...shop, faults: ['duplicate', 'conflict', 'late'], faultShare: 0.05, seed: 2 });
    const { s3 } = await motoClients();
    bucket = new S3ObjectStore({ client: s3, bucket: await newBucket(s3) });
    await copyAll(await keysOf(platform.env.objects), platform.env.objects, bucket);
    assets = new S3ObjectStore({ client: s3, bucket: await newBucket(s3) });
    await assets.put('sql.zip', zipOf(join(repositoryRoot, 'sql')));
  });
  afterAll(() => platform?.close());

  /** The engine over the bucket, with this address for S3. */
  const onS3 = (endpoint: string): SparkEngine => {
    const submit = submitted({ ...sparkOnS3(endpoint), temporaryDirectory });
    const asGlue: RunScript = (parameters) => submit(['--JOB_NAME', 'models', ...parameters, ...addedByGlue]);
    return new SparkEngine({ objects: bucket, sql: assets.uri('sql.zip'), runScript: asGlue });
  };

  test('gives the tables that it gives on folders, and leaves nothing else', async () => {
    const before = await keysOf(bucket);
    const { env } = platform;
    const inFolder = await makeLayers({
      ...env,
      engine: submittedEngine(env.objects, submitted({ temporaryDirectory })),
    });
    const inBucket = await makeLayers({ ...env, engine: onS3(await motoAddress()), objects: bucket });

    expect(inBucket.map(withoutNames)).toEqual(inFolder.map(withoutNames));
    const documents = ['inputs', 'clean', 'clean.result', 'curated', 'curated.result'];
    const made = [
      ...documents.map((name) => `plans/${runId}/${name}.json`),
      ...filesOf(inBucket).map(({ key }) => key),
    ];
    expect(await keysOf(bucket)).toEqual([...before, ...made].sort());

    const readBack = new DirectoryObjectStore(newDirectory());
    await copyAll(made, bucket, readBack);
    const tables = await tablesOf(inBucket, readBack);
    expect(tables).toEqual(await tablesOf(inFolder, env.objects));
    expect(Object.values(tables).map(({ rows }) => rows.length)).not.toContain(0);
    expect(Object.keys(tables)).toEqual(expect.arrayContaining(['clean.events', 'curated.fact_sales']));
  });

  describe('names the model or the plan, and the object', () => {
    /** The plan of one model, and a raw object that it reads. */
    const small = async () => {
      const { inputs, base } = await planNew(platform.env, 'failing');
      const plan = await planCleanLayer(platform.env)(inputs, base);
      const model = plan.models.find(({ table }) => table === 'clean.products')!;
      const { files } = model.inputs.raw_products as FileInput;
      return { plan: { ...plan, models: [model] }, file: files[0]! };
    };

    test.each(['clean.products', 'plans/failing/clean.json'])('that it may not read, for %s', async (name) => {
      const { plan, file } = await small();
      // A plan is its own object.
      const [denied, where] = name === 'clean.products' ? [file.key, ` (${file.key})`] : [name, ''];
      const proxy = new FaultProxy(await motoAddress());
      const engine = onS3(await proxy.start());
      const answer = { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' };
      proxy.failAll(new RegExp(`^GET .*/${basename(denied)}`), answer);
      try {
        await expect(engine.execute(plan)).rejects.toThrow(
          new EngineError(`${name}: access is denied; check the rights of the job${where}`),
        );
      } finally {
        await proxy.close();
      }
    });

    test('that vanished', async () => {
      const { plan, file } = await small();
      await bucket.delete([file.key]);
      await expect(onS3(await motoAddress()).execute(plan)).rejects.toThrow(
        new EngineError(`clean.products: a file is missing (${file.key})`),
      );
    });
  });
});

const keysOf = async (objects: ObjectStore): Promise<string[]> =>
  (await collect(objects.list(''))).map(({ key }) => key);

async function copyAll(keys: string[], from: ObjectStore, to: ObjectStore): Promise<void> {
  for (const key of keys) await to.put(key, (await from.get(key))!);
}

const planNew = (env: Environment, ofRun = runId) => planRun(env)(ofRun, { kind: 'run', release: false });

/** What the models make of all that is new; nothing is published. */
async function makeLayers(env: Environment): Promise<EngineResult[]> {
  const { inputs, base } = await planNew(env);
  const clean = await runModels(env)(await planCleanLayer(env)(inputs, base));
  return [clean, await runModels(env)(await planCuratedLayer(env)(inputs, clean, base))];
}

const filesOf = (results: EngineResult[]): WrittenFile[] =>
  results.flatMap(({ models }) => models.flatMap(({ files }) => files));

/** A result without what differs each time: seconds, and names and sizes of files. */
const withoutNames = ({ models, ...result }: EngineResult) => ({
  ...result,
  models: models.map(({ seconds, files, ...model }) => ({
    ...model,
    files: files.map(({ partition, rows }) => ({ partition, rows })),
  })),
});

/** The columns, types and rows of the tables that hold some, the rows in an order of their own. */
async function tablesOf(results: EngineResult[], objects: ObjectStore) {
  const engine = await openDuckDb();
  const tables: Record<string, { columns: string[]; types: string[]; rows: string[] }> = {};
  for (const { table, files } of results.flatMap(({ models }) => models)) {
    const list = files.map(({ key }) => `'${objects.uri(key)}'`).join(', ');
    const { columns, types, rows } = await engine.select(`from read_parquet([${list}], hive_partitioning = false)`);
    tables[table] = { columns, types, rows: rows.map((row) => JSON.stringify(row)).sort() };
  }
  await engine.close();
  return tables;
}
