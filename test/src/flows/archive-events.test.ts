import fc from 'fast-check';
import { batchOfKey } from '../../../src/domain/lake/layout.ts';
import type { RawLine } from '../../../src/domain/privacy/separate.ts';
import { archiveEvents } from '../../../src/flows/archive-events.ts';
import { batchName, isCounted as isAccount } from '../../../src/flows/begun-batches.ts';
import { addCounts, type DoorCounts, noCounts } from '../../../src/flows/door.ts';
import { findNewInputs } from '../../../src/flows/plan-run.ts';
import { readStatus } from '../../../src/flows/status.ts';
import type { Environment, HotWrite, StreamRecord } from '../../../src/ports.ts';
import { keptRecords } from '../../support/conservation.ts';
import { type DoorPlatform, doorPlatform, failingAt, PlantedFailure } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { sampleEvent } from '../../support/sample-records.ts';
import { intercept } from '../../support/stream.ts';

const newDirectory = temporaryDirectories();
const shard = 'shardId-000000000000';

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

/** Records as the stream gives them, each arriving a minute after the one before. */
function recordsOf(bodies: (object | string | Uint8Array)[]): StreamRecord[] {
  return bodies.map((body, index) => ({
    shard,
    sequence: String(index + 1).padStart(20, '0'),
    partitionKey: 'key',
    arrivedAt: new Date(Date.UTC(2026, 2, 1, 10, 59 + index)),
    data: Buffer.from(typeof body === 'object' && !ArrayBuffer.isView(body) ? JSON.stringify(body) : (body as string)),
  }));
}

const login = (payload: object) => sampleEvent('events/login/1', payload);

const mixed = () =>
  recordsOf([
    login({ userId: 'u1', ip: '203.0.113.77', secret: 'x' }),
    '{"broken',
    login({ userId: 'u2' }),
    sampleEvent('events/form_submit/1', { userId: 'u1', formId: 'f', fields: { note: 'call me' } }),
    { ...login({ userId: 'u3' }), type: 'unheard_of', more: 1 },
    { ...login({ anonymousId: 'u1' }), extra: 1, other: 2 },
    sampleEvent('events/log/1', { service: 'api', level: 'ERROR', message: 'mail to jane@example.com' }),
  ]);

/** By their sequence numbers, as long as those of Kinesis are, and the try. */
const nameOfMixed = `${shard}-${'1'.padStart(56, '0')}-${'7'.padStart(56, '0')}-5eed0000000040008000000000000001`;

