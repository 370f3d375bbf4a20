/** What a run takes up, and what it leaves for a later one. */
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { findNewInputs } from '../../../src/flows/plan-run.ts';
import { readStatus } from '../../../src/flows/status.ts';
import { runPipeline } from '../../../src/local/run-pipeline.ts';
import type { Environment } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';

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
    expect(await runPipeline(platform.env)).toMatchObject({ status: 'idle' });
    expect((await readStatus(platform.env)()).isBalanced).toBe(true);

    await ingestBatch(platform.env)(file);
    expect(await runPipeline(platform.env)).toMatchObject({ status: 'succeeded' });
    const status = await readStatus(platform.env)();
    expect(status.isBalanced).toBe(true);
    expect(status.datasets.find(({ dataset }) => dataset === 'products')).toMatchObject({ received: 2, clean: 2 });
  });

  test('takes up what came in long before, where none ran in between', async () => {
    await ingestBatch(platform.env)(await platform.land('products', products));
    platform.clock.advance(60 * 24 * 30);
    expect((await findNewInputs(platform.env)('r', undefined)).newRaw.products).toHaveLength(1);
    await runPipeline(platform.env);
    platform.clock.advance(60 * 24 * 30);
    expect(await runPipeline(platform.env)).toMatchObject({ status: 'idle' });
  });
});
