/**
 * Redshift by its Data API. moto answers it with rows of its own making and knows no sessions, so that these tests speak to
 * a mock of the client: they show what is asked and what becomes of answers, not that Redshift takes it. What every warehouse
 * promises it keeps over a Data API of the tests (test/support/redshift-data-server.ts).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DescribeStatementCommand,
  type DescribeStatementResponse,
  ExecuteStatementCommand,
  type ExecuteStatementInput,
  type Field,
  GetStatementResultCommand,
  RedshiftDataClient,
} from '@aws-sdk/client-redshift-data';
import { mockClient } from 'aws-sdk-client-mock';
import { RedshiftWarehouse, type RedshiftWarehouseOptions } from '../../../../src/adapters/aws/redshift-warehouse.ts';
import { DirectoryObjectStore } from '../../../../src/adapters/local/directory-object-store.ts';
import { SqlDirectory } from '../../../../src/adapters/sql-directory.ts';
import { migrateWarehouse } from '../../../../src/flows/migrate-warehouse.ts';
import { AdapterError, EngineError, type WarehouseStatement } from '../../../../src/ports.ts';
import { warehouseContract } from '../../../contracts/warehouse.ts';
import { repositoryRoot } from '../../../support/c360.ts';
import { collect } from '../../../support/collect.ts';
import { rejection } from '../../../support/faulty-aws.ts';
import { temporaryDirectories } from '../../../support/local-stores.ts';
import { RedshiftDataServer } from '../../../support/redshift-data-server.ts';
import { openDuckDb } from '../../../support/sql-engines.ts';

const newDirectory = temporaryDirectories();
const copyRoleArn = 'arn:aws:iam::123456789012:role/copy';
const sql = (text: string): WarehouseStatement => ({ sql: text, what: `planted: ${text}` });

warehouseContract('RedshiftWarehouse', async () => {
  const objects = new DirectoryObjectStore(newDirectory(), { access: 'write', isOnlyWriter: true });
  const server = await RedshiftDataServer.start(async (uri) => readFileSync(uri));
  const timer = { sleep: async () => {}, random: () => 0.5 };
  const options = { client: server.client(), workgroup: 'c360', database: 'dev', copyRoleArn, objects, timer };
  let seconds = 0;
  const now = () => {
    seconds += 1;
    return new Date(seconds * 1000);
  };
  // The time of a call is over behind one statement.
  const warehouse = new RedshiftWarehouse({ ...options, clock: { now }, sliceSeconds: 2 });
  const sqlFiles = new SqlDirectory(join(repositoryRoot, 'sql'));
  await migrateWarehouse({ warehouse, sql: sqlFiles, clock: { now: () => new Date() } })();
  return {
    warehouse,
    parquet: async (name, rows) => {
      const key = `curated/${name}.parquet`;
      await objects.put(key, Buffer.from(''));
      const engine = await openDuckDb();
      await engine.run(`copy (${rows}) to '${objects.uri(key)}' (format parquet)`);
      await engine.close();
      return { key, bytes: readFileSync(objects.uri(key)).length, rows: 1 };
    },
    close: async () => server.close(),
  };
});

/** A Redshift whose statements end as they are told to. */
function redshift(
  ends: (sql: string) => Partial<DescribeStatementResponse>[] = () => [],
  more: Partial<RedshiftWarehouseOptions> = {},
) {
  const client = new RedshiftDataClient({ region: 'eu-west-1' });
  const mock = mockClient(client);
  const asked: Omit<ExecuteStatementInput, 'ClientToken'>[] = [];
  const waiting: Record<string, Partial<DescribeStatementResponse>[]> = {};
  mock.on(ExecuteStatementCommand).callsFake(({ ClientToken: _, ...input }: ExecuteStatementInput) => {
    asked.push(input);
    const Id = `statement-${asked.length}`;
    waiting[Id] = [...ends(input.Sql ?? '')];
    return { Id, SessionId: input.SessionKeepAliveSeconds ? 'session-1' : undefined };
  });
  mock.on(DescribeStatementCommand).callsFake(({ Id }: { Id: string }) => {
    return { Id, Status: 'FINISHED', ...waiting[Id]!.shift() };
  });
  const objects = new DirectoryObjectStore(newDirectory(), { access: 'write', isOnlyWriter: true });
  const timer = { sleep: async () => {}, random: () => 0.5 };
  const options = { client, workgroup: 'c360', database: 'dev', copyRoleArn, objects, timer, ...more };
  const texts = () => asked.map(({ Sql }) => Sql);
  return { warehouse: new RedshiftWarehouse(options), mock, asked, texts, objects };
}

