/** What the archive could not take in time comes back from the on-failure store, once. */
import { archiveEventSource } from '../../../src/domain/stream/event-source-settings.ts';
import { failedBatches, redriveFailures } from '../../../src/flows/redrive-failures.ts';
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
  expect(await redriveFailures(platform.env)()).toMatchObject({ batches: 0, unreadable: keys.length, received: 0 });
  expect(await failedBatches(platform.env)).toEqual(keys);
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
