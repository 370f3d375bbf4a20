/** The functions as they are deployed: bundled, and called in a process of their own over a moto server. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';
import { bundle } from '../../scripts/bundle.mjs';
import { contractOf, type Dataset } from '../../src/contracts/index.ts';
import { landingKey, mappingKey } from '../../src/domain/lake/layout.ts';
import { kinesisEventOf } from '../../src/local/event-source.ts';
import type { Resolution } from '../../src/ports.ts';
import { type AwsDeployment, newAwsDeployment } from '../support/aws-deployment.ts';
import { callBundle } from '../support/bundled-function.ts';
import { collect } from '../support/collect.ts';
import { emittedMetrics } from '../support/emitted-metrics.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { describeWithMoto } from '../support/moto.ts';
import { canary, sampleEvent, sampleRecord, traces } from '../support/sample-records.ts';

const newDirectory = temporaryDirectories();

interface Failures {
  batchItemFailures: { itemIdentifier: string }[];
}

/** The stored objects below a prefix, unpacked, by key. */
async function stored({ objects }: AwsDeployment, prefix: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { key } of await collect(objects.list(prefix))) {
    const bytes = Buffer.from((await objects.get(key))!);
    found[key] = (key.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  }
  return found;
}

const linesOf = (objects: Record<string, string>): Record<string, unknown>[] =>
  Object.values(objects).flatMap((text) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  );

function knownSubject(resolution: Resolution | undefined): string {
  if (resolution?.state !== 'known') throw new Error('the vault does not know the person');
  return resolution.subject.subjectId;
}

