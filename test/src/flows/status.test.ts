/** What status tells beyond the counts that the runs' tests compare. */
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { readStatus } from '../../../src/flows/status.ts';
import { streamBacklog } from '../../../src/flows/stream-backlog.ts';
import { archiveStream } from '../../../src/local/archive-stream.ts';
import { produce } from '../../../src/local/produce.ts';
import { EngineError } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
const products = 'product_id,name,category,brand,price,cost\np1,Lamp,Home,Acme,10,5\n';
let platform: DoorPlatform;

beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

test('a warehouse that refuses whoever asks is told as such, beside all else', async () => {
  const refusal = new EngineError('query: its user has no right to it');
  const query = () => Promise.reject(refusal);
  const { warehouse } = platform.env;
  const refusing = { ...platform.env, warehouse: { ...warehouse, query } as typeof warehouse };
  await ingestBatch(platform.env)(await platform.land('products', products));
  const { datasets, ...status } = await readStatus(refusing)();
  expect(status).toMatchObject({ isBalanced: true, loadedSnapshot: undefined, warehouseError: refusal });
  expect(datasets).toContainEqual(expect.objectContaining({ dataset: 'products', received: 1, pending: 1 }));
  const broken = { ...refusing, warehouse: { ...warehouse, query: () => Promise.reject(new Error('a fault')) } };
  await expect(readStatus(broken as typeof refusing)()).rejects.toThrow('a fault');
});

test('the backlog of the stream is what was not archived yet', async () => {
  const lines = Array.from({ length: 30 }, (_, index) => Buffer.from(`{"event": ${index}}`));
  await produce(platform.env, 'lines', lines);
  expect(await streamBacklog(platform.env)).toBe(30);
  await archiveStream(platform.env);
  expect(await streamBacklog(platform.env)).toBe(0);
});

test('status counts the files whose ingest was cut off, until they are uploaded again', async () => {
  const objects = new Proxy(platform.env.objects, {
    get: (store, name) => {
      if (name === 'putIfAbsent') return () => Promise.reject(new Error('cut off'));
      const value: unknown = Reflect.get(store, name, store);
      return typeof value === 'function' ? value.bind(store) : value;
    },
  });
  await expect(ingestBatch({ ...platform.env, objects })(await platform.land('products', products))).rejects.toThrow(
    'cut off',
  );
  expect(await readStatus(platform.env)()).toMatchObject({ unfinishedFiles: 1, isBalanced: true });
  await ingestBatch(platform.env)(await platform.land('products', products));
  expect(await readStatus(platform.env)()).toMatchObject({ unfinishedFiles: 0, isBalanced: true });
});
