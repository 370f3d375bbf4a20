/** A redriven record goes from quarantine to raw once, keeps its origin and its place in time, and the counts add up. */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import type { Dataset } from '../../../src/contracts/index.ts';
import type { Mapping } from '../../../src/domain/files/mapping.ts';
import { archiveEvents } from '../../../src/flows/archive-events.ts';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { quarantineId, waitingRecords } from '../../../src/flows/quarantine.ts';
import type { Body } from '../../../src/flows/receive-again.ts';
import { isRedriveCutOff, redrive } from '../../../src/flows/redrive.ts';
import { readStatus } from '../../../src/flows/status.ts';
import { runPipeline } from '../../../src/local/run-pipeline.ts';
import type { StreamRecord } from '../../../src/ports.ts';
import { collect } from '../../support/collect.ts';
import {
  type DoorPlatform,
  doorPlatform,
  failingAt,
  PlantedFailure,
  withoutAnswers,
} from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';

const newDirectory = temporaryDirectories();

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const shard = 'shardId-000000000000';
const eventOf = (number: number, payload: object = { userId: `u${number}` }) => ({
  eventId: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
  type: 'login',
  timestamp: '2026-03-01T10:00:00Z',
  payload,
});

/** Archives events as one batch of one shard; the sequence number of each is its place, from 1. */
const archive = (events: unknown[], at = platform) =>
  archiveEvents(at.env)(
    events.map((event, index): StreamRecord => {
      const data = Buffer.from(JSON.stringify(event));
      return { shard, sequence: String(index + 1), partitionKey: 'key', arrivedAt: at.clock.now(), data };
    }),
  );
const idOfEvent = (sequence: number) =>
  quarantineId('events', { source_shard: shard, source_sequence: String(sequence) });

const header =
  'transaction_id,line_no,customer_id,product_id,quantity,unit_price,currency,channel,country,payment_method,ordered_at';
const saleOf = (id: string, { price = '9.99', currency = 'USD', quantity = 2 } = {}) =>
  `${id},1,c1,p1,${quantity},${price},${currency},web,US,card,2026-02-28T10:00:00Z`;

/** Ingests a CSV file and returns its id. */
async function ingest(dataset: Dataset, lines: string[], mapping?: Mapping): Promise<string> {
  const landed = { ...(await platform.land(dataset, `${lines.join('\n')}\n`)), ...(mapping && { mapping }) };
  return (await ingestBatch(platform.env)(landed)).fileId;
}
const idOfRow = (dataset: Dataset, file: string, line: number) =>
  quarantineId(dataset, { source_file: file, source_line: line });

const repairing = (...bodies: [string, Body | string][]) => ({
  repaired: new Map(bodies.map(([id, body]) => [id, typeof body === 'string' ? Buffer.from(body) : body])),
});
const waiting = async (at = platform.env) => (await collect(waitingRecords(at))).map(({ id }) => id);
const counts = async (dataset: Dataset) => {
  const status = await readStatus(platform.env)();
  const { received, raw, quarantined, suppressed, clean, isBalanced } = status.datasets.find(
    (row) => row.dataset === dataset,
  )!;
  return { received, raw, quarantined, suppressed, clean, isBalanced };
};

