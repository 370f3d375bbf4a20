/** The catalog on Glue, over HTTP: partitions point to what was published last, whatever was there before. */
import { randomUUID } from 'node:crypto';
import {
  BatchCreatePartitionCommand,
  CreateDatabaseCommand,
  CreateTableCommand,
  type GlueClient,
  paginateGetPartitions,
} from '@aws-sdk/client-glue';
import { clientSettings, glueClient } from '../../../../src/adapters/aws/clients.ts';
import { GlueCatalog } from '../../../../src/adapters/aws/glue-catalog.ts';
import { FaultProxy } from '../../../support/fault-proxy.ts';
import { jsonError, rejection } from '../../../support/faulty-aws.ts';
import { describeWithMoto, motoAddress } from '../../../support/moto.ts';

describeWithMoto('the catalog on Glue', () => {
  const timer = { sleep: async () => {}, random: () => 0.5 };
  const columns = [{ Name: 'sale_key', Type: 'string' }];
  const table = 'curated_fact_sales';
  let proxy: FaultProxy;
  let client: GlueClient;
  let database: string;
  let catalog: GlueCatalog;

  beforeAll(async () => {
    proxy = new FaultProxy(await motoAddress());
    const settings = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
    client = glueClient(clientSettings({ ...settings, AWS_ENDPOINT_URL: await proxy.start() }));
  });
  afterAll(async () => {
    client.destroy();
    await proxy.close();
  });
  beforeEach(async () => {
    database = `lake_${randomUUID().replaceAll('-', '_')}`;
    catalog = new GlueCatalog({ client, database, bucket: 'lake', timer });
    await client.send(new CreateDatabaseCommand({ DatabaseInput: { Name: database } }));
    const TableInput = {
      Name: table,
      PartitionKeys: [{ Name: 'dt', Type: 'string' }],
      StorageDescriptor: { Columns: columns, Location: 's3://lake/curated/fact_sales/', InputFormat: 'parquet' },
    };
    await client.send(new CreateTableCommand({ DatabaseName: database, TableInput }));
  });

  /** Partition -> where it lies, as Athena finds it. */
  async function found(): Promise<Record<string, string | undefined>> {
    const partitions: Record<string, string | undefined> = {};
    for await (const page of paginateGetPartitions({ client }, { DatabaseName: database, TableName: table })) {
      for (const { Values, StorageDescriptor } of page.Partitions!) {
        expect(StorageDescriptor).toMatchObject({ Columns: columns, InputFormat: 'parquet' });
        partitions[Values!.join('/')] = StorageDescriptor?.Location;
      }
    }
    return partitions;
  }
  const publish = (partitions: Record<string, string>) => catalog.publish({ [table]: partitions });

  test('has what was published, in the table’s format, and no other partition', async () => {
    await publish({ a: 'run=1/dt=a/', b: 'run=1/dt=b/' });
    expect(await found()).toEqual({ a: 's3://lake/run=1/dt=a/', b: 's3://lake/run=1/dt=b/' });
    await publish({ b: 'run=2/dt=b/', c: 'run=2/dt=c/' });
    expect(await found()).toEqual({ b: 's3://lake/run=2/dt=b/', c: 's3://lake/run=2/dt=c/' });
    await publish({});
    expect(await found()).toEqual({});
  });

  test('writes nothing where nothing has changed', async () => {
    await publish({ a: 'run=1/dt=a/' });
    const before = proxy.requests.length;
    await publish({ a: 'run=1/dt=a/' });
    expect(proxy.requests.slice(before).map(({ operation }) => operation)).toEqual(['GetTable', 'GetPartitions']);
  });

  test('takes more partitions than one call of Glue does', async () => {
    const many = (run: number) =>
      Object.fromEntries(Array.from({ length: 101 }, (_, day) => [`d${day}`, `run=${run}/dt=d${day}/`]));
    const before = proxy.requests.length;
    await publish(many(1));
    await publish(many(2));
    expect(Object.values(await found()).filter((folder) => folder?.startsWith('s3://lake/run=2/'))).toHaveLength(101);
    await publish({});
    expect(await found()).toEqual({});
    // moto takes any number; Glue takes these.
    const sizes = proxy.requests.slice(before).flatMap(({ operation, body }) => {
      const { PartitionInputList, Entries, PartitionsToDelete } = JSON.parse(body) as Record<string, unknown[]>;
      const list = PartitionInputList ?? Entries ?? PartitionsToDelete;
      return list ? [`${operation} ${list.length}`] : [];
    });
    expect(sizes).toEqual([
      ...['BatchCreatePartition 100', 'BatchCreatePartition 1', 'BatchUpdatePartition 100', 'BatchUpdatePartition 1'],
      ...Array(4).fill('BatchDeletePartition 25'),
      'BatchDeletePartition 1',
    ]);
  });

  test('asks again where Glue throttles, and where an answer was lost', async () => {
    // The client itself asks four times for one that this adapter sees fail.
    proxy.failNext(/^BatchCreatePartition$/, ...Array(5).fill(jsonError('ThrottlingException')), 'cut after');
    await publish({ a: 'run=1/dt=a/' });
    expect(await found()).toEqual({ a: 's3://lake/run=1/dt=a/' });
    proxy.failNext(/^BatchUpdatePartition$/, 'cut after');
    proxy.failNext(/^BatchDeletePartition$/, 'cut after');
    await publish({ a: 'run=2/dt=a/', b: 'run=2/dt=b/' });
    await publish({ b: 'run=2/dt=b/' });
    expect(await found()).toEqual({ b: 's3://lake/run=2/dt=b/' });
  });

  test('hears of each partition of a batch: one that Glue could not write is written again, or is an error', async () => {
    const refusing = (ErrorCode: string) => ({
      response: () => JSON.stringify({ Errors: [{ PartitionValueList: ['a'], ErrorDetail: { ErrorCode } }] }),
    });
    await publish({ a: 'run=1/dt=a/' });
    proxy.failNext(/^BatchUpdatePartition$/, refusing('InternalServiceException'));
    const before = proxy.bodies(/^BatchUpdatePartition$/).length;
    await publish({ a: 'run=2/dt=a/' });
    expect(proxy.bodies(/^BatchUpdatePartition$/).length - before).toBe(2);
    proxy.failNext(/^BatchUpdatePartition$/, refusing('InvalidInputException'));
    await expect(publish({ a: 'run=3/dt=a/' })).rejects.toThrow(
      'Glue: the partitions of curated_fact_sales failed with InvalidInputException',
    );
  });

  test('converges after a publish that was broken off, and after one of somebody else in between', async () => {
    const [first, second] = ['run=1/dt=a/', 'run=2/dt=a/'];
    await publish({ a: first, gone: 'run=1/dt=gone/' });
    proxy.failNext(/^BatchDeletePartition$/, jsonError('AccessDeniedException'));
    await expect(publish({ a: second, b: 'run=2/dt=b/' })).rejects.toThrow(
      /^Glue: the partitions of curated_fact_sales failed with AccessDeniedException/,
    );
    const Location = 's3://lake/planted/';
    const PartitionInputList = [
      { Values: ['c'], StorageDescriptor: { Columns: columns, InputFormat: 'parquet', Location } },
    ];
    await client.send(
      new BatchCreatePartitionCommand({ DatabaseName: database, TableName: table, PartitionInputList }),
    );
    await publish({ a: second, b: 'run=2/dt=b/', c: 'run=2/dt=c/' });
    expect(await found()).toEqual({
      a: 's3://lake/run=2/dt=a/',
      b: 's3://lake/run=2/dt=b/',
      c: 's3://lake/run=2/dt=c/',
    });
  });

  test('names a table that it does not have, and what to do', async () => {
    const error = await rejection(catalog.publish({ curated_dim_shade: {} }));
    expect(error).toMatchObject({
      message: 'Glue: the catalog has no table curated_dim_shade; deploy the stack of the data anew, which makes it',
      retryable: false,
    });
  });
});
