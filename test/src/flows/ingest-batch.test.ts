import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Dataset } from '../../../src/contracts/index.ts';
import type { Mapping } from '../../../src/domain/files/mapping.ts';
import type { RawLine } from '../../../src/domain/privacy/separate.ts';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import type { Environment } from '../../../src/ports.ts';
import { type DoorPlatform, doorPlatform, failingAt, PlantedFailure } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { purchaseMapping, purchasesOf } from '../../support/purchases.ts';

const newDirectory = temporaryDirectories();

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

const ingest = async (dataset: Dataset, content: string | Uint8Array, mapping?: Mapping, at = platform) =>
  ingestBatch(at.env)({ ...(await at.land(dataset, content)), ...(mapping && { mapping }) });

const header =
  'transaction_id,line_no,customer_id,product_id,quantity,unit_price,currency,channel,country,payment_method,ordered_at';
const saleOf = (id: string, customer = 'c1', change: Partial<Record<'price' | 'currency', string>> = {}) =>
  `${id},1,${customer},p1,2,${change.price ?? '9.99'},${change.currency ?? 'USD'},web,US,card,2026-02-28T10:00:00Z`;
const sales = (...rows: string[]) => [header, ...rows, ''].join('\n');

const customers = [
  'customer_id,email,full_name,address,phone,country,city,birth_year,signup_date,acquisition_channel,updated_at,loyalty',
  'c1,jane@example.com,Jane Doe,12 Main Street,+49 30 123456,DE,Berlin,1987,2024-02-29,web,2026-01-01T00:00:00Z,gold',
  'c2,no address,Bob,x,030 1234567,DE,Berlin,,2024-02-29,web,,',
  '',
].join('\n');

