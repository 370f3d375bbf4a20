/** An export opens the bodies that were asked for in a form that can be repaired, and is written down before it does. */

import { archiveEvents } from '../../../src/flows/archive-events.ts';
import { exportRecords, listExports } from '../../../src/flows/export-quarantine.ts';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { redrive } from '../../../src/flows/redrive.ts';
import type { StreamRecord } from '../../../src/ports.ts';
import { collect } from '../../support/collect.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { filesHolding, temporaryDirectories } from '../../support/local-stores.ts';

const newDirectory = temporaryDirectories();

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const archive = (...bodies: (string | Uint8Array)[]) =>
  archiveEvents(platform.env)(
    bodies.map((body, index): StreamRecord => {
      const [shard, partitionKey, arrivedAt] = ['shardId-000000000000', 'key', platform.clock.now()];
      return { shard, sequence: String(index + 1), partitionKey, arrivedAt, data: Buffer.from(body as string) };
    }),
  );

const exported = async (filter = {}) => {
  const { records } = await exportRecords(platform.env, filter, 'repair.jsonl');
  return collect(records);
};

describe('a body', () => {
  test.each([
    ['an event is an object', '{"type":"levitate"}', { body: { type: 'levitate' } }],
    ['what is no JSON is text', '{"type":', { body: '{"type":' }],
    ['JSON that is no object is text', '[1]', { body: '[1]' }],
    [
      'an event with a number that has lost digits is text, with all of them',
      '{"userId":12345678901234567890}',
      { body: '{"userId":12345678901234567890}' },
    ],
    ['what is no text is base64', Buffer.of(0xff, 0x00), { body_base64: '/wA=' }],
    [
      'what is nested too deep is text',
      `{"a":${'['.repeat(99)}${']'.repeat(99)}}`,
      { body: expect.stringMatching(/\[/) },
    ],
  ])('of %s', async (_, body, expected) => {
    await archive(body);
    expect(await exported()).toMatchObject([expected]);
  });

  test('of a CSV row has the names of its columns; a row of another length is text', async () => {
    const header = 'product_id,name,category,brand,price,cost';
    const landed = await platform.land('products', `${header}\np1,Tea,drinks,Acme,free,1\np2,Tea\n`);
    await ingestBatch(platform.env)(landed);
    const [row, short] = await exported();
    const values = {
      product_id: 'p1',
      name: 'Tea',
      category: 'drinks',
      brand: 'Acme',
      price: 'free',
      cost: '1',
    };
    expect([row?.body, short?.body]).toEqual([values, 'p2,Tea\n']);
  });
});

test('what was exported and repaired is what a redrive takes', async () => {
  await archive(JSON.stringify({ eventId: 'x', type: 'login', timestamp: '2026-03-01T10:00:00Z', payload: {} }));
  const [record] = await exported();
  const body = {
    ...(record!.body as object),
    eventId: '00000000-0000-4000-8000-000000000001',
    payload: { userId: 'u' },
  };
  expect(await redrive(platform.env)({ repaired: new Map([[record!.id, body]]) })).toMatchObject({
    raw: 1,
    refused: [],
  });
});

test('an export is written down before the first body is opened, and holds nothing of them', async () => {
  await archive('{"type":"levitate","zq7canary":1}', '{"type":"login"}');
  const { selected } = await exportRecords(platform.env, { rule: 'unknown_type' }, 'repair.jsonl');
  expect(selected).toBe(0);
  platform.clock.advance(1);
  await exportRecords(platform.env, {}, 'all.jsonl');
  expect(await listExports(platform.env)).toEqual([
    { at: '2026-03-01T11:00:59.500Z', records: 2, file: 'all.jsonl' },
    { at: '2026-03-01T10:59:59.500Z', records: 0, file: 'repair.jsonl' },
  ]);
  expect(filesHolding(platform.paths.dataDir, 'zq7canary')).toEqual([]);
});
