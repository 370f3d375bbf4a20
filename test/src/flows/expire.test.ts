/** What may not be kept goes in time: landing after a day, quarantine with the key of its day. What went stays counted. */
import { archiveEvents } from '../../../src/flows/archive-events.ts';
import { expire } from '../../../src/flows/expire.ts';
import { exportRecords } from '../../../src/flows/export-quarantine.ts';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { quarantineId, waitingRecords } from '../../../src/flows/quarantine.ts';
import { redrive } from '../../../src/flows/redrive.ts';
import { readStatus } from '../../../src/flows/status.ts';
import type { StreamRecord } from '../../../src/ports.ts';
import { collect } from '../../support/collect.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
const day = 24 * 60;
const shard = 'shardId-000000000000';

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory(), '2026-03-01T10:00:00Z');
});
afterEach(() => platform.close());

const eventOf = (number: number, type = 'login') => ({
  eventId: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
  type,
  timestamp: '2026-02-01T10:00:00Z',
  payload: { userId: 'u' },
});

/** Archives one batch: an event for each sequence number, refused for its type but the first. */
const archive = (sequences: number[], arrivedAt = platform.clock.now()) =>
  archiveEvents(platform.env)(
    sequences.map((sequence, index): StreamRecord => {
      const data = Buffer.from(JSON.stringify(eventOf(sequence, index === 0 ? 'login' : 'levitate')));
      return { shard, sequence: String(sequence), partitionKey: 'key', arrivedAt, data };
    }),
  );
const idOf = (sequence: number) => quarantineId('events', { source_shard: shard, source_sequence: String(sequence) });
const waiting = async () => (await collect(waitingRecords(platform.env))).map(({ id }) => id);
const counts = async () => {
  const status = await readStatus(platform.env)();
  const { received, raw, quarantined, expired, isBalanced } = status.datasets.find((row) => row.dataset === 'events')!;
  return { received, raw, quarantined, expired, isBalanced };
};

test('landing loses after a day what was not ingested', async () => {
  platform.close();
  // The files' own times are those of the system.
  platform = doorPlatform(newDirectory(), new Date().toISOString());
  await platform.land('products', 'product_id\n');
  expect(await expire(platform.env)()).toEqual({ landing: 0, quarantine: 0, failures: 0 });
  platform.clock.advance(day + 1);
  expect(await expire(platform.env)()).toEqual({ landing: 1, quarantine: 0, failures: 0 });
  expect(await platform.keys('landing/')).toEqual([]);
});

describe('a refused record', () => {
  test('waits for 21 days, the day of its refusal included, and is then expired, whether its object is still there or not', async () => {
    await archive([1, 2, 3]);
    platform.clock.advance(20 * day + 13 * 60);
    const before = { received: 3, raw: 1, quarantined: 2, expired: 0, isBalanced: true };
    expect([await waiting(), await counts(), await expire(platform.env)()]).toEqual([
      [idOf(2), idOf(3)],
      before,
      { landing: 0, quarantine: 0, failures: 0 },
    ]);
    platform.clock.advance(60);
    const after = { ...before, quarantined: 0, expired: 2 };
    expect([await waiting(), await counts()]).toEqual([[], after]);
    expect(await expire(platform.env)()).toMatchObject({ quarantine: 1 });
    expect([await platform.keys('quarantine/'), await counts()]).toEqual([[], after]);
    expect(await expire(platform.env)()).toMatchObject({ quarantine: 0 });
  });

  test('that arrived long before has the whole time to be repaired in', async () => {
    await archive([1, 2], new Date('2026-01-01T10:00:00Z'));
    platform.clock.advance(20 * day);
    expect(await expire(platform.env)()).toMatchObject({ quarantine: 0 });
    const { records } = await exportRecords(platform.env, {}, 'repair.jsonl');
    expect(await collect(records)).toMatchObject([{ id: idOf(2), body: { type: 'levitate' } }]);
    expect(await counts()).toMatchObject({ quarantined: 1, expired: 0 });
    platform.clock.advance(day);
    expect(await expire(platform.env)()).toMatchObject({ quarantine: 1 });
  });

  test('that was brought back in time is not expired, and its neighbour is', async () => {
    await archive([1, 2]);
    platform.clock.advance(day);
    await archive([3, 4, 5]);
    const repaired = new Map([idOf(2), idOf(4)].map((id, index) => [id, eventOf(index + 7)]));
    expect(await redrive(platform.env)({ repaired })).toMatchObject({ raw: 2 });
    platform.clock.advance(20 * day);
    expect(await counts()).toEqual({ received: 5, raw: 4, quarantined: 1, expired: 0, isBalanced: true });
    platform.clock.advance(day);
    expect(await counts()).toEqual({ received: 5, raw: 4, quarantined: 0, expired: 1, isBalanced: true });
    expect(await redrive(platform.env)({})).toMatchObject({ selected: 0, unreadable: [] });
  });

  test('of a batch that is tried again on another day stays as it was sealed', async () => {
    await archive([1, 2]);
    const lines = await platform.quarantine('events');
    platform.clock.advance(day);
    await archive([1, 2], new Date('2026-03-01T10:00:00Z'));
    expect(await platform.quarantine('events')).toEqual(lines);
    platform.clock.advance(20 * day);
    expect(await counts()).toEqual({ received: 2, raw: 1, quarantined: 0, expired: 1, isBalanced: true });
  });

  test('of a file that is taken up a month after it was cut off can be repaired with the names of its columns', async () => {
    const content = 'product_id,name,category,brand,price,cost\np1,Tea,drinks,Acme,free,1\n';
    const { hot } = platform.env;
    // Cut off before its end was written down.
    const cutOff = { ...hot, get: hot.get.bind(hot), query: hot.query.bind(hot) };
    const write: typeof hot.write = async (writes) => {
      if (writes.some((one) => one.table === 'batches')) throw new Error('cut off');
      await hot.write(writes);
    };
    const landed = await platform.land('products', content);
    await expect(ingestBatch({ ...platform.env, hot: { ...cutOff, write } })(landed)).rejects.toThrow('cut off');
    platform.clock.advance(30 * day);
    await expire(platform.env)();
    await ingestBatch(platform.env)(await platform.land('products', content));
    const { records } = await exportRecords(platform.env, {}, 'repair.jsonl');
    expect(await collect(records)).toMatchObject([{ body: { product_id: 'p1', price: 'free' } }]);
  });
});