describe('a file', () => {
  test('goes to raw or to quarantine, each row once and counted, and leaves landing', async () => {
    const content = sales(
      saleOf('t1'),
      saleOf('t2', ''),
      saleOf('t3', 'c2', { currency: 'EUR' }),
      't4,1',
      saleOf('t5', 'c1', { price: 'free' }),
    );
    const ingested = await ingest('transactions', content);
    const fileId = createHash('sha256').update(content).digest('hex');
    expect(ingested).toEqual({
      received: 5,
      raw: 2,
      quarantined: 3,
      suppressed: 0,
      unknownFields: 0,
      fileId,
      isKnown: false,
      isFinished: true,
      refusals: [
        {
          path: '/currency',
          rule: 'a currency with a rate on the day of the order; there is one for USD',
          records: 1,
          firstLines: [4],
        },
        { path: '', rule: '11 cells as in the header', records: 1, firstLines: [5] },
        { path: '/unit_price', rule: expect.stringMatching(/^an amount/), records: 1, firstLines: [6] },
      ],
    });
    expect(await platform.keys('')).toEqual([
      `quarantine/transactions/dt=2026-03-01/${fileId}-000000002.jsonl.gz`,
      `raw/transactions/dt=2026-03-01/hour=10/${fileId}-000000002.jsonl.gz`,
    ]);
    const refused = (await platform.quarantine('transactions')).map(({ kind, reasons, origin }) => [
      origin.source_line,
      kind,
      reasons,
    ]);
    expect(refused).toEqual([
      [
        4,
        'currency_without_rate',
        [
          {
            path: '/currency',
            rule: 'a currency with a rate on the day of the order; there is one for USD',
            value: 'EUR',
          },
        ],
      ],
      [5, 'not_csv', [{ path: '', rule: '11 cells as in the header', value: '2' }]],
      [6, 'schema_violation', [{ path: '/unit_price', rule: expect.stringMatching(/^an amount/) }]],
    ]);
  });

  test('becomes lines with subject, origin and arrival; a guest has no subject', async () => {
    const { fileId } = await ingest('transactions', sales(saleOf('t1'), saleOf('t2', '')));
    const line = {
      transaction_id: 't1',
      line_no: 1,
      product_id: 'p1',
      quantity: 2,
      unit_price: '9.9900',
      currency: 'USD',
      channel: 'web',
      country: 'US',
      payment_method: 'card',
      ordered_at: '2026-02-28T10:00:00.000Z',
      source_file: fileId,
      source_line: 2,
      arrived_at: '2026-03-01T10:59:59.500Z',
      unknown_field_count: 0,
    };
    expect(await platform.raw('transactions')).toEqual([
      { ...line, subject_id: '5eed0000-0000-4000-8000-000000000001' },
      { ...line, transaction_id: 't2', source_line: 3 },
    ]);
  });

  test('gives the vault the personal data, as of when the source changed them', async () => {
    expect(await ingest('customers', customers)).toMatchObject({ raw: 1, quarantined: 1, unknownFields: 1 });
    const [line] = await platform.raw('customers');
    expect(line).toMatchObject({ country: 'DE', city: 'Berlin', birth_decade: 1980, signup_month: '2024-02-01' });
    const kept = {
      email: 'jane@example.com',
      full_name: 'Jane Doe',
      address: '12 Main Street',
      phone: '+49 30 123456',
    };
    expect(await platform.env.vault.personalData(String(line!.subject_id))).toEqual(kept);
    await ingest('customers', customers.replace('Jane Doe', 'Jane Old').replace('2026-01-01', '2025-01-01'));
    expect(await platform.env.vault.personalData(String(line!.subject_id))).toEqual(kept);
    await ingest('customers', customers.replace('Jane Doe', 'Jane New').replace('2026-01-01T00:00:00Z', ''));
    expect(await platform.env.vault.personalData(String(line!.subject_id))).toEqual({ ...kept, full_name: 'Jane New' });
  });

  test('has refused rows sealed under the key of their day, and opens to the byte', async () => {
    await ingest('customers', customers);
    const [line] = await platform.quarantine('customers');
    expect(line).toMatchObject({ reasons: [{ path: '/email', rule: 'format email' }], origin: { source_line: 3 } });
    expect(String(await platform.openBody(line!))).toBe(`${customers.split('\n')[2]}\n`);
  });

  test('loses the rows of an erased person, who is counted and does not come back', async () => {
    await platform.erase({ namespace: 'user', id: 'c1' });
    expect(await ingest('customers', customers)).toMatchObject({ received: 2, raw: 0, quarantined: 1, suppressed: 1 });
    expect(await ingest('transactions', sales(saleOf('t1'), saleOf('t2', 'c3')))).toMatchObject({
      raw: 1,
      suppressed: 1,
    });
    expect(await platform.keys('raw/customers/')).toEqual([]);
  });

  test('of many rows becomes several objects, named by the line on which each begins', async () => {
    const content = sales(...Array.from({ length: 7 }, (_, row) => saleOf(`t${row}`, `c${row % 3}`)));
    const progress: number[] = [];
    const ingestThrees = ingestBatch(platform.env, { rowsPerObject: 3 });
    const { fileId } = await ingestThrees(await platform.land('transactions', content), {
      onProgress: (rows) => progress.push(rows),
    });
    expect(progress).toEqual([3, 6, 7]);
    expect((await platform.keys('raw/')).map((key) => key.split(`${fileId}-`)[1])).toEqual(
      ['000000002', '000000005', '000000008'].map((line) => `${line}.jsonl.gz`),
    );
    expect((await platform.raw('transactions')).map((line) => line.source_line)).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });

  test('may be JSON Lines, with deep nesting and names that objects inherit', async () => {
    const sale = {
      transaction_id: 't',
      line_no: 1,
      product_id: 'p',
      quantity: 1,
      amount: 1.5,
      currency: 'USD',
      channel: 'web',
      country: 'US',
      payment_method: 'card',
      ordered_at: '2026-02-28T10:00:00Z',
    };
    const deep = `${'['.repeat(1e5)}${']'.repeat(1e5)}`;
    const lines = [
      { ...sale, customer_id: 42 },
      { ...sale, customer_id: null, discount: null },
      { ...sale, constructor: 1, note: 'x' },
      { ...sale, product_id: 7 },
    ].map((row) => JSON.stringify(row));
    const text = JSON.stringify(sale);
    const content = [
      ...lines,
      text.replace('{', `{"deep":${deep},`),
      text.replace('"p"', deep),
      text.replace('{', '{"__proto__":{"quantity":9},'),
      '',
    ].join('\n');
    expect(await ingest('transactions', content)).toMatchObject({ received: 7, raw: 5, quarantined: 2 });
    const raw = await platform.raw('transactions');
    expect(raw.map((line) => [line.quantity, line.unknown_field_count])).toEqual([
      [1, 0],
      [1, 0],
      [1, 2],
      [1, 1],
      [1, 1],
    ]);
    expect(raw.map((line) => line.subject_id !== undefined)).toEqual([true, false, false, false, false]);
  });
});