describeWithMoto('the function archive-events', () => {
  let aws: AwsDeployment;
  let path: string;

  beforeAll(async () => {
    ({ outfile: path } = bundle('archive-events', newDirectory()));
  });
  beforeEach(async () => {
    aws = await newAwsDeployment();
  });
  afterEach(() => aws.close());

  /** What Lambda hands over of the stream's one shard. */
  const kinesisEvent = async () => {
    const [shard] = await aws.stream.shards();
    const records = await aws.stream.read(shard!, undefined, 1000);
    return kinesisEventOf(records);
  };

  test('archives each record once, personal data in the vault only, and does nothing more when it is called again', async () => {
    const events = ['events/login/1', 'events/form_submit/1', 'events/search/1'].map((id) =>
      JSON.stringify(sampleEvent(id)),
    );
    const records = [...events, `{"eventId": "${canary}`].map((text, index) => {
      return { partitionKey: `key ${index}`, data: Buffer.from(text) };
    });
    expect((await aws.stream.put(records)).every(({ ok }) => ok)).toBe(true);
    const event = await kinesisEvent();
    const { answers, output } = await callBundle<Failures>(path, aws.variables, [event, event]);
    expect(answers).toEqual([{ batchItemFailures: [] }, { batchItemFailures: [] }]);

    const raw = await stored(aws, 'raw/events/');
    const quarantine = await stored(aws, 'quarantine/events/');
    expect(Object.keys(await stored(aws, ''))).toEqual([...Object.keys(quarantine), ...Object.keys(raw)]);
    expect(linesOf(raw).map(({ event_type }) => event_type)).toEqual(['login', 'form_submit', 'search']);
    expect(linesOf(quarantine)).toMatchObject([{ kind: 'not_json' }]);
    const [resolution] = await aws.env.vault.lookUp([{ namespace: 'user', id: `user-${canary}` }]);
    expect(new Set(linesOf(raw).map(({ subject_id }) => subject_id))).toEqual(new Set([knownSubject(resolution)]));

    expect(records.every(({ data }) => data.includes(canary))).toBe(true);
    for (const trace of traces) {
      expect(JSON.stringify([raw, quarantine])).not.toContain(trace);
      expect(await aws.hotItems()).not.toContain(trace);
      expect(output).not.toContain(trace);
    }
    // The second time it was archived before.
    const counts = { ReceivedRecords: 4, RawRecords: 3, QuarantinedRecords: 1, SuppressedRecords: 0 };
    const metrics = { Environment: 'test', Dataset: 'events', ...counts };
    expect(emittedMetrics(output)).toEqual([metrics]);
    const again = await callBundle<Failures>(path, aws.variables, [event]);
    expect(again.answers).toEqual([{ batchItemFailures: [] }]);
    expect([await stored(aws, 'raw/'), await stored(aws, 'quarantine/')]).toEqual([raw, quarantine]);
  });

  test('asks for the whole batch again while the vault is down, and writes nothing', async () => {
    await aws.stream.put([{ partitionKey: 'key', data: Buffer.from(JSON.stringify(sampleEvent('events/login/1'))) }]);
    const event = await kinesisEvent();
    const variables = { ...aws.variables, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    const { answers, output } = await callBundle<Failures>(path, variables, [event]);
    expect(answers).toEqual([{ batchItemFailures: [{ itemIdentifier: event.Records[0]!.kinesis.sequenceNumber }] }]);
    expect(output).toContain('ECONNREFUSED');
    expect(emittedMetrics(output)).toEqual([]);
    expect(output).not.toContain(canary);
    expect(await stored(aws, '')).toEqual({});
  });

  test('says which environment variable it lacks', async () => {
    await aws.stream.put([{ partitionKey: 'key', data: Buffer.from(JSON.stringify(sampleEvent('events/login/1'))) }]);
    const { C360_TABLE_VAULT, ...others } = aws.variables;
    expect(C360_TABLE_VAULT).toBeDefined();
    const { answers, output } = await callBundle<Failures>(path, others, [await kinesisEvent()]);
    expect(answers).toEqual([undefined]);
    expect(output).toContain('C360_TABLE_VAULT must be set');
  });
});

describeWithMoto('the function ingest-batch', () => {
  let aws: AwsDeployment;
  let path: string;

  beforeAll(async () => {
    ({ outfile: path } = bundle('ingest-batch', newDirectory()));
  });
  beforeEach(async () => {
    aws = await newAwsDeployment();
  });
  afterEach(() => aws.close());

  const land = async (content: string, dataset: Dataset = 'customers', mapping?: string): Promise<string> => {
    const key = landingKey(dataset, createHash('sha256').update(content).digest('hex'), mapping);
    await aws.objects.put(key, Buffer.from(content));
    return key;
  };
  const notice = (messageId: string, ...keys: string[]) => {
    const Records = keys.map((key) => ({
      s3: { bucket: { name: 'any' }, object: { key: key.replaceAll('/', '%2F') } },
    }));
    return { messageId, body: JSON.stringify({ Records }) };
  };
  const customers = contractOf('customers/1')!;
  const rows = () => {
    const row = { ...sampleRecord(customers), birth_year: 1987 };
    return `${JSON.stringify(row)}\n{"customer_id": "${canary} 2"}\n`;
  };

  test('ingests a file by its notice, personal data into the vault only, once however often it is told', async () => {
    const key = await land(rows());
    const event = { Records: [notice('a', key), notice('b', key)] };
    const { answers, output } = await callBundle<Failures>(path, aws.variables, [event, event]);
    expect(answers).toEqual([{ batchItemFailures: [] }, { batchItemFailures: [] }]);

    const raw = await stored(aws, 'raw/customers/');
    const quarantine = await stored(aws, 'quarantine/customers/');
    expect(Object.keys(await stored(aws, ''))).toEqual([...Object.keys(quarantine), ...Object.keys(raw)]);
    expect(linesOf(raw)).toHaveLength(1);
    expect(linesOf(quarantine)).toMatchObject([{ kind: 'schema_violation' }]);
    const counts = { ReceivedRecords: 2, RawRecords: 1, QuarantinedRecords: 1, SuppressedRecords: 0 };
    expect(emittedMetrics(output)).toEqual([{ Environment: 'test', Dataset: 'customers', ...counts }]);
    const [resolution] = await aws.env.vault.lookUp([{ namespace: 'user', id: `user-${canary}` }]);
    const subjectId = knownSubject(resolution);
    expect(linesOf(raw)[0]!.subject_id).toBe(subjectId);
    expect(await aws.env.vault.personalData(subjectId)).toMatchObject({ email: `${canary}@example.com` });
    for (const trace of traces) {
      expect(JSON.stringify([raw, quarantine])).not.toContain(trace);
      expect(await aws.hotItems()).not.toContain(trace);
      expect(output).not.toContain(trace);
    }
  });

  test('does not try a refused file again: it stays in landing, and why is kept', async () => {
    const key = await land(`customer_id,email\n${canary},${canary}@example.com\n`);
    const other = await land(rows());
    const event = { Records: [notice('refused', key), notice('good', other)] };
    const { answers, output } = await callBundle<Failures>(path, aws.variables, [event]);
    expect(answers).toEqual([{ batchItemFailures: [] }]);
    expect(Object.keys(await stored(aws, 'landing/'))).toEqual([key]);
    const [refusal] = await aws.env.hot.query('files', 'refused');
    expect(refusal).toMatchObject({ sort: key.split('/').at(-1), values: { dataset: 'customers' } });
    expect(refusal!.values.reason).toMatch(/^the header lacks full_name, address/);
    expect(output).toContain(`${key} was refused: the header lacks full_name`);
    expect(output + (await aws.hotItems())).not.toContain(canary);
    expect(linesOf(await stored(aws, 'raw/'))).toHaveLength(1);
  });

  test('gives back the messages that failed, those alone, and quotes nothing of them', async () => {
    const key = await land(rows());
    const event = {
      Records: [
        { messageId: 'test', body: JSON.stringify({ Event: 's3:TestEvent' }) },
        { messageId: 'foreign', body: JSON.stringify({ name: canary }) },
        { messageId: 'broken', body: `{"name": "${canary}` },
        { messageId: 'list', body: '[]' },
        notice('named', `landing/customers/${canary}.csv`, key),
      ],
    };
    const { answers, output } = await callBundle<Failures>(path, aws.variables, [event]);
    expect(answers[0]!.batchItemFailures.map((one) => one.itemIdentifier)).toEqual(['foreign', 'broken', 'list']);
    expect(output).toContain('a landing key must be landing/<dataset of files>/[<mapping>/]<SHA-256 of the content>');
    expect(output).not.toContain(canary);
    expect(await stored(aws, 'landing/')).toEqual({});
  });

  describe('for files whose columns are named otherwise', () => {
    const purchases = 'customer_id,ordered_on,quantity,amount\n0001,1997-01-01,1,11.77\n0001,1997-01-01,1,11.77\n';
    const call = async (key: string) => callBundle<Failures>(path, aws.variables, [{ Records: [notice('a', key)] }]);
    const putMapping = (text: string) => aws.objects.put(mappingKey('transactions', 'cdnow'), Buffer.from(text));

    test('reads them by the mapping that their landing key names', async () => {
      const mapping: unknown = parse(readFileSync('examples/cdnow/map.yaml', 'utf8'));
      await putMapping(JSON.stringify(mapping));
      const { answers } = await call(await land(purchases, 'transactions', 'cdnow'));
      expect(answers).toEqual([{ batchItemFailures: [] }]);
      const lines = linesOf(await stored(aws, 'raw/transactions/'));
      expect(lines).toMatchObject([
        { amount: '11.7700', product_id: 'cd' },
        { amount: '11.7700', product_id: 'cd' },
      ]);
      expect(lines.map(({ transaction_id: id }) => String(id).slice(32))).toEqual(['-1', '-2']);
      expect(await stored(aws, 'landing/')).toEqual({});
    });

    test.each([
      ['is missing', undefined, 'there is no mapping mappings/transactions/cdnow.json; put it there and land the file'],
      ['is no JSON', 'dataset: transactions', 'mappings/transactions/cdnow.json is not valid JSON'],
      [
        'does not fit',
        '{"dataset": "products"}',
        'mappings/transactions/cdnow.json: dataset must be transactions, got',
      ],
    ])('refuses a file whose mapping %s, and says what to do', async (_, text, reason) => {
      if (text !== undefined) await putMapping(text);
      const { answers, output } = await call(await land(purchases, 'transactions', 'cdnow'));
      expect([answers, output]).toEqual([[{ batchItemFailures: [] }], expect.stringContaining(reason)]);
      expect(await stored(aws, 'raw/')).toEqual({});
    });
  });

  describe('when its time does not suffice', () => {
    const product = (number: number) => `p${number},Tea,drinks,Acme,1.50,1\n`;
    const products = `product_id,name,category,brand,price,cost\n${Array.from({ length: 12_000 }, (_, row) => product(row)).join('')}`;
    const rowsIn = async () => linesOf(await stored(aws, 'raw/products/'));

    test('goes on in further calls, each by a notice of its own, until the whole file is in', async () => {
      const key = await land(products, 'products');
      const found: [rows: number, landing: string[]][] = [];
      let noticed = key;
      for (let calls = 0; calls < 3; calls += 1) {
        const { answers, output } = await callBundle<Failures>(
          path,
          aws.variables,
          [{ Records: [notice('a', noticed)] }],
          30_000,
        );
        expect(answers).toEqual([{ batchItemFailures: [] }]);
        expect(emittedMetrics(output)).toEqual([]);
        const landing = Object.keys(await stored(aws, 'landing/'));
        found.push([(await rowsIn()).length, landing]);
        noticed = landing.at(-1)!;
      }
      const waiting = [key, `${key}.rest`];
      expect(found).toEqual([
        [5000, waiting],
        [10_000, waiting],
        [12_000, waiting],
      ]);
      const { output } = await callBundle<Failures>(path, aws.variables, [{ Records: [notice('a', noticed)] }], 30_000);
      expect(output).toContain('"received":12000,"raw":12000');
      expect(emittedMetrics(output)).toMatchObject([
        { Dataset: 'products', ReceivedRecords: 12_000, RawRecords: 12_000 },
      ]);
      expect(Object.keys(await stored(aws, 'landing/'))).toEqual([]);
      const ids = (await rowsIn()).map((line) => line.product_id);
      expect([ids.length, new Set(ids).size]).toEqual([12_000, 12_000]);
    });

    test('begins no further file of its messages, which gets a notice of its own', async () => {
      const keys = [await land(`${products.split('\n', 1)[0]}\n${product(1)}`, 'products'), await land(rows())];
      const event = { Records: [notice('a', keys[0]!), notice('b', keys[1]!)] };
      await callBundle<Failures>(path, aws.variables, [event], 30_000);
      expect(Object.keys(await stored(aws, 'landing/'))).toEqual(
        [keys[0]!, `${keys[0]}.rest`, keys[1]!, `${keys[1]}.rest`].toSorted(),
      );
      const rest = { Records: keys.map((key) => notice(key, `${key}.rest`)) };
      await callBundle<Failures>(path, aws.variables, [rest, rest]);
      expect(Object.keys(await stored(aws, 'landing/'))).toEqual([]);
      expect([(await rowsIn()).length, linesOf(await stored(aws, 'raw/customers/')).length]).toEqual([1, 1]);
    });
  });

  test('gives a message back while a store is down', async () => {
    const event = { Records: [notice('a', await land(rows()))] };
    const variables = { ...aws.variables, C360_TABLE_VAULT: 'no-such-table' };
    const { answers, output } = await callBundle<Failures>(path, variables, [event]);
    expect(answers).toEqual([{ batchItemFailures: [{ itemIdentifier: 'a' }] }]);
    expect(output).toContain('vault: read failed with ResourceNotFoundException');
    expect(Object.keys(await stored(aws, ''))).toEqual(
      [event.Records[0]!.body].map(() => expect.stringMatching(/^landing/)),
    );
  });
});

test('a bundle holds no client that its function does not use, and one text for every processor', async () => {
  const { outfile, metafile } = bundle('archive-events', newDirectory());
  const inputs = Object.keys(metafile.inputs).join('\n');
  expect(inputs).toContain('@aws-sdk/client-dynamodb/');
  const held = Object.entries(metafile.outputs[Object.keys(metafile.outputs)[0]!]!.inputs)
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([file]) => file)
    .join('\n');
  expect(held).toContain('@aws-sdk/client-s3/');
  expect(held).not.toMatch(/client-kinesis|\.node$|duckdb/);
  expect(readFileSync(outfile, 'utf8')).not.toContain(import.meta.dirname);
});
