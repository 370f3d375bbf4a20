/** A load brings the warehouse wholly to a snapshot, or leaves it as it was. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RedshiftWarehouse } from '../../../src/adapters/aws/redshift-warehouse.ts';
import { newestSnapshot } from '../../../src/flows/documents.ts';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { loadedSnapshot, loadWarehouse } from '../../../src/flows/load-warehouse.ts';
import { migrateWarehouse } from '../../../src/flows/migrate-warehouse.ts';
import { pipelineTasks } from '../../../src/flows/pipeline-tasks.ts';
import { ownRunLock, runLeaseMs, takeRunLock } from '../../../src/flows/run-lock.ts';
import { noteRun, readRun } from '../../../src/flows/run-record.ts';
import { rollBack, runPipeline } from '../../../src/local/run-pipeline.ts';
import { EngineError, type Environment, type WarehouseStatement } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform, withoutAnswers } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { RedshiftDataServer } from '../../support/redshift-data-server.ts';
import { warehouseContent } from '../../support/shown-content.ts';
import { loadingBy } from '../../support/warehouse-over.ts';

const newDirectory = temporaryDirectories();
let platform: DoorPlatform;
let env: Environment;

beforeEach(() => {
  platform = doorPlatform(newDirectory());
  env = withoutAnswers(platform.env);
});
afterEach(() => platform.close());

const products = 'product_id,name,category,brand,price,cost\n';
const transactions =
  'transaction_id,line_no,customer_id,product_id,quantity,amount,currency,channel,country,payment_method,ordered_at\n';

async function upload(dataset: 'products' | 'transactions', text: string): Promise<void> {
  await ingestBatch(env)(await platform.land(dataset, text));
  platform.clock.advance(60);
}

const order = (id: string, day: string) =>
  upload('transactions', `${transactions}${id},1,u-${id},p1,1,10,USD,web,DE,card,${day}T10:00:00Z\n`);

const run = () => {
  platform.clock.advance(1);
  return runPipeline(env);
};

/** The environment whose loads do what `change` makes of their statements. */
const planting = (change: (statements: WarehouseStatement[]) => WarehouseStatement[]): Environment => ({
  ...env,
  warehouse: loadingBy(env.warehouse, (id, statements) => env.warehouse.advance(id, change(statements))),
});

type Copy = Extract<WarehouseStatement, { copy: unknown }>['copy'];

const eachCopy = (change: (copy: Copy) => Copy) => (statements: WarehouseStatement[]) =>
  statements.map((statement) => ('copy' in statement ? { copy: change(statement.copy) } : statement));

describe('a load that fails', () => {
  let before: Buffer;
  const warehouseFile = () => readFileSync(join(platform.paths.warehouse, 'warehouse.duckdb'));

  beforeEach(async () => {
    await order('a', '2026-01-01');
    await run();
    before = warehouseFile();
    await order('b', '2026-01-01');
    await order('c', '2026-01-02');
    // Published, and not yet loaded.
    await expect(runPipeline(planting(() => [failing]))).rejects.toThrow(/^planted: Conversion Error/);
  });

  const failing = { sql: "select cast('x' as bigint)", what: 'planted' };

  /** Fails as it should, changes nothing, and stands in nobody's way. */
  async function expectNothingLoaded(
    change: (statements: WarehouseStatement[]) => WarehouseStatement[],
    error: RegExp,
  ) {
    const load = loadWarehouse(planting(change))((await newestSnapshot(env))!);
    await expect(load).rejects.toThrow(EngineError);
    await expect(load).rejects.toThrow(error);
    expect(warehouseFile().equals(before)).toBe(true);
  }

  async function expectLoadedByNextRun() {
    await run();
    expect(await loadedSnapshot(env)).toBe(2);
    expect((await env.warehouse.query('select count(*), sum(amount) from fact_sales')).rows).toEqual([[3, '30.0000']]);
  }

  test('at whichever statement leaves the file as it was', async () => {
    let count = 0;
    await expectNothingLoaded((statements) => {
      count = statements.length;
      return [failing, ...statements];
    }, /^planted: Conversion Error/);
    expect(count).toBeGreaterThan(10);
    for (let at = 1; at <= count; at += 1) {
      await expectNothingLoaded((statements) => statements.toSpliced(at, 0, failing), /^planted: Conversion Error/);
    }
    await expectLoadedByNextRun();
  });

  test.each<[string, (copy: Copy) => Copy, RegExp]>([
    ['fewer rows than promised', (copy) => ({ ...copy, files: [] }), /compare_rows\.sql for \w+: Conversion Error/],
    [
      'more rows than promised',
      (copy) => ({ ...copy, files: [...copy.files, ...copy.files] }),
      /compare_rows\.sql for \w+: Conversion Error/,
    ],
    [
      'a file that is not there',
      (copy) => ({ ...copy, files: copy.files.map((file) => ({ ...file, key: `${file.key}.gone` })) }),
      /^copy staging_\w+: IO Error$/,
    ],
    [
      'a file of another layer',
      (copy) => ({ ...copy, files: [{ key: 'clean/events/a.parquet', bytes: 1, rows: 1 }] }),
      /^copy staging_\w+: SQL reaches/,
    ],
    ['columns of another table', (copy) => ({ ...copy, table: 'staging_dim_channel' }), /^copy staging_dim_channel: /],
  ])('for %s changes nothing', async (_fault, change, error) => {
    await expectNothingLoaded(eachCopy(change), error);
    await expectLoadedByNextRun();
  });

  test('for keys that come twice changes nothing, though the count is the promised one', async () => {
    const doubled = (statements: WarehouseStatement[]) =>
      statements.flatMap((statement): WarehouseStatement[] =>
        'sql' in statement && /^insert into fact_sales /.test(statement.sql) ? [statement, statement] : [statement],
      );
    await expectNothingLoaded(doubled, /replace_partitions\.sql for fact_sales: Constraint Error$/);
    await expectLoadedByNextRun();
  });
});