describe('a batch of events', () => {
  test('goes to raw or to quarantine, each record once and counted', async () => {
    const counts = await archiveEvents(platform.env)(mixed());
    expect(counts).toEqual({ received: 7, raw: 5, quarantined: 2, suppressed: 0, unknownFields: 3 });
    const stored = await platform.env.hot.get('batches', { partition: 'events', sort: nameOfMixed });
    expect(stored?.values).toEqual({ ...counts, quarantinedOn: '2026-03-01' });
  });

  test('lies where its first record arrived, whatever the clock says', async () => {
    platform.clock.advance(100_000);
    await archiveEvents(platform.env)(mixed());
    expect(await platform.keys('')).toEqual([
      `quarantine/events/dt=2026-03-01/${nameOfMixed}.jsonl.gz`,
      `raw/events/dt=2026-03-01/hour=10/${nameOfMixed}.jsonl.gz`,
    ]);
  });

  test('becomes lines with subject, origin and arrival', async () => {
    await archiveEvents(platform.env)(mixed());
    const lines = await platform.raw('events');
    expect(lines.map((line) => line.source_sequence)).toEqual(
      ['1', '3', '4', '6', '7'].map((n) => n.padStart(20, '0')),
    );
    expect(lines[0]).toEqual({
      event_id: '6f1f0f3c-3f0a-4c55-9d0c-1f3a5b7c9d11',
      event_type: 'login',
      event_version: 1,
      occurred_at: '2026-03-01T10:00:00.000Z',
      subject_id: '5eed0000-0000-4000-8000-000000000002',
      ip_network: '203.0.113.0/24',
      source_shard: shard,
      source_sequence: '00000000000000000001',
      arrived_at: '2026-03-01T10:59:00.000Z',
      unknown_field_count: 1,
    });
    expect(lines.map((line) => line.subject_id ?? line.anonymous_subject_id)).toEqual([
      '5eed0000-0000-4000-8000-000000000002',
      '5eed0000-0000-4000-8000-000000000003',
      '5eed0000-0000-4000-8000-000000000002',
      '5eed0000-0000-4000-8000-000000000004',
      undefined,
    ]);
  });

  test('has refused records sealed under the key of their day, and opens to the byte', async () => {
    await archiveEvents(platform.env)(mixed());
    const lines = await platform.quarantine('events');
    expect(lines).toEqual([
      {
        kind: 'not_json',
        reasons: [{ path: '', rule: 'valid JSON, broken at character 8' }],
        origin: { source_shard: shard, source_sequence: '00000000000000000002' },
        arrivedAt: '2026-03-01T11:00:00.000Z',
        sealedOn: '2026-03-01',
        bodySealed: expect.stringMatching(/^sealed:1:/),
      },
      expect.objectContaining({ kind: 'unknown_type', reasons: [{ path: '/type', rule: 'a type of schemas/events' }] }),
    ]);
    expect(String(await platform.openBody(lines[0]!))).toBe('{"broken');
  });

  test('that bytes of no text are in keeps them to the byte', async () => {
    const bytes = Uint8Array.of(0, 255, 254, 10, 13);
    await archiveEvents(platform.env)(recordsOf([bytes]));
    expect([...(await platform.openBody((await platform.quarantine('events'))[0]!))]).toEqual([...bytes]);
  });

  test('loses the records of an erased person, who is counted and does not come back', async () => {
    await platform.erase({ namespace: 'user', id: 'u1' });
    const counts = await archiveEvents(platform.env)(mixed());
    expect(counts).toMatchObject({ received: 7, raw: 3, quarantined: 2, suppressed: 2 });
    expect((await platform.raw('events')).map((line) => line.source_sequence)).toEqual(
      ['3', '6', '7'].map((n) => n.padStart(20, '0')),
    );
    const ids = [
      { namespace: 'user', id: 'u1' },
      { namespace: 'anonymous', id: 'u1' },
    ] as const;
    expect((await platform.env.vault.lookUp([...ids])).map((found) => found?.state)).toEqual(['suppressed', 'known']);
  });

  test('of nothing is nothing', async () => {
    expect(await archiveEvents(platform.env)([])).toMatchObject({ received: 0 });
    expect(await platform.keys('')).toEqual([]);
  });

  test('only with rejected records writes no raw object', async () => {
    expect(await archiveEvents(platform.env)(recordsOf(['x']))).toMatchObject({ received: 1, quarantined: 1 });
    expect(await platform.keys('raw/')).toEqual([]);
  });

  test('with a map nested a hundred thousand deep does not stop at it', async () => {
    const deep = JSON.stringify(sampleEvent('events/form_submit/1')).replace(
      /"fields":\{[^}]*\}/,
      `"fields":${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}`,
    );
    expect(await archiveEvents(platform.env)(recordsOf([deep, login({ userId: 'u' })]))).toMatchObject({
      raw: 1,
      quarantined: 1,
    });
  });

  test('has lone surrogates and NUL replaced in raw, where no engine could read them', async () => {
    await archiveEvents(platform.env)(
      recordsOf([
        `${JSON.stringify(sampleEvent('events/search/1', { userId: 'u', query: 'Q' })).replace('"Q"', '"a\\ud800b\\u0000c"')}`,
      ]),
    );
    expect((await platform.raw('events'))[0]!.search_query).toBe('a\ufffdb\ufffdc');
  });
});

