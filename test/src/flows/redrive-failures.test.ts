/** What the archive could not take in time comes back from the on-failure store, once. */
import { open } from '../../../src/domain/privacy/seal.ts';
import { archiveEventSource } from '../../../src/domain/stream/event-source-settings.ts';
import { readDocument } from '../../../src/flows/documents.ts';
import { noCounts } from '../../../src/flows/door.ts';
import type { KinesisEvent } from '../../../src/flows/kinesis-handler.ts';
import { type FailedBatch, failedBatches, redriveFailures } from '../../../src/flows/redrive-failures.ts';
import { readStatus } from '../../../src/flows/status.ts';
import { consumeStream } from '../../../src/local/event-source.ts';
import { AdapterError, type Environment, type NaturalId } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { eventIdOf, eventsOf } from '../../support/stream.ts';

const newDirectory = temporaryDirectories();

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

/** Sends events, and lets the source give them up to the on-failure store. */
async function fail(count: number): Promise<void> {
  await platform.env.stream.put(eventsOf(0, count).map((data, index) => ({ partitionKey: eventIdOf(index), data })));
  await consumeStream(platform.env, {
    consumer: 'archive-events',
    settings: { ...archiveEventSource, retryAttempts: 0, bisectBatchOnError: false },
    invoke: () => Promise.reject(new Error('planted')),
  });
}

/** What was handed to the consumer and lies sealed under a key of the store. */
async function eventOf(key: string): Promise<KinesisEvent> {
  const { payload, sealedOn } = (await readDocument<FailedBatch>(platform.env, key))!;
  const sealingKey = await platform.env.vault.quarantineOpeningKey(sealedOn);
  return JSON.parse(open(sealingKey!, payload, key).toString());
}

const events = async () => (await readStatus(platform.env)()).datasets.find(({ dataset }) => dataset === 'events')!;

/** The environment whose vault fails with this error where somebody with one of these ids is asked for. */
const failingFor = (failing: string[], error: Error): Environment => ({
  ...platform.env,
  vault: new Proxy(platform.env.vault, {
    get: (vault, name) => {
      const value: unknown = Reflect.get(vault, name, vault);
      if (name !== 'resolve') return typeof value === 'function' ? value.bind(vault) : value;
      return (ids: NaturalId[]) =>
        ids.some(({ id }) => failing.includes(id)) ? Promise.reject(error) : vault.resolve(ids);
    },
  }),
});

test('failed batches are archived, each record once, and leave the store', async () => {
  await fail(20);
  expect((await failedBatches(platform.env)).length).toBeGreaterThan(0);
  expect(await redriveFailures(platform.env)()).toMatchObject({ received: 20, raw: 20, quarantined: 0 });
  expect(await failedBatches(platform.env)).toEqual([]);
  expect(await redriveFailures(platform.env)()).toMatchObject({ batches: 0, received: 0 });
  expect(await events()).toMatchObject({ received: 20, raw: 20, pending: 20, isBalanced: true });
});

test('while a dependency is down they wait on', async () => {
  await fail(5);
  const before = await failedBatches(platform.env);
  const down = failingFor(['u0', 'u1', 'u2', 'u3', 'u4'], new AdapterError('the vault is down', { retryable: true }));
  await expect(redriveFailures(down)()).rejects.toThrow(/cannot be archived yet: a store or the vault is down/);
  expect(await failedBatches(platform.env)).toEqual(before);
  expect(await redriveFailures(platform.env)()).toMatchObject({ raw: 5 });
});

test('a batch whose key is gone is told, and the others are archived', async () => {
  await fail(4);
  const keys = await failedBatches(platform.env);
  platform.clock.advance(21 * 24 * 60);
  expect(await redriveFailures(platform.env)()).toEqual({
    ...noCounts,
    batches: 0,
    unreadable: keys.length,
    withoutBatch: 0,
  });
  expect(await failedBatches(platform.env)).toEqual(keys);
});

test('an object that holds no batch is told apart from one whose key is gone, and the others are archived', async () => {
  await fail(4);
  const keys = await failedBatches(platform.env);
  const planted = `${archiveEventSource.onFailurePrefix}dt=2026-03-01/planted.json`;
  await platform.env.objects.put(planted, Buffer.from(JSON.stringify({ version: '1.0' })));
  expect(await redriveFailures(platform.env)()).toMatchObject({
    batches: keys.length,
    unreadable: 1,
    withoutBatch: 1,
    received: 4,
  });
  expect(await failedBatches(platform.env)).toEqual([planted]);
});

test('the same batch in two folders, and a part of it in a third, is archived once', async () => {
  await fail(8);
  const keys = await failedBatches(platform.env);
  const objects = platform.env.objects;
  for (const key of keys) {
    const { Records } = await eventOf(key);
    for (const [folder, records] of Object.entries({ again: Records, half: Records.slice(0, 2) })) {
      const invocation = { payload: JSON.stringify({ Records: records }) };
      await objects.put(key.replace('dt=', `${folder}/dt=`), Buffer.from(JSON.stringify(invocation)));
    }
  }
  expect(await redriveFailures(platform.env)()).toMatchObject({ batches: keys.length * 3, received: 8, raw: 8 });
  expect(await failedBatches(platform.env)).toEqual([]);
  expect(await events()).toMatchObject({ received: 8, raw: 8, pending: 8, isBalanced: true });
  expect(await platform.raw('events')).toHaveLength(8);
});

test('a record that cannot be processed goes to quarantine, its neighbours to raw', async () => {
  await fail(6);
  const broken = failingFor(['u3'], new TypeError('planted'));
  expect(await redriveFailures(broken)()).toMatchObject({ received: 6, raw: 5, quarantined: 1 });
  expect((await platform.quarantine('events')).map(({ kind }) => kind)).toEqual(['processing_failed']);
  expect(await events()).toMatchObject({ received: 6, raw: 5, quarantined: 1, isBalanced: true });
});

test('whoever may not archive them is told so, and they wait on for somebody who may', async () => {
  await fail(5);
  const before = await failedBatches(platform.env);
  const denied = failingFor(['u3'], new AdapterError('the vault: AccessDenied', { retryable: false }));
  await expect(redriveFailures(denied)()).rejects.toThrow(/AccessDenied/);
  expect(await failedBatches(platform.env)).toEqual(before);
  expect(await redriveFailures(platform.env)()).toMatchObject({ raw: 5, quarantined: 0 });
});
