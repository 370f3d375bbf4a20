/** What has become of a landed file is told by what its door writes down. */
import { createHash } from 'node:crypto';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { type LandingFile, landed, landedState, refusalOf } from '../../../src/flows/landed-file.ts';
import { AdapterError } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { intercept, virtualTimer } from '../../support/stream.ts';

const newDirectory = temporaryDirectories();
const content = 'product_id,name,category,brand,price,cost\np1,Tea,drinks,Acme,1.50,1\np2,Mug,kitchen,Acme,none,2\n';
const contentHash = createHash('sha256').update(content).digest('hex');
const file: LandingFile = { dataset: 'products', landedHash: contentHash, contentHash };

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const refuse = (refusedAt: string) => {
  const values = { dataset: 'products', reason: `planted of ${refusedAt}`, refusedAt };
  return platform.env.hot.write([{ table: 'files', put: { partition: 'refused', sort: contentHash, values } }]);
};

/** Waits, with this happening at the second look. */
function wait(happens: () => Promise<unknown>, refusedBefore?: string) {
  const timer = virtualTimer(platform.clock);
  const looks: number[] = [];
  const sleep = async (milliseconds: number) => {
    if (timer.waits.length === 1) await happens();
    await timer.sleep(milliseconds);
  };
  const options = { refusedBefore, patienceSeconds: 60, onProgress: (rows: number) => void looks.push(rows) };
  const found = landed(platform.env, file, { ...options, timer: { ...timer, sleep } });
  return { found, looks, waits: timer.waits };
}

test('a file waits until it is ingested, and then its rows are told', async () => {
  expect(await landedState(platform.env, file)).toMatchObject({ state: 'waiting', counts: { received: 0 } });
  const { found, looks, waits } = wait(async () => ingestBatch(platform.env)(await platform.land('products', content)));
  expect(await found).toMatchObject({ state: 'ingested', counts: { received: 2, raw: 1, quarantined: 1 } });
  expect([looks, waits]).toEqual([
    [0, 0, 2],
    [2000, 2000],
  ]);
});

test('a part of a file that is ingested is not taken for the whole', async () => {
  const ingest = ingestBatch(platform.env, { rowsPerObject: 1 });
  await ingest(await platform.land('products', content), { isTimeUp: () => true });
  expect(await landedState(platform.env, file)).toMatchObject({ state: 'waiting', counts: { received: 1 } });
});

test('a refusal ends the waiting with its reason', async () => {
  expect(await wait(() => refuse('2026-03-01')).found).toEqual({ state: 'refused', reason: 'planted of 2026-03-01' });
});

test('a refusal from before the file was landed anew is no answer', async () => {
  await refuse('2026-02-01');
  const before = (await refusalOf(platform.env, file))?.at;
  expect(await wait(() => refuse('2026-03-01'), before).found).toEqual({
    state: 'refused',
    reason: 'planted of 2026-03-01',
  });
});

test('the waiting ends with the patience', async () => {
  const { found, waits } = wait(async () => {});
  expect(await found).toMatchObject({ state: 'waiting' });
  expect(waits).toHaveLength(30);
});

test('a store that does not answer for a while is asked on, and one that refuses, or does not come back, is not', async () => {
  let looks = 0;
  const waitFailing = (failures: number, retryable: boolean) => {
    looks = 0;
    const env = intercept(platform.env, async (_, method, call) => {
      if (method === 'get' && ++looks <= failures) throw new AdapterError('planted', { retryable });
      return call();
    });
    return landed(env, file, { timer: virtualTimer(platform.clock), patienceSeconds: 60 });
  };
  await ingestBatch(platform.env)(await platform.land('products', content));
  expect(await waitFailing(9, true)).toMatchObject({ state: 'ingested' });
  await expect(waitFailing(10, true)).rejects.toThrow('planted');
  expect(looks).toBe(10);
  await expect(waitFailing(1, false)).rejects.toThrow('planted');
});

test('a content that came in with another mapping is refused at once, as the door would', async () => {
  await ingestBatch(platform.env)(await platform.land('products', content));
  const mapping = { columns: { name: 'title' }, constants: {}, formats: {} };
  await expect(landedState(platform.env, { ...file, mapping })).rejects.toThrow(
    /came in on 2026-03-01 with another mapping/,
  );
});