describe('a repaired event', () => {
  test('leaves quarantine for raw with the origin and the arrival that it had', async () => {
    await archive([eventOf(1), eventOf(2, {}), eventOf(3, { userId: '' })]);
    platform.clock.advance(24 * 60);
    const result = await redrive(platform.env)(repairing([idOfEvent(2), eventOf(2)]));
    expect(result).toMatchObject({ selected: 1, raw: 1, refused: [], known: [], unknown: [] });
    expect(await waiting()).toEqual([idOfEvent(3)]);
    const [, line] = await platform.raw('events');
    expect(line).toMatchObject({
      event_id: eventOf(2).eventId,
      source_shard: shard,
      source_sequence: '2',
      arrived_at: '2026-03-01T10:59:59.500Z',
    });
    expect((await platform.keys('raw/'))[1]).toMatch(/^raw\/events\/dt=2026-03-02\/hour=10\/redrive-/);
    expect(await counts('events')).toEqual({
      received: 3,
      raw: 2,
      quarantined: 1,
      suppressed: 0,
      clean: 0,
      isBalanced: true,
    });
  });

  test('reaches clean beside its neighbours, each once, and the second redrive changes nothing', async () => {
    await archive([eventOf(1), eventOf(2, {})]);
    await runPipeline(withoutAnswers(platform.env));
    const repair = repairing([idOfEvent(2), JSON.stringify(eventOf(2))]);
    await redrive(platform.env)(repair);
    const keys = await platform.keys('raw/');
    const again = await redrive(platform.env)(repair);
    expect(again).toMatchObject({ selected: 0, raw: 0, known: [idOfEvent(2)], unknown: [] });
    expect(await platform.keys('raw/')).toEqual(keys);
    await runPipeline(withoutAnswers(platform.env));
    expect(await counts('events')).toMatchObject({ received: 2, raw: 2, quarantined: 0, clean: 2, isBalanced: true });
  });

  test('that is still refused stays as it came, and the new reason is told', async () => {
    await archive([eventOf(1, {})]);
    const before = await platform.quarantine('events');
    const result = await redrive(platform.env)(repairing([idOfEvent(1), { ...eventOf(1), type: 'levitate' }]));
    expect(result.refused).toEqual([
      {
        id: idOfEvent(1),
        dataset: 'events',
        kind: 'unknown_type',
        reasons: [{ path: '/type', rule: 'a type of schemas/events' }],
      },
    ]);
    expect(await platform.quarantine('events')).toEqual(before);
    expect(await counts('events')).toMatchObject({ raw: 0, quarantined: 1, isBalanced: true });
  });

  test('of somebody who was erased meanwhile is dropped and counted as suppressed', async () => {
    await archive([eventOf(1), eventOf(2, {})]);
    await platform.erase({ namespace: 'user', id: 'u1' });
    const result = await redrive(platform.env)(repairing([idOfEvent(2), eventOf(2, { userId: 'u1' })]));
    expect(result).toMatchObject({ raw: 0, suppressed: 1 });
    expect(await waiting()).toEqual([]);
    expect(await counts('events')).toMatchObject({ raw: 1, quarantined: 0, suppressed: 1, isBalanced: true });
  });

  test('under an id that quarantine does not know is told as unknown', async () => {
    await archive([eventOf(1, {})]);
    expect(await redrive(platform.env)(repairing(['0123456789abcdef', eventOf(1)]))).toMatchObject({
      selected: 0,
      unknown: ['0123456789abcdef'],
    });
  });
});

describe('a row of a file', () => {
  test('is repaired as text or as the values of its columns', async () => {
    const file = await ingest('transactions', [header, saleOf('t1'), saleOf('t2', { price: 'free' }), 't3,1']);
    const repaired = Object.fromEntries(header.split(',').map((name, at) => [name, saleOf('t3').split(',')[at]]));
    const result = await redrive(platform.env)(
      repairing([idOfRow('transactions', file, 3), saleOf('t2')], [idOfRow('transactions', file, 4), repaired]),
    );
    expect(result).toMatchObject({ raw: 2, refused: [] });
    expect((await platform.raw('transactions')).map((line) => [line.transaction_id, line.source_line])).toEqual([
      ['t1', 2],
      ['t2', 3],
      ['t3', 4],
    ]);
  });

  test('comes back as it came once its rule has changed', async () => {
    await ingest('transactions', [header, saleOf('t1', { currency: 'EUR' }), saleOf('t2', { price: 'free' })]);
    const inEuro = { ...platform.env, settings: { reportingCurrency: 'EUR' } };
    expect(await redrive(platform.env)({})).toMatchObject({ selected: 2, raw: 0 });
    expect(await redrive(inEuro)({ rule: 'currency_without_rate' })).toMatchObject({
      selected: 1,
      raw: 1,
      refused: [],
    });
    expect(await counts('transactions')).toMatchObject({ raw: 1, quarantined: 1, isBalanced: true });
  });

  test('does not replace a version that arrived after it', async () => {
    const file = await ingest('transactions', [header, saleOf('t1', { price: 'free' })]);
    platform.clock.advance(60);
    await ingest('transactions', [header, saleOf('t1', { quantity: 3 })]);
    platform.clock.advance(60);
    await redrive(platform.env)(repairing([idOfRow('transactions', file, 2), saleOf('t1', { quantity: 1 })]));
    await runPipeline(withoutAnswers(platform.env));
    const { rows } = await platform.env.warehouse.query('select quantity from fact_sales');
    expect(rows).toEqual([[3]]);
    expect(await counts('transactions')).toMatchObject({ received: 2, raw: 2, clean: 1, isBalanced: true });
  });

  test('that gets its id from a mapping is a line of its own beside an identical neighbour', async () => {
    const mapping: Mapping = {
      columns: { product_id: 'item', quantity: 'count', amount: 'paid', ordered_at: 'day' },
      constants: { line_no: '1', currency: 'USD', channel: 'web', country: 'US', payment_method: 'card' },
      formats: { ordered_at: 'yyyyMMdd' },
      rowId: 'transaction_id',
    };
    const file = await ingest('transactions', ['item,count,paid,day', 'p1,1,9.99,20260228', 'p1,1,9.99,soon'], mapping);
    await redrive(platform.env)(repairing([idOfRow('transactions', file, 3), 'p1,1,9.99,20260228']));
    const [neighbour, redriven] = (await platform.raw('transactions')).map((line) => String(line.transaction_id));
    expect([neighbour, redriven]).toEqual([expect.stringMatching(/^[0-9a-f]{32}-1$/), neighbour!.replace(/1$/, 'r3')]);
    await runPipeline(withoutAnswers(platform.env));
    expect(await counts('transactions')).toMatchObject({ received: 2, raw: 2, clean: 2, isBalanced: true });
  });

  test('that was cut off at the limit is not taken for whole', async () => {
    const cells = header.split(',').map((name, at) => (name === 'customer_id' ? '' : saleOf('t1').split(',')[at]));
    const long = `${cells.join(',')}${' '.repeat(1_048_576)}`;
    const file = await ingest('transactions', [header, long]);
    expect((await redrive(platform.env)({})).refused).toMatchObject([{ kind: 'too_long' }]);
    const repaired = repairing([idOfRow('transactions', file, 2), cells.join(',')]);
    expect(await redrive(platform.env)(repaired)).toMatchObject({ raw: 1, refused: [] });
  });

  test('whose header is not kept is repaired as an object', async () => {
    const file = await ingest('transactions', [header, saleOf('t1', { price: 'free' })]);
    await platform.env.hot.write([{ table: 'files', delete: { partition: 'row-formats', sort: file } }]);
    const id = idOfRow('transactions', file, 2);
    const result = await redrive(platform.env)(repairing([id, saleOf('t1')]));
    expect(result.refused).toMatchObject([
      { id, reasons: [{ rule: expect.stringMatching(/^one JSON object; a CSV/) }] },
    ]);
    const repaired = Object.fromEntries(header.split(',').map((name, at) => [name, saleOf('t1').split(',')[at]]));
    expect(await redrive(platform.env)(repairing([id, repaired]))).toMatchObject({ raw: 1, refused: [] });
  });
});

