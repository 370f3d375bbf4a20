/** What both doors keep to while somebody is being erased. */
import { archiveEvents } from '../../../src/flows/archive-events.ts';
import { noCounts } from '../../../src/flows/door.ts';
import { readStatus } from '../../../src/flows/status.ts';
import type { Environment, StreamRecord, Vault } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform, PlantedFailure } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { intercept } from '../../support/stream.ts';

const newDirectory = temporaryDirectories();
let platform: DoorPlatform;

beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const ann = { namespace: 'user', id: 'ann' } as const;

const login = (sequence: number, userId: string): StreamRecord => ({
  shard: 'shardId-000000000000',
  sequence: String(sequence).padStart(20, '0'),
  partitionKey: 'key',
  arrivedAt: platform.clock.now(),
  data: Buffer.from(
    JSON.stringify({
      eventId: `00000000-0000-4000-8000-${String(sequence).padStart(12, '0')}`,
      type: 'login',
      timestamp: '2026-03-01T10:00:00Z',
      payload: { userId },
    }),
  ),
});

/** The environment with some of the vault's calls replaced. */
const withVault = (changes: Partial<Vault>): Environment => ({
  ...platform.env,
  vault: new Proxy(platform.env.vault, {
    get: (vault, name) => {
      const value: unknown = changes[name as keyof Vault] ?? Reflect.get(vault, name, vault);
      return typeof value === 'function' ? value.bind(vault) : value;
    },
  }),
});

describe('a person who is erased', () => {
  test('between look-up and writing is looked up again, and nothing of theirs is written', async () => {
    await platform.env.vault.resolve([ann]);
    let calls = 0;
    const env = withVault({
      resolve: async (ids) => {
        calls += 1;
        const resolutions = await platform.env.vault.resolve(ids);
        if (calls === 1) await platform.erase(ann);
        return resolutions;
      },
    });
    expect(await archiveEvents(env)([login(1, 'ann'), login(2, 'ben')])).toMatchObject({ raw: 1, suppressed: 1 });
    expect(calls).toBe(2);
    expect((await platform.raw('events')).map((line) => line.source_sequence)).toEqual(['00000000000000000002']);
  });

  test('without an erasure meanwhile, nobody is looked up twice', async () => {
    let calls = 0;
    const env = withVault({
      resolve: (ids) => {
        calls += 1;
        return platform.env.vault.resolve(ids);
      },
    });
    await archiveEvents(env)([login(1, 'ann'), login(2, 'ben')]);
    expect(calls).toBe(1);
  });

  test.each([
    ['alone', ['ann']],
    ['among others', ['ann', 'ben']],
  ])('between a try that was cut off and the next, %s, is in nothing that the next one leaves', async (_, people) => {
    const records = people.map((person, index) => login(index + 1, person));
    const cutOff = intercept(platform.env, async (_port, method, call, [key]) => {
      const result = await call();
      if (method === 'putIfAbsent' && String(key).startsWith('raw/')) throw new PlantedFailure();
      return result;
    });
    await expect(archiveEvents(cutOff)(records)).rejects.toThrow(PlantedFailure);
    expect(await platform.raw('events')).toHaveLength(people.length);
    await platform.erase(ann);
    const raw = people.length - 1;
    expect(await archiveEvents(platform.env)(records)).toMatchObject({ received: people.length, raw, suppressed: 1 });
    expect(await platform.raw('events')).toHaveLength(raw);
    expect((await readStatus(platform.env)()).isBalanced).toBe(true);
  });

  test('behind a batch that was counted changes nothing of it where only the checkpoint was lost and it comes again', async () => {
    const records = [login(1, 'ann'), login(2, 'ben')];
    expect(await archiveEvents(platform.env)(records)).toMatchObject({ received: 2, raw: 2 });
    const before = [await platform.raw('events'), (await readStatus(platform.env)()).datasets];
    await platform.erase(ann);
    expect(await archiveEvents(platform.env)(records)).toEqual(noCounts);
    expect([await platform.raw('events'), (await readStatus(platform.env)()).datasets]).toEqual(before);
  });
});
