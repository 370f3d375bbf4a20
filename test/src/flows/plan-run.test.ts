/** What a run takes up, and what it leaves for a later one. */
import { archiveEvents } from '../../../src/flows/archive-events.ts';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { findNewInputs } from '../../../src/flows/plan-run.ts';
import { readStatus } from '../../../src/flows/status.ts';
import { runPipeline } from '../../../src/local/run-pipeline.ts';
import type { Environment } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform, withoutAnswers } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { sampleEvent } from '../../support/sample-records.ts';

const newDirectory = temporaryDirectories();
let platform: DoorPlatform;

beforeEach(() => {
  platform = doorPlatform(newDirectory(), new Date().toISOString());
});
afterEach(() => platform.close());

const products = 'product_id,name,category,brand,price,cost\np1,Lamp,Home,Acme,10,5\np2,Desk,Home,Acme,100,50\n';

/** The environment in which the door's counts cannot be written: it is cut off behind the raw object. */
const cutOffBeforeCounts = (env: Environment): Environment => ({
  ...env,
  hot: new Proxy(env.hot, {
    get: (hot, name) => {
      if (name !== 'write') return Reflect.get(hot, name, hot).bind(hot);
      return async (writes: Parameters<typeof hot.write>[0]) => {
        if (writes.some(({ table }) => table === 'batches')) throw new Error('cut off');
        await hot.write(writes);
      };
    },
  }),
});

describe('a run', () => {
  test('leaves a raw object whose door was cut off before it was counted, until it is', async () => {
    const file = await platform.land('products', products);
    await expect(ingestBatch(cutOffBeforeCounts(platform.env))(file)).rejects.toThrow('cut off');
    expect(await platform.keys('raw/')).toHaveLength(1);
    expect(await runPipeline(withoutAnswers(platform.env))).toMatchObject({ status: 'idle' });
    expect((await readStatus(platform.env)()).isBalanced).toBe(true);

    await ingestBatch(platform.env)(file);
    expect(await runPipeline(withoutAnswers(platform.env))).toMatchObject({ status: 'succeeded' });
    const status = await readStatus(platform.env)();
    expect(status.isBalanced).toBe(true);
    expect(status.datasets.find(({ dataset }) => dataset === 'products')).toMatchObject({ received: 2, clean: 2 });
  });

  test('takes up the rest of a file that is finished months after its ingest was cut off', async () => {
    const { env } = platform;
    const ingestOne = ingestBatch(env, { rowsPerObject: 1 });
    const file = await platform.land('products', products);
    expect(await ingestOne(file, { isTimeUp: () => true })).toMatchObject({ isFinished: false, raw: 1 });
    for (const other of ['p3', 'p4', 'p5']) {
      await env.objects.put('landing/products/other', Buffer.from(products.replaceAll('p1', other)));
      await ingestOne({ dataset: 'products', key: 'landing/products/other' });
      await runPipeline(env);
      platform.clock.advance(30 * 24 * 60);
    }
    expect(await ingestOne(file)).toMatchObject({ isFinished: true, raw: 2 });
    expect(await runPipeline(env)).toMatchObject({ status: 'succeeded' });
    expect(await readStatus(env)()).toMatchObject({ isBalanced: true, unfinishedFiles: 0 });
    const { rows } = await env.warehouse.query('select count(distinct product_id) from dim_product');
    expect(rows).toEqual([[5]]);
  });

  test('takes up a batch that waited as long as it may in the on-failure store, behind runs that consumed later ones', async () => {
    const arrivedAt = platform.clock.now();
    const archiveOne = (sequence: number) => {
      const event = { ...sampleEvent('events/login/1'), eventId: `6f1f0f3c-3f0a-4c55-9d0c-00000000000${sequence}` };
      const data = Buffer.from(JSON.stringify(event));
      return archiveEvents(platform.env)([
        { shard: 's0', sequence: String(sequence), partitionKey: event.eventId, arrivedAt, data },
      ]);
    };
    await archiveOne(2);
    platform.clock.advance(27 * 24 * 60);
    await runPipeline(withoutAnswers(platform.env));
    await archiveOne(1);
    expect(await runPipeline(withoutAnswers(platform.env))).toMatchObject({ status: 'succeeded' });
    const { datasets, isBalanced } = await readStatus(platform.env)();
    expect(datasets.find(({ dataset }) => dataset === 'events')).toMatchObject({ received: 2, clean: 2 });
    expect(isBalanced).toBe(true);
  });

  test('takes up what came in long before, where none ran in between', async () => {
    await ingestBatch(platform.env)(await platform.land('products', products));
    platform.clock.advance(60 * 24 * 30);
    expect((await findNewInputs(platform.env)('r', undefined)).newRaw.products).toHaveLength(1);
    await runPipeline(withoutAnswers(platform.env));
    platform.clock.advance(60 * 24 * 30);
    expect(await runPipeline(withoutAnswers(platform.env))).toMatchObject({ status: 'idle' });
  });
});