describe('the same file again', () => {
  test('changes nothing, packed or not, and leaves landing', async () => {
    const content = sales(saleOf('t1'), 'broken');
    const { fileId } = await ingest('transactions', content);
    const keys = await platform.keys('');
    platform.clock.advance(600);
    for (const again of [content, gzipSync(content)]) {
      expect(await ingest('transactions', again)).toEqual({
        received: 0,
        raw: 0,
        quarantined: 0,
        suppressed: 0,
        unknownFields: 0,
        fileId,
        isKnown: true,
        isFinished: true,
        refusals: [],
      });
      expect(await platform.keys('')).toEqual(keys);
    }
  });

  const mapping = (constant: string): Mapping => ({ columns: {}, constants: { discount: constant }, formats: {} });

  test('under another mapping is refused, since its rows would count twice', async () => {
    await ingest('transactions', sales(saleOf('t1')), mapping('1'));
    const keys = await platform.keys('raw/');
    await expect(ingest('transactions', sales(saleOf('t1')), mapping('2'))).rejects.toThrow(
      /this content came in on 2026-03-01 with another mapping, and its rows would count twice; --again/,
    );
    expect(await platform.keys('raw/')).toEqual(keys);
  });

  test('is ingested again where that is asked for, as another file, as often as it is asked for', async () => {
    const content = sales(saleOf('t1'));
    const again = async () =>
      ingestBatch(platform.env)({ ...(await platform.land('transactions', content)), again: true });
    const first = await ingest('transactions', content);
    const second = await again();
    const third = await again();
    expect(new Set([first.fileId, second.fileId, third.fileId]).size).toBe(3);
    expect([second.raw, third.raw]).toEqual([1, 1]);
    expect(await ingest('transactions', content)).toMatchObject({ isKnown: true, fileId: third.fileId });
  });
});

describe('a file that cannot be read as a whole is refused, and nothing is written', () => {
  const packed = gzipSync(sales(...Array.from({ length: 500 }, (_, row) => saleOf(`t${row * 7919}`))));
  test.each([
    ['empty', '', /the file is empty/],
    ['cut short', packed.subarray(0, -9), /cannot be unpacked/],
    [
      'with another header',
      'a,b\n1,2\n',
      /the header lacks transaction_id, line_no, .*name the columns as transactions does/,
    ],
    ['with another header and no row', 'a,b\n', /the header lacks transaction_id/],
    ['with another header and a short row first', 'a,b\n1\n', /the header lacks transaction_id/],
    ['with a column twice', `${header},quantity\n`, /the header names quantity twice/],
    ['as a list', '[{"a":1}]', /JSON list/],
  ])('%s', async (_, content, message) => {
    const refusal = expect.objectContaining({ name: 'RefusedInput', message: expect.stringMatching(message) });
    await expect(ingest('transactions', content)).rejects.toEqual(refusal);
    expect(await platform.keys('raw/')).toEqual([]);
    expect(await platform.keys('quarantine/')).toEqual([]);
  });

  test('for a dataset without files', async () => {
    await expect(ingest('events', sales())).rejects.toThrow('events is not a dataset of files');
  });

  test('by a header that lacks what the mapping names', async () => {
    const mapping: Mapping = { columns: { amount: 'paid' }, constants: {}, formats: {} };
    await expect(ingest('transactions', sales(), mapping)).rejects.toThrow(/the header lacks paid;/);
  });

  test('but one with only the right header is a file without rows', async () => {
    expect(await ingest('transactions', sales())).toMatchObject({ received: 0, isKnown: false });
  });
});