describe('a load', () => {
  test('twice changes nothing', async () => {
    await order('a', '2026-01-01');
    await run();
    const before = await warehouseContent(env);
    platform.clock.advance(60);
    expect(await loadWarehouse(env)((await newestSnapshot(env))!)).toEqual({
      snapshot: 1,
      state: 'loaded',
      tables: [],
    });
    expect(await warehouseContent(env)).toEqual(before);
  });

  test('of a snapshot from before a table had its first row empties the table', async () => {
    await upload('products', `${products}p1,Lamp,Home,Acme,10,5\n`);
    await run();
    const before = await warehouseContent(env);
    await order('a', '2026-01-01');
    await run();
    await rollBack(env, 1);
    const { load_state: _then, ...tables } = before;
    expect(await warehouseContent(env)).toMatchObject(tables);
  });

  test('replaces every table where the snapshot that the warehouse holds is no longer known', async () => {
    await order('a', '2026-01-01');
    await order('b', '2026-01-02');
    await run();
    const before = await warehouseContent(env);
    await order('c', '2026-01-03');
    await run();
    // As when the lake was restored from a copy that is older than the warehouse.
    await env.objects.delete(['snapshots/00000002.json']);
    await loadWarehouse(env)((await newestSnapshot(env))!);
    expect(await warehouseContent(env)).toEqual(before);
  });
});

