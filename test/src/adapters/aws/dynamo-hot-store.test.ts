import { inspect } from 'node:util';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { DynamoHotStore } from '../../../../src/adapters/aws/dynamo-hot-store.ts';
import { type Clock, ConditionFailed, type HotTable, type HotWrite } from '../../../../src/ports.ts';
import { hotStoreContract } from '../../../contracts/hot-store.ts';
import { type FaultyAws, faultyAws, jsonError, rejection } from '../../../support/faulty-aws.ts';
import { describeWithMoto, motoClients, newHotTables } from '../../../support/moto.ts';

describeWithMoto('a hot store in DynamoDB', () => {
  hotStoreContract('DynamoDB', async (clock) => {
    const { dynamo } = await motoClients();
    const tableNames = await newHotTables(dynamo);
    const open = (other: Clock) => new DynamoHotStore({ client: dynamo, tableNames, clock: other });
    return { store: open(clock), beside: open, close: () => dynamo.destroy() };
  });
});

/** moto never throttles and runs one transaction at a time, so none conflict: a proxy in front of it makes them. */
describeWithMoto('a DynamoDB that fails', () => {
  let aws: FaultyAws;
  let tableNames: Record<HotTable, string>;
  let store: DynamoHotStore;
  const clock = { now: () => new Date('2026-01-02T03:04:05.500Z') };
  const key = { partition: 'p', sort: 's' };
  const put: HotWrite = { table: 'runs', put: { ...key, values: { text: 'planted-7f3a9c' } } };
  const add: HotWrite = { table: 'runs', add: { ...key, values: { n: 1 } } };
  const absent: HotWrite = { table: 'runs', check: { ...key, sort: 'other' }, if: { absent: true } };
  const cancelled = (...codes: string[]) =>
    jsonError('TransactionCanceledException', { CancellationReasons: codes.map((Code) => ({ Code })) });

  beforeEach(async () => {
    aws = await faultyAws();
    tableNames = await newHotTables(aws.clients.dynamo);
    store = new DynamoHotStore({ client: aws.clients.dynamo, tableNames, clock, timer: aws.timer });
  });
  afterEach(() => aws.close());

  test.each(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'])(
    'tries a transaction again after %s, ever later, and says that it may pass where it lasts',
    async (code) => {
      aws.proxy.failNext(/TransactWrite/, cancelled('None', code), cancelled(code, 'None'));
      await store.write([put, absent]);
      expect(await store.get('runs', key)).toEqual('put' in put && put.put);
      expect(aws.waits).toEqual([25, 50]);
      aws.proxy.failAll(/TransactWrite/, cancelled('None', code));
      const error = await rejection(store.write([put, absent]));
      expect(error).toMatchObject({ name: 'AdapterError', retryable: true });
      expect((error as Error).message).toMatch(new RegExp(`^hot store: write failed with ${code}`));
      expect(inspect(error, { depth: 9 })).not.toMatch(/planted/);
      expect(aws.proxy.bodies(/TransactWrite/)).toHaveLength(3 + 8);
      expect(aws.waits.slice(2)).toEqual([25, 50, 100, 200, 400, 800, 1000]);
    },
  );

  test('asks again where a condition failed beside a conflict, so that it names every write that failed', async () => {
    await store.write([put, { table: 'runs', put: { ...key, sort: 'other', values: {} } }]);
    aws.proxy.failNext(/TransactWrite/, cancelled('ConditionalCheckFailed', 'TransactionConflict'));
    const error = await rejection(store.write([{ ...put, if: { absent: true } } as HotWrite, absent]));
    expect(error).toEqual(new ConditionFailed([0, 1]));
  });

  test('sends a transaction whose answer was lost again under one token, so that nothing is added twice', async () => {
    aws.proxy.failNext(/TransactWrite/, 'cut after', cancelled('TransactionConflict'));
    await store.write([add]);
    await store.write([add]);
    const tokens = aws.proxy.bodies(/TransactWrite/).map((body) => JSON.parse(body).ClientRequestToken);
    expect(tokens).toEqual([tokens[0], tokens[0], tokens[0], tokens[3]]);
    expect(tokens[3]).not.toBe(tokens[0]);
    // DynamoDB answers a repeated token with the first result; moto does not know tokens, so no sum is looked at here.
  });

  test.each(['ThrottlingException', 'ProvisionedThroughputExceededException', 'InternalServerError'])(
    'is asked again after %s, and what lasts may pass',
    async (type) => {
      aws.proxy.failNext(/GetItem|Query|TransactWrite/, jsonError(type), jsonError(type));
      await store.write([put]);
      aws.proxy.failNext(/GetItem/, jsonError(type), 'cut before');
      expect(await store.get('runs', key)).toBeDefined();
      aws.proxy.failNext(/Query/, jsonError(type), 'cut after');
      expect(await store.query('runs', 'p')).toHaveLength(1);
      aws.proxy.failAll(/./, jsonError(type));
      const attempts = [store.write([put]), store.get('runs', key), store.query('runs', 'p')];
      for (const error of await Promise.all(attempts.map(rejection))) {
        expect(error).toMatchObject({ name: 'AdapterError', retryable: true });
      }
    },
  );

  test.each(['ValidationException', 'AccessDeniedException', 'ResourceNotFoundException'])(
    'gives %s as an AdapterError that quotes nothing and need not be repeated',
    async (type) => {
      aws.proxy.failAll(/./, jsonError(type));
      const attempts = [store.write([put]), store.get('runs', key), store.query('runs', 'p')];
      for (const error of await Promise.all(attempts.map(rejection))) {
        expect(error).toMatchObject({ name: 'AdapterError', retryable: false });
        expect((error as Error).message).toContain(`failed with ${type} (HTTP 400`);
        expect(inspect(error, { depth: 9 })).not.toMatch(/planted/);
      }
    },
  );

  test('gives a write that DynamoDB finds invalid as an AdapterError', async () => {
    aws.proxy.failNext(/TransactWrite/, cancelled('None', 'ValidationError'));
    const error = await rejection(store.write([put, absent]));
    expect(error).toMatchObject({ message: 'hot store: write failed with ValidationError', retryable: false });
    expect(aws.waits).toEqual([]);
  });

  test('reads strongly consistently', async () => {
    await store.get('runs', key);
    await store.query('runs', 'p', { prefix: 's' });
    for (const body of aws.proxy.bodies(/GetItem|Query/))
      expect(JSON.parse(body)).toMatchObject({ ConsistentRead: true });
    expect(aws.proxy.bodies(/GetItem|Query/)).toHaveLength(2);
  });

  test('reads few pages for a small limit behind many items that have expired', async () => {
    const expired = Array.from({ length: 90 }, (_, index): HotWrite => {
      return {
        table: 'runs',
        put: { partition: 'p', sort: `a${index}`, values: {}, expiresAt: new Date('2026-01-01') },
      };
    });
    await store.write([...expired, put]);
    expect(await store.query('runs', 'p', { limit: 1 })).toHaveLength(1);
    expect(aws.proxy.bodies(/Query/)).toHaveLength(2);
  });

  test('keeps items as other tools read them: values by name, the expiry in whole seconds', async () => {
    const values = { state: 'done', sort: 1, _sort: 2, expires_at: null };
    const item = { ...key, values, expiresAt: new Date('2026-01-02T04:00:00.001Z') };
    await store.write([{ table: 'runs', put: item }]);
    const { Items } = await aws.clients.dynamo.send(new ScanCommand({ TableName: tableNames.runs }));
    expect(Items).toEqual([
      {
        partition: { S: 'p' },
        sort: { S: 's' },
        expires_at: { N: '1767326401' },
        state: { S: 'done' },
        _sort: { N: '1' },
        __sort: { N: '2' },
        _expires_at: { NULL: true },
      },
    ]);
    expect((await store.get('runs', key))?.values).toEqual(values);
    await store.write([{ table: 'runs', check: key, if: { equals: { sort: 1, _sort: 2 } } }]);
    await store.write([{ table: 'runs', add: { ...key, values: { sort: 10 } } }]);
    expect((await store.get('runs', key))?.values).toEqual({ ...values, sort: 11 });
  });
});
