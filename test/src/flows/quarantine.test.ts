/** What waits in quarantine is found by id, dataset, rule and day, without opening a body. */
import { archiveEvents } from '../../../src/flows/archive-events.ts';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { type QuarantineFilter, quarantineId, ruleText, waitingRecords } from '../../../src/flows/quarantine.ts';
import type { Environment } from '../../../src/ports.ts';
import { collect } from '../../support/collect.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
let platform: DoorPlatform;

const origin = (sequence: string) => ({ source_shard: 'shardId-000000000000', source_sequence: sequence });

beforeAll(async () => {
  platform = doorPlatform(newDirectory());
  const archive = (sequence: string, body: string) =>
    archiveEvents(platform.env)([
      {
        shard: 'shardId-000000000000',
        sequence,
        partitionKey: 'key',
        arrivedAt: platform.clock.now(),
        data: Buffer.from(body),
      },
    ]);
  await archive('1', '{"type":');
  await archive(
    '2',
    '{"eventId":"00000000-0000-4000-8000-000000000001","type":"levitate","timestamp":"2026-03-01T10:00:00Z","payload":{}}',
  );
  platform.clock.advance(24 * 60);
  await archive('3', '{"type":7}');
  const header = 'product_id,name,category,brand,price,cost';
  await ingestBatch(platform.env)(await platform.land('products', `${header}\np1,Tea,drinks,Acme,free,1\n`));
});
afterAll(() => platform.close());

const idOf = (sequence: string) => quarantineId('events', origin(sequence));

/** The environment without the key of any body. */
const sealed = (): Environment => ({
  ...platform.env,
  vault: { ...platform.env.vault, quarantineOpeningKey: () => Promise.reject(new Error('a body was opened')) },
});

test.each<[what: string, filter: () => QuarantineFilter, found: string[]]>([
  ['all', () => ({}), ['1', '2', '3', 'p1']],
  ['a dataset', () => ({ dataset: 'products' }), ['p1']],
  ['a kind', () => ({ rule: 'unknown_type' }), ['2']],
  ['a part of a rule', () => ({ rule: 'valid JSON' }), ['1']],
  ['a path', () => ({ rule: '/price' }), ['p1']],
  ['a day', () => ({ since: '2026-03-02' }), ['3', 'p1']],
  ['ids', () => ({ ids: new Set([idOf('2'), idOf('3')]) }), ['2', '3']],
  ['ids and a kind', () => ({ ids: new Set([idOf('2'), idOf('3')]), rule: 'unknown_type' }), ['2']],
])('records are found by %s', async (_, filter, expected) => {
  const found = await collect(waitingRecords(sealed(), filter()));
  expect(found.map(({ line }) => line.origin.source_sequence ?? 'p1')).toEqual(expected);
});

test('an id is the same for the same origin, and another for another', () => {
  expect(idOf('1')).toMatch(/^[0-9a-f]{16}$/);
  expect(new Set([idOf('1'), idOf('1'), idOf('2'), quarantineId('products', origin('1'))]).size).toBe(3);
});

test('equal faults are one rule, wherever in the record they are', () => {
  expect(ruleText({ path: '', rule: 'valid JSON, broken at character 17' })).toBe('/ valid JSON');
  expect(ruleText({ path: '/email', rule: 'format email' })).toBe('/email format email');
});
