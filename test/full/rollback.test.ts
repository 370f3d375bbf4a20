/** What an operator does with snapshots: go back, release, make anew, clean up; over real adapters in a directory. */
import { listSnapshots, newestSnapshot } from '../../src/flows/documents.ts';
import { ingestBatch } from '../../src/flows/ingest-batch.ts';
import { loadedSnapshot } from '../../src/flows/load-warehouse.ts';
import { RunLocked, takeRunLock } from '../../src/flows/run-lock.ts';
import { readStatus } from '../../src/flows/status.ts';
import { rollBack, runPipeline, vacuumLake } from '../../src/local/run-pipeline.ts';
import { collect } from '../support/collect.ts';
import { type DoorPlatform, doorPlatform } from '../support/door-platform.ts';
import { temporaryDirectories } from '../support/local-stores.ts';

const newDirectory = temporaryDirectories();
let platform: DoorPlatform;

beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const header =
  'transaction_id,line_no,customer_id,product_id,quantity,amount,currency,channel,country,payment_method,ordered_at';

/** Ingests one order of an amount, and advances the clock past the hour of arrival. */
async function order(id: string, amount: string): Promise<void> {
  const row = `${id},1,u-${id},p1,1,${amount},USD,web,DE,card,2026-02-01T10:00:00Z`;
  await ingestBatch(platform.env)(await platform.land('transactions', `${header}\n${row}\n`));
  platform.clock.advance(60);
}

/** A minute later than the run before, since runs are named by their time. */
const run = (options = {}) => {
  platform.clock.advance(1);
  return runPipeline(platform.env, {}, options);
};
const query = async (sql: string) => (await platform.env.warehouse.query(sql)).rows;
const orders = () => query('select transaction_id, amount from fact_sales order by transaction_id');
const status = async () =>
  (await readStatus(platform.env)()).datasets.find(({ dataset }) => dataset === 'transactions');
const files = async (prefix: string) => platform.keys(prefix);

describe('a rollback', () => {
  beforeEach(async () => {
    await order('a', '1');
    await run();
    await order('b', '2');
    await run();
    await order('c', '3');
  });

  test('shows the earlier snapshot as a new one, holds what came later, and leaves out what no run had taken in', async () => {
    expect(await rollBack(platform.env, 1)).toMatchObject({ status: 'succeeded', snapshot: 3 });
    expect(await orders()).toEqual([['a', '1.0000']]);
    expect(await loadedSnapshot(platform.env)).toBe(3);
    expect(await newestSnapshot(platform.env)).toMatchObject({ number: 3, restored: 1 });
    expect(await status()).toMatchObject({ raw: 3, clean: 1, held: 1, pending: 1, isBalanced: true });
  });

  test('keeps later runs from what it holds, until it is released', async () => {
    await rollBack(platform.env, 1);
    await run();
    expect(await orders()).toEqual([
      ['a', '1.0000'],
      ['c', '3.0000'],
    ]);
    expect(await run()).toMatchObject({ status: 'idle' });
    await run({ release: true });
    expect((await orders()).map(([id]) => id)).toEqual(['a', 'b', 'c']);
    expect(await status()).toMatchObject({ clean: 3, held: 0, pending: 0, isBalanced: true });
  });

  test('still holds what was withdrawn when the window of known objects has passed it', async () => {
    await rollBack(platform.env, 1);
    platform.clock.advance(40 * 24 * 60);
    await run();
    expect(await status()).toMatchObject({ clean: 2, held: 1, isBalanced: true });
    await run({ release: true });
    expect(await status()).toMatchObject({ clean: 3, held: 0, isBalanced: true });
  });

  test('that holds longer than repeated rows are known is released by making every table anew', async () => {
    await rollBack(platform.env, 1);
    platform.clock.advance(31 * 24 * 60);
    const before = await newestSnapshot(platform.env);
    const { snapshot } = await run({ release: true });
    const after = await newestSnapshot(platform.env);
    expect([after!.number, await status()]).toEqual([
      snapshot,
      expect.objectContaining({ clean: 3, held: 0, isBalanced: true }),
    ]);
    const names = (one: typeof after) => Object.values(one!.tables).flatMap((table) => table.map(({ key }) => key));
    expect(names(after).filter((key) => names(before).includes(key))).toEqual([]);
  });

  test('can be taken back by another', async () => {
    await rollBack(platform.env, 1);
    await rollBack(platform.env, 2);
    expect((await orders()).map(([id]) => id)).toEqual(['a', 'b']);
    expect(await status()).toMatchObject({ clean: 2, held: 0, pending: 1, isBalanced: true });
  });

  test.each`
    number | message
    ${7}   | ${'there is no snapshot 7; `c360 snapshots` lists those that are kept'}
    ${2}   | ${'snapshot 2 is the newest: readers see it already'}
  `('to snapshot $number is refused: $message', async ({ number, message }) => {
    await expect(rollBack(platform.env, number)).rejects.toThrow(message);
    expect(await newestSnapshot(platform.env)).toMatchObject({ number: 2 });
  });
});