describe('a batch that was cut off, at whichever call', () => {
  test.each(['before', 'after'] as const)('%s its effect, and is sent again, is archived once', async (when) => {
    const expected = await archiveEvents(platform.env)(mixed());
    const lines = comparable(await platform.raw('events'));
    const failures = await eachFailure(when, async (whole, failing) => {
      await expect(archiveEvents(failing)(mixed())).rejects.toThrow(PlantedFailure);
      const isCounted = (await whole.env.hot.query('batches', 'events')).some(isAccount);
      expect(await archiveEvents(whole.env)(mixed())).toEqual(isCounted ? noCounts : expected);
      expect(comparable(await whole.raw('events'))).toEqual(lines);
      await expectOnce(whole.env, mixed());
    });
    // The note of this batch, those that meet it; the day's key, the epoch, the subjects, the epoch again; quarantine, raw, the counts.
    expect(failures).toBe(9);
  });

  test.each(['before', 'after'] as const)(
    '%s its effect, and comes again in halves, is archived once',
    async (when) => {
      const [first, second] = [mixed().slice(0, 4), mixed().slice(4)];
      const failures = await eachFailure(when, async (whole, failing) => {
        await expect(archiveEvents(failing)(mixed())).rejects.toThrow(PlantedFailure);
        await archiveEvents(whole.env)(first);
        await archiveEvents(whole.env)(second);
        await expectOnce(whole.env, mixed());
      });
      expect(failures).toBe(9);
    },
  );

  test('comes again in halves, is cut off again and halved once more, is archived once', async () => {
    const [half, quarters, rest] = [mixed().slice(0, 4), [mixed().slice(0, 2), mixed().slice(2, 4)], mixed().slice(4)];
    const failures = await eachFailure('after', async (whole, failing) => {
      await expect(archiveEvents(failing)(mixed())).rejects.toThrow(PlantedFailure);
      // A half makes up to thirteen calls, now that there is something to withdraw.
      for (let at = 0; at < 13; at += 1) {
        await archiveEvents(failingAt(whole.env, at, 'after').env)(half).catch(() => {});
      }
      for (const records of [...quarters, rest]) await archiveEvents(whole.env)(records);
      await expectOnce(whole.env, mixed());
    });
    expect(failures).toBe(9);
  });

  test('of which a part was counted has the rest archived, whatever the batches', async () => {
    const counts = [mixed().slice(0, 3), mixed().slice(1, 5), mixed().slice(1), mixed()];
    const archived: number[] = [];
    for (const records of counts) archived.push((await archiveEvents(platform.env)(records)).received);
    expect(archived).toEqual([3, 2, 2, 0]);
    await expectOnce(platform.env, mixed());
  });

  /** Subjects by their first line: their ids and keys, and with them sealed text, differ by platform. */
  function comparable(lines: RawLine[]): RawLine[] {
    const numbers = new Map<unknown, number>();
    const numberOf = (subject: unknown) => numbers.get(subject) ?? numbers.set(subject, numbers.size).size;
    return lines.map(({ fields_sealed: _, ...line }) => ({
      ...line,
      subject_id: numberOf(line.subject_id),
      anonymous_subject_id: numberOf(line.anonymous_subject_id),
    }));
  }

  /** Tries on a new platform each call that can fail; returns how many there were. */
  async function eachFailure(
    when: 'before' | 'after',
    attempt: (whole: DoorPlatform, failing: Environment) => Promise<void>,
  ): Promise<number> {
    const counting = doorPlatform(newDirectory());
    const { env, state } = failingAt(counting.env, -1, when);
    await archiveEvents(env)(mixed());
    counting.close();
    for (let at = 0; at < state.calls; at += 1) {
      const other = doorPlatform(newDirectory());
      await attempt(other, failingAt(other.env, at, when).env);
      other.close();
    }
    return state.calls;
  }
});

