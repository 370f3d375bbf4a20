/** A trace tells where a record is, from its provenance, and nothing of what it holds. */
import type { Mapping } from '../../../src/domain/files/mapping.ts';
import { archiveEvents } from '../../../src/flows/archive-events.ts';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { quarantineId } from '../../../src/flows/quarantine.ts';
import { redrive } from '../../../src/flows/redrive.ts';
import { traceRecord } from '../../../src/flows/trace.ts';
import { runPipeline } from '../../../src/local/run-pipeline.ts';
import { type DoorPlatform, doorPlatform, withoutAnswers } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';

const newDirectory = temporaryDirectories();

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
const eventOf = (number: number, payload: object = { userId: 'zq7canary' }) => ({
  eventId: idOf(number),
  type: 'login',
  timestamp: '2026-02-28T10:00:00Z',
  payload,
});

/** Puts events into the stream. */
const send = (...events: ReturnType<typeof eventOf>[]) =>
  platform.env.stream.put(
    events.map((event) => ({ partitionKey: event.eventId, data: Buffer.from(JSON.stringify(event)) })),
  );

/** Archives all that the stream holds. */
async function archive() {
  for (const shard of await platform.env.stream.shards()) {
    await archiveEvents(platform.env)(await platform.env.stream.read(shard, undefined, 1000));
  }
}

const steps = async (id: string) => (await traceRecord(platform.env)(id)).map(({ step }) => step);
const step = async (id: string, name: string) =>
  (await traceRecord(platform.env)(id)).find((each) => each.step === name);

describe('an event', () => {
  test('is followed from the stream to the warehouse', async () => {
    await send(eventOf(1));
    expect(await steps(idOf(1))).toEqual(['stream', 'stream']);
    expect(await traceRecord(platform.env)(idOf(1))).toMatchObject([
      { detail: 'arrived 2026-03-01T10:59:59.500Z, still held' },
      { detail: 'waits to be archived' },
    ]);
    await archive();
    expect(await steps(idOf(1))).toEqual(['stream', 'raw']);
    expect((await step(idOf(1), 'raw'))?.detail).toMatch(/waits for the next run$/);
    await runPipeline(withoutAnswers(platform.env));
    const trace = await traceRecord(platform.env)(`urn:uuid:${idOf(1).toUpperCase()}`);
    expect(trace.map(({ step: name, place }) => `${name} ${place.replace(/[0-9a-f]{32}|run=[^/]+/g, '*')}`)).toEqual([
      expect.stringMatching(/^stream shardId-00000000000[01] 0{19}1$/),
      expect.stringMatching(/^raw raw\/events\/dt=2026-03-01\/hour=10\/shardId-.*\.jsonl\.gz line 1$/),
      'clean clean/events/*/dt=2026-02-28/part-0.parquet',
      'fact fact_event *',
      'snapshot snapshots/00000001.json',
    ]);
    expect(trace[3]?.detail).toBe('login on 2026-02-28');
    expect(JSON.stringify(trace)).not.toContain('zq7canary');
  });

  test('is found once the stream no longer holds it, and so is each of its duplicates', async () => {
    await send(eventOf(1), eventOf(1));
    await archive();
    platform.clock.advance(169 * 60);
    await send(eventOf(2));
    expect(await steps(idOf(1))).toEqual(['raw', 'raw']);
  });

  test('that was refused is found by its sealed id, with the rule and without the body', async () => {
    await send(eventOf(1, { userId: '', page: 'zq7canary' }), eventOf(2));
    await archive();
    platform.clock.advance(169 * 60);
    await send(eventOf(3));
    const trace = await traceRecord(platform.env)(idOf(1));
    expect(trace).toEqual([
      {
        step: 'quarantine',
        place: expect.stringMatching(/^[0-9a-f]{16}$/),
        detail:
          'waits until 2026-03-22; arrived 2026-03-01T10:59:59.500Z, refused for schema_violation, /payload/userId minLength 1',
      },
    ]);
    await redrive(platform.env)({ repaired: new Map([[trace[0]!.place, eventOf(1)]]) });
    expect(await steps(idOf(1))).toEqual(['quarantine', 'raw']);
    expect((await step(idOf(1), 'quarantine'))?.detail).toMatch(/^redriven 2026-03-08T11:59:59.500Z; arrived /);
  });

  test('of a person who has been erased is told as dropped', async () => {
    await send(eventOf(1));
    await archive();
    await platform.erase({ namespace: 'user', id: 'zq7canary' });
    await send(eventOf(2));
    const [shard] = (await traceRecord(platform.env)(idOf(2)))[0]!.place.split(' ');
    await archiveEvents(platform.env)((await platform.env.stream.read(shard!, undefined, 9)).slice(-1));
    expect(await steps(idOf(2))).toEqual(['stream', 'suppressed']);
  });
});

describe('a transaction line', () => {
  const header =
    'transaction_id,line_no,customer_id,product_id,quantity,unit_price,currency,channel,country,payment_method,ordered_at';
  const saleOf = (line: number, price = '9.99') => `t1,${line},c1,p1,2,${price},USD,web,US,card,2026-02-28T10:00:00Z`;

  test('is followed from its file to the warehouse, or to quarantine', async () => {
    const content = [header, saleOf(1), saleOf(2, 'free'), ''].join('\n');
    const { fileId } = await ingestBatch(platform.env)(await platform.land('transactions', content));
    await runPipeline(withoutAnswers(platform.env));
    expect(await steps('t1/1')).toEqual(['raw', 'clean', 'fact', 'snapshot']);
    expect((await step('t1/1', 'raw'))?.detail).toContain(`from ${fileId} 2`);
    const id = quarantineId('transactions', { source_file: fileId, source_line: 3 });
    expect(await traceRecord(platform.env)('t1/2')).toMatchObject([{ step: 'quarantine', place: id }]);
  });

  test('is found in quarantine by its id where its file names the columns otherwise', async () => {
    const mapping: Mapping = {
      columns: { transaction_id: 'order', product_id: 'item', quantity: 'count', amount: 'paid', ordered_at: 'day' },
      constants: { line_no: '1', currency: 'USD', channel: 'web', country: 'US', payment_method: 'card' },
      formats: { ordered_at: 'yyyyMMdd' },
    };
    const content = 'order,item,count,paid,day\nt1,p1,1,9.99,20260228\nt2,p1,1,free,20260228\nt3,p1,1,9.99,soon\n';
    const { fileId } = await ingestBatch(platform.env)({ ...(await platform.land('transactions', content)), mapping });
    for (const [id, line] of [
      ['t2/1', 3],
      ['t3/1', 4],
    ] as const) {
      const place = quarantineId('transactions', { source_file: fileId, source_line: line });
      expect(await traceRecord(platform.env)(id)).toMatchObject([{ step: 'quarantine', place }]);
    }
    await expect(traceRecord(platform.env)('t2/2')).rejects.toThrow(/nothing is known/);
  });
});

test.each([
  ['t1', /an event id \(a UUID\) or <transaction_id>\/<line_no> is needed, got t1/],
  ["t'1/2", /is needed/],
  [idOf(9), /nothing is known of 0{8}-.*: it never came, it was refused under another id/],
])('%s is refused', async (id, message) => {
  await expect(traceRecord(platform.env)(id)).rejects.toThrow(message);
});
