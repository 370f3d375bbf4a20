/** Runs over real adapters in a directory: what is added is exact, and what fails is unseen. */

import { newestSnapshot } from '../../../src/flows/documents.ts';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { loadedSnapshot } from '../../../src/flows/load-warehouse.ts';
import { readAnswer } from '../../../src/flows/publish-answers.ts';
import { readStatus } from '../../../src/flows/status.ts';
import { archiveStream } from '../../../src/local/archive-stream.ts';
import { openPlatform, type Platform } from '../../../src/local/platform.ts';
import { produce } from '../../../src/local/produce.ts';
import { runPipeline } from '../../../src/local/run-pipeline.ts';
import { EngineError, type Environment, type Warehouse } from '../../../src/ports.ts';
import { temporaryDataDir } from '../../support/c360.ts';
import { collect } from '../../support/collect.ts';
import { loadingBy } from '../../support/warehouse-over.ts';

let platform: Platform;
let env: Environment;
let remove: () => void;

beforeEach(() => {
  const directory = temporaryDataDir();
  remove = directory.remove;
  platform = openPlatform({ dataDir: directory.dataDir, access: 'write' });
  env = platform.env;
});

afterEach(() => {
  platform.close();
  remove();
});

const uuid = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

const pageView = (id: number, timestamp: string, userId = 'u1') =>
  JSON.stringify({ eventId: uuid(id), type: 'page_view', timestamp, payload: { userId, page: '/' } });

async function events(...lines: string[]): Promise<void> {
  await produce(
    env,
    lines.join('\n'),
    lines.map((line) => Buffer.from(line)),
  );
  await archiveStream(env);
}

const header =
  'transaction_id,line_no,customer_id,product_id,quantity,amount,currency,channel,country,payment_method,ordered_at';

async function sales(...rows: string[]): Promise<void> {
  await env.objects.put('landing/transactions/file', Buffer.from(`${[header, ...rows].join('\n')}\n`));
  await ingestBatch(env)({ dataset: 'transactions', key: 'landing/transactions/file' });
}

const sale = (id: string, day: string, amount: string) => `${id},1,u1,p1,1,${amount},USD,web,DE,card,${day}T10:00:00Z`;

const rows = async (sql: string) => (await env.warehouse.query(sql)).rows;
const revenue = () => rows('select ordered_on, sum(amount) from fact_sales group by ordered_on order by ordered_on');
const filesOf = async (table: string) => ((await newestSnapshot(env))?.tables[table] ?? []).map(({ key }) => key);

describe('a run', () => {
  test('without any data does nothing and publishes nothing', async () => {
    expect(await runPipeline(env)).toMatchObject({ status: 'idle', snapshot: 0 });
    expect(await newestSnapshot(env)).toBeUndefined();
  });

  test('brings an event to the warehouse', async () => {
    await events(pageView(1, '2026-01-01T10:00:00Z'));
    expect(await runPipeline(env)).toMatchObject({ status: 'succeeded', snapshot: 1 });
    expect(await rows('select event_id, occurred_on, occurred_at from fact_event')).toEqual([
      [uuid(1), '2026-01-01', '2026-01-01T10:00:00Z'],
    ]);
  });

  test('adds late events to their day and leaves the files of other days as they are', async () => {
    await events(pageView(1, '2026-01-01T10:00:00Z'), pageView(2, '2026-01-02T10:00:00Z'));
    await runPipeline(env);
    const before = await filesOf('clean.events');
    await events(pageView(3, '2026-01-01T10:05:00Z'));
    await runPipeline(env);
    const after = await filesOf('clean.events');
    expect(after.filter((key) => before.includes(key))).toEqual([before.find((key) => key.includes('dt=2026-01-02'))]);
    expect(await rows('select started_on, event_count from fact_session order by started_on')).toEqual([
      ['2026-01-01', 2],
      ['2026-01-02', 1],
    ]);
  });

  test("counts a producer's duplicate once, in whichever run it comes", async () => {
    await events(pageView(1, '2026-01-01T10:00:00Z'), pageView(1, '2026-01-01T10:00:00Z'));
    await runPipeline(env);
    await events(pageView(1, '2026-01-01T10:00:00Z'), pageView(2, '2026-01-01T10:00:01Z'));
    await runPipeline(env);
    expect(await rows('select count(*) from fact_event')).toEqual([[2]]);
    const status = await readStatus(env)();
    expect(status.isBalanced).toBe(true);
    expect(status.datasets[0]).toMatchObject({ received: 4, raw: 4, clean: 2, duplicates: 2, pending: 0 });
  });

  test('moves a corrected line to its new day', async () => {
    await sales(sale('t1', '2026-01-01', '10'), sale('t2', '2026-01-02', '5'));
    await runPipeline(env);
    await sales(sale('t1', '2026-01-03', '12.5'));
    await runPipeline(env);
    expect(await revenue()).toEqual([
      ['2026-01-02', '5.0000'],
      ['2026-01-03', '12.5000'],
    ]);
    expect((await readStatus(env)()).datasets[3]).toMatchObject({
      received: 3,
      clean: 2,
      superseded: 1,
      isBalanced: true,
    });
  });

  test('shows what waits for the next run as pending', async () => {
    await events(pageView(1, '2026-01-01T10:00:00Z'));
    const status = await readStatus(env)();
    expect(status.datasets[0]).toMatchObject({ received: 1, raw: 1, clean: 0, pending: 1, isBalanced: true });
  });

  test('ends after the plan where nothing is new', async () => {
    await events(pageView(1, '2026-01-01T10:00:00Z'));
    await runPipeline(env);
    const again = await runPipeline(env);
    expect(again.steps.map(({ step }) => step)).toEqual(['plan']);
    expect(again).toMatchObject({ status: 'idle', snapshot: 1 });
  });
});

