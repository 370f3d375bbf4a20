/** Dates and runs that are made anew of records that were taken in before: the same rows, and all else keeps its files. */
import { rmSync } from 'node:fs';
import type { Snapshot } from '../../src/domain/lake/snapshot.ts';
import { archiveEvents } from '../../src/flows/archive-events.ts';
import { newestSnapshot } from '../../src/flows/documents.ts';
import { ingestBatch } from '../../src/flows/ingest-batch.ts';
import { readStatus } from '../../src/flows/status.ts';
import { archiveStream } from '../../src/local/archive-stream.ts';
import { produce } from '../../src/local/produce.ts';
import { runPipeline } from '../../src/local/run-pipeline.ts';
import { type DoorPlatform, doorPlatform, withoutAnswers } from '../support/door-platform.ts';
import { differences } from '../support/lake-compare.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { lakeContent } from '../support/shown-content.ts';

const newDirectory = temporaryDirectories();
let platform: DoorPlatform;
let env: DoorPlatform['env'];

beforeEach(async () => {
  platform = doorPlatform(newDirectory());
  env = withoutAnswers(platform.env);
});
afterEach(() => platform.close());

const header =
  'transaction_id,line_no,customer_id,product_id,quantity,amount,currency,channel,country,payment_method,ordered_at';
const customersHeader = 'customer_id,email,full_name,address,phone,country,city,signup_date,acquisition_channel';

async function sales(...lines: [id: string, day: string, amount: number][]): Promise<void> {
  const rows = lines.map(([id, day, amount]) => `${id},1,u1,p1,1,${amount},USD,web,DE,card,${day}T10:00:00Z`);
  await ingestBatch(env)(await platform.land('transactions', `${[header, ...rows].join('\n')}\n`));
  platform.clock.advance(60);
}

async function customers(city: string): Promise<void> {
  const row = `u1,u1@example.com,U One,Street 1,+49 731 0000000,DE,${city},2025-01-02,web`;
  await ingestBatch(env)(await platform.land('customers', `${customersHeader}\n${row}\n`));
  platform.clock.advance(60);
}

async function pageViews(...times: string[]): Promise<void> {
  const events = times.map((timestamp) => ({
    eventId: env.ids.uuid(),
    type: 'page_view',
    timestamp,
    payload: { userId: 'u1', page: '/' },
  }));
  await produce(
    env,
    env.ids.uuid(),
    events.map((event) => Buffer.from(JSON.stringify(event))),
  );
  await archiveStream(env);
  platform.clock.advance(60);
}

async function run(input = {}) {
  platform.clock.advance(1);
  return runPipeline(env, {}, input);
}

const newest = async () => (await newestSnapshot(env))!;

/** Keys of a table's files by their date. */
const keysOf = ({ tables }: Snapshot, table: string) =>
  Object.fromEntries((tables[table] ?? []).map(({ partition, key }) => [partition ?? 'whole', key]));

/** Dates whose files are others than before. */
function remade(before: Snapshot, after: Snapshot, table: string): string[] {
  const [old, now] = [keysOf(before, table), keysOf(after, table)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].filter((date) => old[date] !== now[date]).sort();
}