describe('row ids that a mapping makes', () => {
  const mapping = purchaseMapping;
  const rows = ['0001,19970101,1.50', '0001,19970101,1.50', '0002,19970101,1.50', '0001,19970102,1.50'];
  const purchases = (...lines: string[]) => purchasesOf(lines);
  const idsOf = (lines: RawLine[]) => lines.map((line) => String(line.transaction_id));

  test('keep identical lines distinct', async () => {
    await ingest('transactions', purchases(...rows), mapping);
    const ids = idsOf(await platform.raw('transactions'));
    expect(new Set(ids).size).toBe(4);
    expect(ids.every((id) => /^[0-9a-f]{32}-\d+$/.test(id))).toBe(true);
    expect([ids[1]!.slice(0, 32), ids[1]!.slice(32)]).toEqual([ids[0]!.slice(0, 32), '-2']);
  });

  test('are the same for the same line in another file, so that it is one sale', async () => {
    await ingest('transactions', purchases(...rows), mapping);
    const before = idsOf(await platform.raw('transactions'));
    platform.clock.advance(90);
    await ingest('transactions', purchases(rows[3]!, 'broken', ...rows.slice(0, 3)), mapping);
    const after = idsOf(await platform.raw('transactions')).slice(4);
    expect(after.toSorted()).toEqual(before.toSorted());
  });

  test('cannot be found by trying natural ids: another vault makes others of the same file', async () => {
    const other = doorPlatform(newDirectory());
    other.env.ids.uuid();
    await ingest('transactions', purchases(...rows), mapping);
    await ingest('transactions', purchases(...rows), mapping, other);
    const [ours, theirs] = [idsOf(await platform.raw('transactions')), idsOf(await other.raw('transactions'))];
    other.close();
    expect(ours.some((id) => theirs.slice(1).includes(id))).toBe(false);
  });

  test('go on counting from one object to the next', async () => {
    const file = await platform.land('transactions', purchases(...Array.from({ length: 5 }, () => rows[0]!)));
    await ingestBatch(platform.env, { rowsPerObject: 2 })({ ...file, mapping });
    const ids = idsOf(await platform.raw('transactions'));
    expect(ids.map((id) => Number(id.split('-')[1]))).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('an ingest that was cut off, at whichever call', () => {
  const inTwos = { rowsPerObject: 2 };
  const content = sales(saleOf('t1'), 'broken', saleOf('t2', ''), saleOf('t3', 'c2'), saleOf('t4', 'c3'));

  /** Everything that is kept, but for the sealed text, whose keys are random by platform. */
  async function kept({ keys, raw, quarantine }: DoorPlatform) {
    const refused = (await quarantine('transactions')).map(({ bodySealed: _, ...line }) => line);
    return { keys: await keys(''), lines: await raw('transactions'), refused };
  }

  test.each(['before', 'after'] as const)('%s its effect, and is tried again later, ends the same', async (when) => {
    const { env, state } = failingAt(platform.env, -1, when);
    const expected = await ingestBatch(env, inTwos)(await platform.land('transactions', content));
    const whole = await kept(platform);
    expect(state.calls).toBeGreaterThan(15);
    for (let at = 0; at < state.calls; at += 1) {
      const other = doorPlatform(newDirectory());
      const failing: Environment = failingAt(other.env, at, when).env;
      const file = await other.land('transactions', content);
      await expect(ingestBatch(failing, inTwos)(file)).rejects.toThrow(PlantedFailure);
      other.clock.advance(0.001);
      const again = await ingestBatch(other.env, inTwos)(await other.land('transactions', content));
      if (!again.isKnown) expect(again).toEqual(expected);
      const found = await kept(other);
      expect(withoutArrival(found)).toEqual(withoutArrival(whole));
      expect(new Set(found.lines.map((line) => line.arrived_at)).size).toBe(1);
      other.close();
    }
  });

  /** Where the first try ended before it was written down, the arrival is that of the second. */
  const withoutArrival = (value: object) =>
    JSON.parse(JSON.stringify(value).replaceAll(/2026-03-01T[0-9:.]+Z/g, 'arrival')) as object;
});