describe('a load that takes several calls', () => {
  let server: RedshiftDataServer;
  /** The platform with a Redshift of which each call does one statement. */
  let onRedshift: Environment;
  let runId: string;

  beforeEach(async () => {
    await order('a', '2026-01-01');
    await order('b', '2026-01-02');
    const { newest } = await published();
    runId = newest.runId;
    server = await RedshiftDataServer.start(async (uri) => readFileSync(uri));
    let seconds = 0;
    const now = () => {
      seconds += 1;
      return new Date(seconds * 1000);
    };
    const place = { workgroup: 'c360', database: 'dev', copyRoleArn: 'arn:aws:iam::123456789012:role/copy' };
    const timing = { clock: { now }, sliceSeconds: 2, timer: { sleep: async () => {}, random: () => 0 } };
    const warehouse = new RedshiftWarehouse({ client: server.client(), ...place, ...timing, objects: env.objects });
    onRedshift = { ...env, warehouse };
    await migrateWarehouse(onRedshift)();
    server.statements.length = 0;
  });
  afterEach(() => server.close());

  /** A run whose snapshot is loaded on one machine, and which holds the lock again. */
  async function published() {
    const { runId } = await run();
    const execution = (await readRun(env, runId))!.execution;
    await takeRunLock(env)({ runId, process: execution }, { leaseMs: runLeaseMs });
    return { newest: (await newestSnapshot(env))! };
  }

  const call = () => pipelineTasks['load-warehouse'](onRedshift)({ runId, snapshot: 1 });

  test('says so until it is there, whole as one that takes one call, and is noted as one step', async () => {
    const states: string[] = [];
    while (states.at(-1) !== 'loaded') {
      states.push((await call()).state);
      if (states.at(-1) === 'loading') expect(await loadedSnapshot(onRedshift)).toBe(0);
      platform.clock.advance(1);
    }
    const ran = server.statements.filter((sql) => !sql.startsWith('select snapshot_no'));
    expect([ran[0], ran.at(-1), states.length]).toEqual(['begin', 'commit', ran.length]);
    const [local, loaded] = [await warehouseContent(env), await warehouseContent(onRedshift)];
    const { schema_migrations: _, load_state: own, ...tables } = local;
    expect(loaded).toMatchObject(tables);
    expect(loaded.load_state).toEqual(own);
    const [step] = (await readRun(env, runId))!.steps.slice(-1);
    expect(step).toMatchObject({
      step: 'load warehouse',
      outcome: expect.stringMatching(/^\d+ rows into \d+ tables$/),
    });
    expect(step!.seconds).toBe((states.length - 1) * 60);
  });

  test('and whose commit was not heard of is found by what the warehouse says', async () => {
    server.faultAt = ({ action, sql }) =>
      action === 'DescribeStatement' && sql === 'commit' ? 'session gone' : undefined;
    let calls = 0;
    while ((await call()).state === 'loading') calls += 1;
    expect(calls).toBeGreaterThan(10);
    expect(server.statements.filter((sql) => sql === 'begin')).toHaveLength(1);
    expect(await loadedSnapshot(onRedshift)).toBe(1);
  });

  test('is given up after four hours, and the next run begins it anew', async () => {
    for (const _ of [1, 2, 3]) await call();
    platform.clock.advance(4 * 60 + 1);
    await server.endSessions();
    await expect(call()).rejects.toThrow(
      new EngineError(
        'a load may take 4 hours, and this one has not ended: it is given up, and nothing of it is in the warehouse; look for a ' +
          "lock of somebody's long transaction, or give the warehouse more RPUs (`warehouse.maxRpus`), and run again",
      ),
    );
    await noteRun(env, runId, { currentStep: undefined });
    while ((await call()).state === 'loading');
    expect(server.statements.filter((sql) => sql === 'begin')).toHaveLength(2);
    expect(await loadedSnapshot(onRedshift)).toBe(1);
  });

  /** A call of a load of the newest snapshot, by an execution of its own. */
  async function execution(): Promise<() => Promise<string>> {
    const snapshot = (await newestSnapshot(env))!;
    const startedAt = env.clock.now();
    platform.clock.advance(1);
    return async () => (await loadWarehouse(onRedshift)(snapshot, startedAt)).state;
  }

  const times = async (count: number, load: () => Promise<string>) => {
    for (let calls = 0; calls < count; calls += 1) await load();
  };

  async function toItsEnd(load: () => Promise<string>): Promise<void> {
    for (let calls = 0; calls < 200; calls += 1) if ((await load()) === 'loaded') return;
    throw new Error('it has no end');
  }

  /** That it holds what the warehouse of one machine does, once. */
  async function expectWhole(): Promise<void> {
    const { schema_migrations: _, ...tables } = await warehouseContent(env);
    expect(await warehouseContent(onRedshift)).toMatchObject(tables);
  }

  test.each([[1], [2], [3], [4]])(
    'is not doubled by another first load that has come to its statement %i when the first is committed',
    async (at) => {
      const [stopped, next] = [await execution(), await execution()];
      await times(5, stopped);
      await times(at, next);
      await toItsEnd(stopped);
      await toItsEnd(next);
      await expectWhole();
    },
  );

  test('is not done by two first loads side by side: the second may only try again until the first is committed', async () => {
    const [stopped, next] = [await execution(), await execution()];
    const refused: unknown[] = [];
    let state = 'loading';
    while (state === 'loading') {
      state = await stopped();
      await next().catch((error) => refused.push(error));
    }
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) expect(error).toMatchObject({ name: 'AdapterError', retryable: true });
    await toItsEnd(next);
    await expectWhole();
  });

  test.each([[1], [2], [3]])(
    'of what a rollback published works out anew what differs, where another load is committed at its statement %i',
    async (at) => {
      await toItsEnd(await execution());
      await ownRunLock(env)({ runId, process: 'any' }, { leaseMs: 0 }).release();
      await order('c', '2026-01-02');
      await run();
      const stopped = await execution();
      await times(5, stopped);
      await rollBack(env, 1);
      const next = await execution();
      await times(at, next);
      await toItsEnd(stopped);
      await toItsEnd(next);
      expect(await loadedSnapshot(onRedshift)).toBe(3);
      await expectWhole();
    },
  );
});
