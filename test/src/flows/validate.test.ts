/** A dry run counts what the door would refuse: the same records, for the same rules, as the door then does. */
import { gzipSync } from 'node:zlib';
import type { Dataset } from '../../../src/contracts/index.ts';
import { contractOf } from '../../../src/contracts/index.ts';
import { parseMapping } from '../../../src/domain/files/mapping.ts';
import { noRates } from '../../../src/domain/files/rates.ts';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { ruleText } from '../../../src/flows/quarantine.ts';
import { type FileToValidate, validateFile } from '../../../src/flows/validate.ts';
import { doorPlatform } from '../../support/door-platform.ts';
import { temporaryDirectories } from '../../support/local-stores.ts';
import { sampleEvent } from '../../support/sample-records.ts';

const newDirectory = temporaryDirectories();

const validate = (content: string | Uint8Array, given: Partial<FileToValidate> = {}) => {
  async function* open() {
    yield Buffer.from(content as string);
  }
  return validateFile({ open, ...given }, noRates('USD'));
};

const header = 'customer_id,email,full_name,address,phone,country,city,signup_date,acquisition_channel';
const customer = (id: string, { email = 'a@example.com', country = 'DE' } = {}) =>
  `${id},${email},Ann,Street 1,+49 30 1,${country},Berlin,2024-02-29,web`;
const customers = [
  header,
  customer('c1'),
  customer('c2', { email: 'zq7canary' }),
  customer('c3', { email: 'zq7canary', country: 'zq7canary' }),
  'c4,zq7canary',
  '',
].join('\n');

test('counts records and rules, with the first lines and no value', async () => {
  const validation = await validate(customers);
  expect(validation).toEqual({
    dataset: 'customers',
    received: 4,
    refused: 3,
    rules: [
      { path: '/email', rule: 'format email', records: 2, firstLines: [3, 4] },
      { path: '/country', rule: 'pattern ^[A-Z]{2}$', records: 1, firstLines: [4] },
      { path: '', rule: '9 cells as in the header', records: 1, firstLines: [5] },
    ],
  });
});

test('counts broken JSON as one rule, wherever it is broken', async () => {
  const { rules } = await validate('{"a"\n{"a":1,,\n{"broken":tru\n', { dataset: 'events' });
  expect(rules).toEqual([{ path: '', rule: 'valid JSON', records: 3, firstLines: [1, 2, 3] }]);
});

test('finds what the door then refuses', async () => {
  const platform = doorPlatform(newDirectory());
  const ingested = await ingestBatch(platform.env)(await platform.land('customers', customers));
  const refused = await platform.quarantine('customers');
  platform.close();
  const { received, refused: expected, rules } = await validate(customers);
  expect([received, expected]).toEqual([ingested.received, ingested.quarantined]);
  const broken = refused.flatMap(({ reasons, origin }) =>
    reasons.map((reason) => [ruleText(reason), origin.source_line]),
  );
  const found = rules.flatMap(({ firstLines, ...reason }) => firstLines.map((line) => [ruleText(reason), line]));
  expect(found.map(String).sort()).toEqual(broken.map(String).sort());
});

describe('what a file holds', () => {
  const event = JSON.stringify(sampleEvent('events/login/1'));
  const product = JSON.stringify({
    product_id: 'p1',
    name: 'Tea',
    category: 'x',
    brand: 'y',
    price: 1,
    cost: 1,
  });
  test.each<[dataset: Dataset, content: string | Uint8Array]>([
    ['events', `${event}\n`],
    ['events', gzipSync(`\n{"broken\n${event}\n`)],
    ['products', `${product}\n`],
    ['customers', customers],
  ])('is told by its fields: %s', async (dataset, content) => {
    expect(await validate(content)).toMatchObject({ dataset });
  });

  test('is asked for where its fields do not tell', async () => {
    await expect(validate('a,b\n1,2\n')).rejects.toThrow(/columns do not say what it holds; give --dataset events, /);
    await expect(validate('a,b\n1,2\n', { dataset: 'customers' })).rejects.toThrow(/the header lacks customer_id/);
    await expect(validate('a,b\n1,2\n', { dataset: 'events' })).rejects.toThrow(/events are one JSON object a line/);
  });

  test('is read through a mapping', async () => {
    const contract = contractOf('products/1')!;
    const columns = { product_id: 'sku', name: 'name', price: 'price', cost: 'cost' };
    const document = { dataset: 'products', columns, constants: { category: 'x', brand: 'y' } };
    const mapping = parseMapping(document, contract, 'map.yaml');
    expect(await validate('sku,name,price,cost\np1,Tea,free,1\n', { dataset: 'products', mapping })).toMatchObject({
      refused: 1,
      rules: [{ path: '/price', firstLines: [2] }],
    });
  });
});

test('an event is held to its envelope and its contract', async () => {
  const lines = ['{"broken', '[1]', JSON.stringify({ ...sampleEvent('events/login/1'), type: 'levitate' })];
  const { rules } = await validate(lines.join('\n'), { dataset: 'events' });
  expect(rules.map(({ path, rule, firstLines }) => [path, rule, firstLines])).toEqual([
    ['', 'valid JSON', [1]],
    ['/', 'type object', [2]],
    ['/type', 'a type of schemas/events', [3]],
  ]);
});