test('a record whose key is gone is told as unreadable, and stays', async () => {
  await archive([eventOf(1, {})]);
  const vault = new DatabaseSync(join(platform.paths.vault, 'vault.sqlite'));
  vault.exec('delete from quarantine_keys');
  vault.close();
  expect(await redrive(platform.env)({})).toMatchObject({ selected: 1, raw: 0, unreadable: [idOfEvent(1)] });
  expect(await waiting()).toEqual([idOfEvent(1)]);
});

test('a record that a repeated batch wrote twice is one record', async () => {
  await archive([eventOf(1, {}), eventOf(2)]);
  const [line] = await platform.quarantine('events');
  await platform.env.objects.put(
    'quarantine/events/dt=2026-03-01/other.jsonl.gz',
    gzipSync(`${JSON.stringify(line)}\n`),
  );
  expect(await waiting()).toEqual([idOfEvent(1)]);
});

describe('a redrive that is cut off', () => {
  /** As `failingAt`, which cannot fail a listing: a redrive has written nothing before it lists. */
  const failingCall = (at: number, when: 'before' | 'after') => {
    const { env, state } = failingAt(platform.env, at, when);
    const { objects } = platform.env;
    const get = (target: object, name: string) =>
      name === 'list' ? objects.list.bind(objects) : (Reflect.get(target, name) as unknown);
    return { env: { ...env, objects: new Proxy(env.objects, { get }) as typeof objects }, state };
  };

  const setUp = () => archive([eventOf(1), eventOf(2, {}), eventOf(3, {}), eventOf(4, { userId: '' })]);
  const both = repairing([idOfEvent(2), eventOf(2)], [idOfEvent(3), eventOf(3)]);

  test.each(['before', 'after'] as const)(
    'at any call, %s it is done, loses and doubles nothing, whichever records are redriven next',
    async (when) => {
      for (let at = 0; ; at += 1) {
        const fresh = doorPlatform(newDirectory());
        platform.close();
        platform = fresh;
        await setUp();
        const { env, state } = failingCall(at, when);
        const failure: unknown = await redrive(env)(both).catch((error: unknown) => error);
        if (!(failure instanceof PlantedFailure)) {
          expect([failure, at]).toEqual([expect.objectContaining({ raw: 2, refused: [] }), state.calls]);
          return;
        }
        platform.clock.advance(60);
        await redrive(platform.env)(repairing([idOfEvent(3), eventOf(3)]));
        await redrive(platform.env)(repairing([idOfEvent(2), eventOf(2)]));
        const sequences = (await platform.raw('events')).map((line) => line.source_sequence);
        expect([at, sequences.sort()]).toEqual([at, ['1', '2', '3']]);
        expect([await waiting(), await isRedriveCutOff(platform.env)]).toEqual([[idOfEvent(4)], false]);
        expect(await counts('events')).toMatchObject({ received: 4, raw: 3, quarantined: 1, isBalanced: true });
      }
    },
  );
});