describe('records that come again', () => {
  test.each([
    ['in the same batch', [7]],
    ['one by one', [1, 1, 1, 1, 1, 1, 1]],
    ['in all other cuts', [2, 4, 1]],
  ])('months later, %s, are neither written nor counted again', async (_, cuts) => {
    for (const batch of cut(mixed(), [3, 2, 2])) await archiveEvents(platform.env)(batch);
    const keys = await platform.keys('');
    platform.clock.advance(120 * 24 * 60);
    for (const batch of cut(mixed(), cuts)) expect(await archiveEvents(platform.env)(batch)).toEqual(noCounts);
    expect(await platform.keys('')).toEqual(keys);
    await expectOnce(platform.env, mixed());
  });

  test('among others are left out, and what lies between them is archived', async () => {
    const records = recordsOf(Array.from({ length: 260 }, (_, index) => login({ userId: `u${index % 3}` })));
    const counted = records.filter((_, index) => index % 2 === 1);
    for (const some of cut(counted, [100, 30])) {
      const accounts = some.map((record) => ({ partition: 'events', sort: batchName([record], 'try'), values: {} }));
      await platform.env.hot.write(accounts.map((put) => ({ table: 'batches', put })));
    }
    expect(await archiveEvents(platform.env)(records)).toMatchObject({ received: 130, raw: 130 });
    expect(await archiveEvents(platform.env)(records)).toEqual(noCounts);
  });

  test('are left out, too, where their account is of before names ended with a try', async () => {
    const sort = nameOfMixed.slice(0, nameOfMixed.lastIndexOf('-'));
    await platform.env.hot.write([{ table: 'batches', put: { partition: 'events', sort, values: { raw: 7 } } }]);
    expect(await archiveEvents(platform.env)(mixed().slice(2, 5))).toEqual(noCounts);
    expect(await archiveEvents(platform.env)(mixed())).toEqual(noCounts);
  });

  test('are found by their numbers, whatever length these have', async () => {
    const records = mixed().map((record, index) => ({ ...record, sequence: String(index + 7) }));
    for (const batch of cut(records, [2, 3, 2])) await archiveEvents(platform.env)(batch);
    for (const batch of cut(records, [1, 4, 2])) expect(await archiveEvents(platform.env)(batch)).toEqual(noCounts);
    await expectOnce(platform.env, records);
  });

  test('in whatever cuts, cut off wherever, lie there once and are counted once', async () => {
    let shards = 0;
    const deliveries = fc.array(
      fc.record({
        from: fc.nat(6),
        length: fc.integer({ min: 1, max: 7 }),
        // A batch makes nine calls, and four where it withdraws one.
        failsAt: fc.integer({ min: -3, max: 18 }),
        when: fc.constantFrom('before' as const, 'after' as const),
      }),
      { maxLength: 8 },
    );
    const cuts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 7, maxLength: 7 });
    await fc.assert(
      fc.asyncProperty(deliveries, cuts, async (earlier, last) => {
        shards += 1;
        const own = `shardId-${String(shards).padStart(12, '0')}`;
        const records = mixed().map((record) => ({ ...record, shard: own }));
        for (const { from, length, failsAt, when } of earlier) {
          const { env } = failingAt(platform.env, failsAt, when);
          await archiveEvents(env)(records.slice(from, from + length)).catch(refuseUnplanted);
        }
        for (const batch of cut(records, last)) await archiveEvents(platform.env)(batch);
        await expectOnce(platform.env, records);
      }),
      { numRuns: 40 },
    );
  });

  function refuseUnplanted(error: unknown): void {
    if (!(error instanceof PlantedFailure)) throw error;
  }
});