describe('the answers in serving/', () => {
  const serve = async (id: number) => {
    await events(pageView(id, '2026-01-01T10:00:00Z'));
    await runPipeline(env);
  };
  const folders = async () => {
    const objects = await collect(env.objects.list('serving/'));
    return [...new Set(objects.map(({ key }) => key.split('/')[1]))];
  };

  test('are those that the index names; what it named before stays for readers of one more run', async () => {
    await serve(1);
    expect(await folders()).toEqual(['00000001', 'index.json']);
    await serve(2);
    expect(await folders()).toEqual(['00000001', '00000002', 'index.json']);
    await serve(3);
    expect(await folders()).toEqual(['00000002', '00000003', 'index.json']);
    expect(await readAnswer(env, 'monthly_revenue')).toMatchObject({ snapshot: 3, asOf: '2026-01-01' });
    expect(await readAnswer(env, 'no_such_query')).toBeUndefined();
  });

  test('are found by a reader who was overtaken by two runs, and missed aloud where they are lost', async () => {
    await serve(1);
    const old = (await env.objects.get('serving/index.json'))!;
    await serve(2);
    await serve(3);
    let reads = 0;
    const get = async (key: string) => {
      reads += 1;
      return reads === 1 ? old : env.objects.get(key);
    };
    const overtaken: Environment = { ...env, objects: Object.assign(Object.create(env.objects), { get }) };
    expect(await readAnswer(overtaken, 'monthly_revenue')).toMatchObject({ snapshot: 3 });
    await env.objects.delete(['serving/00000003/monthly_revenue.json']);
    await expect(readAnswer(env, 'monthly_revenue')).rejects.toThrow(/is missing, though serving\/ names it/);
  });
});

describe('a run that fails', () => {
  const failing = (message: string) => async () => {
    throw new EngineError(message);
  };

  test('in a model publishes nothing, says which step, and the next run takes its input up', async () => {
    await events(pageView(1, '2026-01-01T10:00:00Z'));
    const broken: Environment = { ...env, engine: { execute: failing('clean.events: Conversion Error') } };
    await expect(runPipeline(broken)).rejects.toThrow('clean.events: Conversion Error');
    expect(await newestSnapshot(env)).toBeUndefined();
    const [record] = await env.hot.query('runs', 'runs');
    expect(record?.values).toMatchObject({ status: 'failed', failedStep: 'clean models' });
    expect(await runPipeline(env)).toMatchObject({ status: 'succeeded', snapshot: 1 });
  });

  test('in the load leaves the warehouse as it was, and the next run resumes there', async () => {
    await events(pageView(1, '2026-01-01T10:00:00Z'));
    await runPipeline(env);
    await events(pageView(2, '2026-01-01T11:00:00Z'));
    const advance: Warehouse['advance'] = (id, statements) =>
      env.warehouse.advance(id, [...statements, { sql: 'select * from no_such_table', what: 'planted' }]);
    const broken: Environment = { ...env, warehouse: loadingBy(env.warehouse, advance) };
    await expect(runPipeline(broken)).rejects.toThrow(EngineError);
    expect([await loadedSnapshot(env), await rows('select count(*) from fact_event')]).toEqual([1, [[1]]]);
    const resumed = await runPipeline(env);
    expect(resumed.steps.map(({ step }) => step)).toEqual(['plan', 'load warehouse', 'publish answers']);
    expect([await loadedSnapshot(env), await rows('select count(*) from fact_event')]).toEqual([2, [[2]]]);
  });

  test('because a copied table has fewer rows than promised loads nothing', async () => {
    await events(pageView(1, '2026-01-01T10:00:00Z'));
    const advance: Warehouse['advance'] = (id, statements) =>
      env.warehouse.advance(
        id,
        statements.map((statement) => ('copy' in statement ? { copy: { ...statement.copy, files: [] } } : statement)),
      );
    const broken: Environment = { ...env, warehouse: loadingBy(env.warehouse, advance) };
    await expect(runPipeline(broken)).rejects.toThrow(
      'sql/load/compare_rows.sql for daily_metrics_batch: Conversion Error',
    );
    expect(await loadedSnapshot(env)).toBe(0);
  });

  test('because another run published first says so', async () => {
    await events(pageView(1, '2026-01-01T10:00:00Z'));
    await env.objects.put('snapshots/00000001.json', Buffer.from('{}'));
    const blind: Environment = { ...env, objects: hiding(env.objects, 'snapshots/') };
    await expect(runPipeline(blind)).rejects.toThrow(
      'snapshot 1 was published by another run; run again to build on it',
    );
  });

  /** The store with a prefix hidden from listings, as from a reader that looked a moment earlier. */
  function hiding(objects: Environment['objects'], hidden: string): Environment['objects'] {
    return new Proxy(objects, {
      get: (target, name) => {
        if (name === 'list')
          return (prefix: string, after?: string) => (prefix === hidden ? none() : target.list(prefix, after));
        const value = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  async function* none() {}
});