describe('a transaction', () => {
  test('runs its statements one after the other in one session, between begin and commit', async () => {
    const { warehouse, asked } = redshift(() => [{ Status: 'STARTED' }, { Status: 'PICKED' }]);
    await warehouse.transaction([sql('delete from a'), sql('insert into a select 1')]);
    const within = { SessionId: 'session-1', SessionKeepAliveSeconds: 300, WaitTimeSeconds: 20 };
    expect(asked).toEqual([
      { WorkgroupName: 'c360', Database: 'dev', Sql: 'begin', SessionKeepAliveSeconds: 300, WaitTimeSeconds: 20 },
      { ...within, Sql: 'delete from a' },
      { ...within, Sql: 'insert into a select 1' },
      { ...within, Sql: 'commit' },
    ]);
  });

  test('is that of the user whose secret is named, where one is', async () => {
    const { warehouse, asked } = redshift(undefined, { secret: 'redshift!c360-admin' });
    await warehouse.transaction([sql('first')]);
    expect(asked.map(({ SecretArn }) => SecretArn)).toEqual(['redshift!c360-admin', undefined, undefined]);
  });

  test('may have more statements than a batch of the API', async () => {
    const { warehouse, texts } = redshift();
    await warehouse.transaction(Array.from({ length: 60 }, (_, number) => sql(`select ${number}`)));
    expect(texts()).toHaveLength(62);
  });

  test.each([['FAILED'], ['ABORTED']] as const)(
    'that has %s is rolled back and names the statement',
    async (Status) => {
      const { warehouse, texts } = redshift((text) => (text === 'second' ? [{ Status, Error: 'value secret' }] : []));
      const error = await rejection(warehouse.transaction([sql('first'), sql('second'), sql('third')]));
      expect(error).toBeInstanceOf(EngineError);
      expect(String(error)).toMatch(
        /planted: second: it (failed|was stopped); `aws redshift-data describe-statement --id/,
      );
      expect(String(error)).not.toContain('secret');
      expect(texts()).toEqual(['begin', 'first', 'second', 'rollback']);
    },
  );

  test('that another one overtook may be run again', async () => {
    const words = 'ERROR: 1023 Detail: Serializable isolation violation on table secret';
    const { warehouse } = redshift((text) => (text === 'commit' ? [{ Status: 'FAILED', Error: words }] : []));
    const error = await rejection(warehouse.transaction([sql('first')]));
    expect(error).toBeInstanceOf(AdapterError);
    expect(error).toMatchObject({ message: expect.stringMatching(/^commit: another transaction/), retryable: true });
    expect(String(error)).not.toContain('secret');
  });

  test('whose rollback fails too tells why it failed first', async () => {
    const { warehouse } = redshift((text) => (/first|rollback/.test(text) ? [{ Status: 'FAILED' }] : []));
    await expect(warehouse.transaction([sql('first')])).rejects.toThrow(/^planted: first: it failed/);
  });

  test('that Redshift does not take says by which error, and whether to try again', async () => {
    const { warehouse, mock } = redshift();
    const refused = Object.assign(new Error('value secret'), { name: 'ThrottlingException' });
    mock.on(ExecuteStatementCommand).rejects(refused);
    const error = await rejection(warehouse.transaction([sql('first')]));
    expect(error).toBeInstanceOf(AdapterError);
    expect(error).toMatchObject({ message: 'Redshift: begin failed with ThrottlingException', retryable: true });
  });

  test('ends at once where the API gives no session to go on in', async () => {
    const { warehouse, mock, texts } = redshift();
    mock.on(ExecuteStatementCommand, { Sql: 'begin' }).resolves({ Id: 'statement-1' });
    mock.on(DescribeStatementCommand).resolves({ Id: 'statement-1', Status: 'FINISHED' });
    expect(await rejection(warehouse.transaction([sql('delete from a')]))).toMatchObject({
      message:
        "begin: Redshift's Data API names no session; what was begun ends by itself in some minutes: run it again",
      retryable: false,
    });
    expect(texts()).toEqual([]);
  });

  test('refuses a statement that is longer than the API takes', async () => {
    const { warehouse, texts } = redshift();
    const error = await rejection(warehouse.transaction([{ sql: 'x'.repeat(100_001), what: 'long' }]));
    expect(error).toMatchObject({
      message: 'long: a statement has at most 100,000 bytes, got 100001',
      retryable: false,
    });
    expect(texts()).toEqual([]);
  });
});

describe('a copy', () => {
  const files = [
    { key: 'curated/dim_channel/run=1/a.parquet', bytes: 120, rows: 3 },
    { key: 'curated/dim_channel/run=2/b.parquet', bytes: 80, rows: 2 },
  ];

  test('names its files with their sizes in a manifest, the same one again', async () => {
    const { warehouse, texts, objects } = redshift();
    await warehouse.transaction([{ copy: { table: 'staging_dim_channel', files } }]);
    await warehouse.transaction([{ copy: { table: 'staging_dim_channel', files } }]);
    const [manifest, ...others] = await collect(objects.list('loads/'));
    expect(others).toEqual([]);
    expect(texts()[1]).toBe(
      `copy staging_dim_channel from '${objects.uri(manifest!.key)}' iam_role '${copyRoleArn}' format as parquet manifest`,
    );
    expect(JSON.parse(Buffer.from((await objects.get(manifest!.key))!).toString())).toEqual({
      entries: files.map(({ key, bytes }) => ({
        url: objects.uri(key),
        mandatory: true,
        meta: { content_length: bytes },
      })),
    });
  });

  test('of no files copies nothing', async () => {
    const { warehouse, texts, objects } = redshift();
    await warehouse.transaction([{ copy: { table: 'staging_dim_channel', files: [] } }]);
    expect([texts(), await collect(objects.list(''))]).toEqual([['begin', 'commit'], []]);
  });
});

describe('a query', () => {
  const pageOf = (columns: [name: string, typeName: string][], rows: Field[][], NextToken?: string) => ({
    ColumnMetadata: columns.map(([name, typeName]) => ({ name, typeName })),
    Records: rows,
    NextToken,
  });

  test('gives values as JSON can hold them, with their columns, over all pages', async () => {
    const { warehouse, mock, asked } = redshift(() => [{ Status: 'SUBMITTED' }]);
    const columns: [string, string][] = [
      ['whole', 'int8'],
      ['money', 'numeric'],
      ['part', 'float8'],
      ['flag', 'bool'],
      ['day', 'date'],
      ['moment', 'timestamp'],
      ['zoned', 'timestamptz'],
      ['nothing', 'varchar'],
    ];
    const row: Field[] = [
      { longValue: 9 },
      { stringValue: '1.5000' },
      { doubleValue: 0.5 },
      { booleanValue: false },
      { stringValue: '2024-02-29' },
      { stringValue: '2024-02-29 01:02:03.456' },
      { stringValue: '2024-02-29 01:02:03+00' },
      { isNull: true },
    ];
    mock.on(GetStatementResultCommand).callsFake(({ NextToken }: { NextToken?: string }) => {
      return pageOf(columns, NextToken ? [[{ longValue: 0 }, ...row.slice(1)]] : [row], NextToken ? undefined : 'next');
    });
    const rest = ['1.5000', 0.5, false, '2024-02-29', '2024-02-29T01:02:03.456Z', '2024-02-29T01:02:03Z', null];
    expect(await warehouse.query('select …')).toEqual({
      columns: columns.map(([name, type]) => ({ name, type })),
      rows: [
        [9, ...rest],
        [0, ...rest],
      ],
    });
    expect(asked).toEqual([{ WorkgroupName: 'c360', Database: 'dev', Sql: 'select …', WaitTimeSeconds: 20 }]);
  });

  const noRight = 'its user has no right to it: the tag RedshiftDbRoles of its IAM role gives it one (docs/deploy.md)';
  test.each`
    words                                        | kind
    ${'ERROR: relation "secret" does not exist'} | ${'a table, column or function in it does not exist'}
    ${'ERROR: permission denied for relation x'} | ${noRight}
    ${'ERROR: syntax error at or near "secret"'} | ${'Redshift does not take its syntax'}
    ${'ERROR: Invalid digit, Value secret'}      | ${'a value does not fit its type'}
    ${'ERROR: Spectrum Scan Error secret'}       | ${'a file of the lake cannot be read'}
    ${'ERROR: something else, secret'}           | ${'it failed'}
  `('that fails with "$words" says: $kind', async ({ words, kind }) => {
    const { warehouse } = redshift(() => [{ Status: 'FAILED', Error: words }]);
    const error = await rejection(warehouse.query('select secret', 'query 1'));
    expect(error).toBeInstanceOf(EngineError);
    expect(String(error)).toContain(`query 1: ${kind}; \`aws redshift-data describe-statement --id statement-1\``);
    expect(String(error)).not.toContain('secret');
  });

  test('refuses a value that no result can hold', async () => {
    const { warehouse, mock } = redshift();
    mock.on(GetStatementResultCommand).resolves(pageOf([['shape', 'geometry']], [[{ blobValue: Uint8Array.of(1) }]]));
    await expect(warehouse.query('select shape', 'query 1')).rejects.toThrow(
      'query 1: column shape has type geometry, which a result cannot hold',
    );
  });
});
