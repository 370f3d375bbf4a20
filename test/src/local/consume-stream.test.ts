import { consumeStream } from '../../../src/local/consume-stream.ts';
import { produce } from '../../../src/local/produce.ts';
import { type DoorPlatform, doorPlatform, failingAt, PlantedFailure } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { sampleEvent } from '../../support/sample-records.ts';

const newDirectory = temporaryDirectories();

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const eventsOf = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => {
    const eventId = `00000000-0000-4000-8000-${String(from + index).padStart(12, '0')}`;
    return Buffer.from(JSON.stringify({ ...sampleEvent('events/login/1', { userId: `u${index % 5}` }), eventId }));
  });

const idsOf = async (at: DoorPlatform) => (await at.raw('events')).map((line) => String(line.event_id)).toSorted();

describe('consuming the stream', () => {
  test('archives what is new in each shard, and then nothing', async () => {
    await produce(platform.env, 'a', eventsOf(0, 30));
    expect(await consumeStream(platform.env)).toMatchObject({ received: 30, raw: 30 });
    expect(await consumeStream(platform.env)).toMatchObject({ received: 0 });
    await produce(platform.env, 'b', eventsOf(30, 40));
    expect(await consumeStream(platform.env)).toMatchObject({ received: 10 });
    expect(new Set(await idsOf(platform)).size).toBe(40);
  });

  test('takes a thousand records of a shard at a time', async () => {
    await produce(platform.env, 'a', eventsOf(0, 5000));
    const progress: number[] = [];
    await consumeStream(platform.env, (records) => progress.push(records));
    const steps = progress.map((records, index) => records - (progress[index - 1] ?? 0));
    expect(Math.max(...steps)).toBe(1000);
    expect(new Set(await idsOf(platform)).size).toBe(5000);
  });

  test.each(['before', 'after'] as const)(
    'that was cut off %s any call tries the same records again, whatever has arrived since',
    async (when) => {
      await produce(platform.env, 'a', eventsOf(0, 30));
      const { env, state } = failingAt(platform.env, -1, when);
      await consumeStream(env);
      expect(state.calls).toBeGreaterThan(15);
      for (let at = 0; at < state.calls; at += 1) {
        const other = doorPlatform(newDirectory());
        await produce(other.env, 'a', eventsOf(0, 30));
        await expect(consumeStream(failingAt(other.env, at, when).env)).rejects.toThrow(PlantedFailure);
        other.clock.advance(1);
        await produce(other.env, 'b', eventsOf(30, 60));
        await consumeStream(other.env);
        // A batch with other boundaries would be another object, and its records would lie there twice.
        const ids = await idsOf(other);
        expect([at, ids.length, new Set(ids).size]).toEqual([at, 60, 60]);
        other.close();
      }
    },
  );

  test('goes on where the batch that was cut off has outlived the stream', async () => {
    await produce(platform.env, 'a', eventsOf(0, 30));
    const { env } = failingAt(platform.env, 3, 'after');
    await expect(consumeStream(env)).rejects.toThrow(PlantedFailure);
    platform.clock.advance(60 * 24 * 400);
    await produce(platform.env, 'b', eventsOf(30, 60));
    await consumeStream(platform.env);
    expect((await idsOf(platform)).filter((id) => Number(id.slice(-12)) >= 30)).toHaveLength(30);
  });

  test('stops at a shard that fails and leaves its checkpoint', async () => {
    await produce(platform.env, 'a', eventsOf(0, 30));
    const { env } = failingAt(platform.env, 4, 'before');
    await expect(consumeStream(env)).rejects.toThrow(PlantedFailure);
    expect(await platform.raw('events')).toEqual([]);
    expect(await consumeStream(platform.env)).toMatchObject({ received: 30, raw: 30 });
  });
});