describe('a replay', () => {
  test('makes every table anew with the same rows, and leaves what is held out', async () => {
    await order('a', '1');
    await run();
    await order('b', '2');
    await run();
    await rollBack(platform.env, 1);
    const before = await newestSnapshot(platform.env);
    await run({ kind: 'replay' });
    const after = await newestSnapshot(platform.env);
    expect(await orders()).toEqual([['a', '1.0000']]);
    expect(await status()).toMatchObject({ clean: 1, held: 1, isBalanced: true });
    const keys = (snapshot: typeof after) =>
      Object.values(snapshot!.tables).flatMap((table) => table.map(({ key }) => key));
    expect(keys(after).filter((key) => keys(before).includes(key))).toEqual([]);
  });
});

describe('a vacuum', () => {
  const named = async () =>
    (await listSnapshots(platform.env)).flatMap(({ tables }) =>
      Object.values(tables)
        .flat()
        .map(({ key }) => key),
    );

  test('keeps the newest snapshots and what they name, and nothing else', async () => {
    for (const id of ['a', 'b', 'c']) {
      await order(id, '1');
      await run();
    }
    await platform.env.objects.put('clean/events/run=killed/dt=2026-01-01/part-0.parquet', Buffer.from('cut off'));
    const raw = await files('raw/');
    const would = await vacuumLake(platform.env, { keep: 2, isDryRun: true });
    expect((await listSnapshots(platform.env)).length).toBe(3);
    expect(await vacuumLake(platform.env, { keep: 2 })).toEqual(would);
    expect(would.snapshots).toEqual([1]);
    expect([...(await files('clean/')), ...(await files('curated/'))].sort()).toEqual(
      [...new Set(await named())].sort(),
    );
    expect(new Set((await files('plans/')).map((key) => key.split('/')[1])).size).toBe(2);
    expect(await files('raw/')).toEqual(raw);
    expect((await orders()).map(([id]) => id)).toEqual(['a', 'b', 'c']);
    expect(await vacuumLake(platform.env, { keep: 2 })).toEqual({ snapshots: [], files: 0, bytes: 0 });
  });

  test('keeps the snapshot that the warehouse holds, from which the next load finds what has changed', async () => {
    await order('a', '1');
    await run();
    await order('b', '2');
    const noWarehouse = {
      ...platform.env,
      warehouse: { ...platform.env.warehouse, query: failing, advance: failing },
    };
    await expect(runPipeline(noWarehouse)).rejects.toThrow('down');
    await vacuumLake(platform.env, { keep: 1 });
    expect((await listSnapshots(platform.env)).map(({ number }) => number)).toEqual([1, 2]);
    await run();
    expect((await orders()).map(([id]) => id)).toEqual(['a', 'b']);
  });

  const failing = async () => {
    throw new Error('down');
  };
});

describe('the run lock', () => {
  const holder = { runId: 'r1', process: 'other' };
  const leaseMs = 60_000;

  test('lets one run in, and the next when it is released or its lease has ended', async () => {
    const lock = await takeRunLock(platform.env)(holder, { leaseMs });
    const next = () => takeRunLock(platform.env)({ runId: 'r2', process: 'p' }, { leaseMs });
    await expect(next()).rejects.toThrow(RunLocked);
    await lock.release();
    await next();
    platform.clock.advance(2);
    await takeRunLock(platform.env)({ runId: 'r3', process: 'p' }, { leaseMs });
  });

  test('is kept by renewing it, and lost by a run that has overslept', async () => {
    const lock = await takeRunLock(platform.env)(holder, { leaseMs });
    platform.clock.advance(0.9);
    await lock.renew();
    platform.clock.advance(0.9);
    await expect(takeRunLock(platform.env)({ runId: 'r2', process: 'p' }, { leaseMs })).rejects.toThrow(
      'run r1 is going on',
    );
    platform.clock.advance(0.2);
    await takeRunLock(platform.env)({ runId: 'r2', process: 'p' }, { leaseMs });
    await expect(lock.renew()).rejects.toThrow(RunLocked);
    await lock.release();
    await expect(takeRunLock(platform.env)({ runId: 'r3', process: 'p' }, { leaseMs })).rejects.toThrow(
      'run r2 is going on',
    );
  });

  test('of a process that was killed stops no run of the next, since a data directory has one writer', async () => {
    await takeRunLock(platform.env)(holder, { leaseMs });
    await order('a', '1');
    expect(await run()).toMatchObject({ status: 'succeeded' });
  });

  test('stands against a second run of the same process', async () => {
    await order('a', '1');
    const [first, second] = await Promise.allSettled([run(), run()]);
    expect([first!.status, second!.status]).toEqual(['fulfilled', 'rejected']);
    expect(await collect(platform.env.objects.list('snapshots/'))).toHaveLength(1);
  });
});