describe('a range of dates', () => {
  beforeEach(async () => {
    await customers('Ulm');
    await sales(['a', '2026-02-01', 1], ['b', '2026-02-02', 2], ['c', '2026-02-03', 3], ['moves', '2026-02-02', 5]);
    await pageViews('2026-02-01T10:00:00Z', '2026-02-02T10:00:00Z', '2026-02-02T10:05:00Z');
    await run();
    await sales(['moves', '2026-02-03', 5], ['b', '2026-02-02', 4]);
    await run();
  });

  test('is made anew with the same rows and counts; other dates and tables without dates keep their files', async () => {
    const before = await newest();
    const status = await readStatus(env)();
    const result = await run({ kind: 'backfill', from: '2026-02-02', to: '2026-02-02' });
    const after = await newest();
    expect(result).toMatchObject({ status: 'succeeded', snapshot: before.number + 1 });
    for (const table of ['clean.transactions', 'clean.events', 'curated.fact_sales', 'curated.fact_event']) {
      expect([table, remade(before, after, table)]).toEqual([table, ['2026-02-02']]);
    }
    for (const table of ['clean.customers', 'curated.dim_customer', 'curated.dim_product', 'curated.dim_date']) {
      expect([table, remade(before, after, table)]).toEqual([table, []]);
    }
    expect(await differences(platform, after.tables, before.tables)).toEqual([]);
    expect((await readStatus(env)()).datasets).toEqual(status.datasets);
    expect(after.counts).toEqual(before.counts);
  });

  test('with files that were changed by hand becomes what a replay makes of all records', async () => {
    const before = await newest();
    const [file] = before.tables['clean.transactions']!.filter(({ partition }) => partition === '2026-02-02');
    const [other] = before.tables['clean.transactions']!.filter(({ partition }) => partition === '2026-02-03');
    // The day's sales become those of the next day: rows of another date, and its own line of b is gone.
    await env.objects.put(file!.key, (await env.objects.get(other!.key))!);
    await run({ kind: 'backfill', from: '2026-02-02', to: '2026-02-02' });
    const backfilled = await newest();
    const content = await lakeContent(env);
    await run({ kind: 'replay' });
    expect(await lakeContent(env)).toEqual(content);
    expect(await differences(platform, (await newest()).tables, backfilled.tables)).toEqual([]);
    expect((await newest()).counts).toEqual(backfilled.counts);
  });

  test('leaves what has come in since to the next run', async () => {
    await sales(['late', '2026-02-02', 9]);
    await run({ kind: 'backfill', from: '2026-02-01', to: '2026-02-28' });
    const status = async () => (await readStatus(env)()).datasets.find(({ dataset }) => dataset === 'transactions');
    expect(await status()).toMatchObject({ clean: 4, superseded: 2, pending: 1, isBalanced: true });
    await run();
    expect(await status()).toMatchObject({ clean: 5, superseded: 2, pending: 0, isBalanced: true });
  });

  test('on which nothing lies changes no row', async () => {
    const before = await newest();
    await run({ kind: 'backfill', from: '2020-01-01', to: '2020-01-31' });
    expect((await newest()).tables).toEqual(before.tables);
  });

  test('is refused before anything is published', async () => {
    platform.close();
    platform = doorPlatform(newDirectory());
    env = platform.env;
    await expect(run({ kind: 'backfill', from: '2026-02-01', to: '2026-02-01' })).rejects.toThrow(
      'nothing has been published yet, so there is nothing to make anew; run first',
    );
    expect(await run()).toMatchObject({ status: 'idle' });
  });
});

describe('an earlier run', () => {
  test('is made anew where it touched dates, and tables without dates that it wrote', async () => {
    await sales(['a', '2026-02-01', 1]);
    await run();
    await customers('Ulm');
    await sales(['b', '2026-02-02', 2]);
    const { runId } = await run();
    await sales(['c', '2026-02-03', 3]);
    await run();
    const before = await newest();
    for (const { key } of before.tables['clean.customers']!) rmSync(env.objects.uri(key));
    await run({ kind: 'rerun', run: runId });
    const after = await newest();
    expect(remade(before, after, 'curated.fact_sales')).toEqual(['2026-02-02']);
    expect(remade(before, after, 'clean.customers')).toEqual(['whole']);
    expect(remade(before, after, 'clean.products')).toEqual([]);
    const content = await lakeContent(env);
    await run({ kind: 'replay' });
    expect(await lakeContent(env)).toEqual(content);
    expect((await readStatus(env)()).isBalanced).toBe(true);
  });

  test('of which nothing is known is refused', async () => {
    await sales(['a', '2026-02-01', 1]);
    await run();
    await expect(run({ kind: 'rerun', run: '20200101T000000Z-00000000' })).rejects.toThrow(
      'nothing is known of what run 20200101T000000Z-00000000 made: it made nothing, or its plans are gone (`c360 vacuum`',
    );
  });
});

describe('accounts of the archive that were restored to an earlier time', () => {
  test('are in agreement again after a replay, however the lost ones were cut', async () => {
    for (const minute of [10, 20, 30])
      await pageViews(...[1, 2].map((second) => `2026-03-01T10:${minute}:0${second}Z`));
    await run();
    const lost = await env.hot.query('batches', 'events');
    await env.hot.write(lost.map(({ partition, sort }) => ({ table: 'batches', delete: { partition, sort } })));
    for (const shard of await env.stream.shards()) {
      await archiveEvents(env)(await env.stream.read(shard, undefined, 100));
    }
    await expect(run()).rejects.toThrow('clean gate: clean.events conserved');
    await run({ kind: 'replay' });
    expect((await readStatus(env)()).datasets[0]).toMatchObject({ received: 6, raw: 6, clean: 6, isBalanced: true });
  });
});