describe('records that two archive at the same time', () => {
  const isRawPut = (method: string, [key]: unknown[]) => method === 'putIfAbsent' && String(key).startsWith('raw/');

  test.each([
    ['some', 3, 6],
    ['all', 0, 7],
  ])('are counted by one, where the other takes %s once they are in raw', async (_, from, to) => {
    let others: DoorCounts | undefined;
    const slow = intercept(platform.env, async (_port, method, call, args) => {
      const result = await call();
      if (isRawPut(method, args)) others = await archiveEvents(platform.env)(mixed().slice(from, to));
      return result;
    });
    await expect(archiveEvents(slow)(mixed())).rejects.toThrow(
      expect.objectContaining({ retryable: true, message: expect.stringContaining('at the same time: try again') }),
    );
    expect(others?.received).toBe(to - from);
    await archiveEvents(platform.env)(mixed());
    await expectOnce(platform.env, mixed());
  });

  test('are read as their account says, where one that was withdrawn puts its objects afterwards and ends', async () => {
    await platform.env.vault.resolve([{ namespace: 'user', id: 'u' }]);
    const records = recordsOf([login({ userId: 'u' })]);
    const late = intercept(platform.env, async (_port, method, call, args) => {
      if (!isRawPut(method, args)) return call();
      await platform.erase({ namespace: 'user', id: 'u' });
      expect(await archiveEvents(platform.env)(records)).toMatchObject({ raw: 0, suppressed: 1 });
      await call();
      throw new PlantedFailure();
    });
    await expect(archiveEvents(late)(records)).rejects.toThrow(PlantedFailure);
    expect(await platform.keys('raw/')).toHaveLength(1);
    expect((await findNewInputs(platform.env)('run', undefined)).newRaw).toEqual({});
    expect((await readStatus(platform.env)()).datasets[0]).toMatchObject({ received: 1, raw: 0, isBalanced: true });
  });

  test('stay counted, where the other asked before and dies after it noted them', async () => {
    const late = intercept(platform.env, async (_port, method, call) => {
      if (method === 'write') await archiveEvents(platform.env)(mixed());
      const result = await call();
      if (method === 'write') throw new PlantedFailure();
      return result;
    });
    await expect(archiveEvents(late)(mixed())).rejects.toThrow(PlantedFailure);
    await expectOnce(platform.env, mixed());
    expect(await archiveEvents(platform.env)(mixed())).toEqual(noCounts);
  });

  test('stay counted, where the write of their account is repeated when nobody knows any more that it was the same', async () => {
    const puts = (writes: unknown) => (writes as HotWrite[]).filter((one) => 'put' in one).map((one) => one.put);
    const repeating = intercept(platform.env, async (_port, method, call, [writes]) => {
      const result = await call();
      return method === 'write' && puts(writes).some(isAccount) ? call() : result;
    });
    expect(await archiveEvents(repeating)(mixed())).toMatchObject({ received: mixed().length });
    await expectOnce(platform.env, mixed());
  });

  test('however their calls fall and wherever they are cut off, lie there once and are counted once', async () => {
    let shards = 0;
    const dying = {
      failsAt: fc.integer({ min: -20, max: 16 }),
      when: fc.constantFrom('before' as const, 'after' as const),
    };
    const part = fc.record({ from: fc.nat(6), length: fc.integer({ min: 1, max: 7 }), ...dying });
    const cuts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 7, maxLength: 7 });
    const callers = fc.array(fc.array(part, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), callers, cuts, async (scheduler, deliveries, last) => {
        shards += 1;
        const own = `shardId-${String(shards).padStart(12, '0')}`;
        const records = mixed().map((record) => ({ ...record, shard: own }));
        const env = intercept(platform.env, async (port, method, call) => {
          await scheduler.schedule(Promise.resolve(), `${port}.${method}`);
          return call();
        });
        let isSomeoneDead = false;
        const caller = async (parts: (typeof deliveries)[number]) => {
          for (const { from, length, failsAt, when } of parts) {
            try {
              await archiveEvents(failingAt(env, failsAt, when).env)(records.slice(from, from + length));
            } catch (error) {
              if (error instanceof PlantedFailure) isSomeoneDead = true;
              else expect(error).toMatchObject({ name: 'AdapterError', retryable: true });
            }
          }
        };
        await scheduler.waitFor(Promise.all(deliveries.map(caller)));
        for (const batch of cut(records, last)) await archiveEvents(platform.env)(batch);
        if (isSomeoneDead) await deleteUncounted(own);
        await expectOnce(platform.env, records);
      }),
      { numRuns: 40 },
    );
  });

  /** What one that was withdrawn wrote afterwards, before it died; nobody reads it. */
  async function deleteUncounted(own: string): Promise<void> {
    const items = await platform.env.hot.query('batches', 'events', { prefix: `${own}-` });
    const counted = new Set(items.filter(isAccount).map(({ sort }) => sort));
    const keys = (await platform.keys('')).filter((key) => key.includes(`/${own}-`) && !counted.has(batchOfKey(key)));
    await platform.env.objects.delete(keys);
  }
});

/** Batches of so many records each, as far as the records go. */
function cut(records: StreamRecord[], lengths: number[]): StreamRecord[][] {
  const batches: StreamRecord[][] = [];
  let from = 0;
  for (const length of lengths) {
    if (from < records.length) batches.push(records.slice(from, from + length));
    from += length;
  }
  return batches;
}

/** The records of a shard are there, each once, and counted as they are there. */
async function expectOnce({ objects, hot }: Environment, records: StreamRecord[]): Promise<void> {
  const { shard: own } = records[0]!;
  const isOwn = (line: RawLine) => line.source_shard === own;
  const { raw, quarantined, origins } = await keptRecords(objects, 'events');
  const expected = records.map(({ sequence }) => `${own} ${sequence}`).sort();
  expect(origins.filter((origin) => origin.startsWith(`${own} `))).toEqual(expected);
  const accounts = await hot.query('batches', 'events', { prefix: `${own}-` });
  const counts = accounts.map(({ values }) => values as unknown as DoorCounts).reduce(addCounts, noCounts);
  expect(counts).toMatchObject({
    received: records.length,
    raw: raw.filter(isOwn).length,
    quarantined: quarantined.filter(({ origin }) => isOwn(origin)).length,
    suppressed: 0,
  });
}
