import { inspect } from 'node:util';
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoLedger } from '../../../../src/adapters/aws/dynamo-ledger.ts';
import type { NaturalId } from '../../../../src/ports.ts';
import { suppressionLedgerContract } from '../../../contracts/suppression-ledger.ts';
import { type AwsVault, newAwsVault } from '../../../support/aws-vault.ts';
import { type FaultyAws, faultyAws, jsonError, rejection } from '../../../support/faulty-aws.ts';
import { describeWithMoto, motoClients } from '../../../support/moto.ts';

const user = (id: string): NaturalId => ({ namespace: 'user', id });

describeWithMoto('a ledger in DynamoDB', () => {
  suppressionLedgerContract('DynamoDB', async () => {
    const clients = await motoClients();
    const made = await newAwsVault(clients);
    const beside = () => made.open(clients).ledger;
    const close = () => {
      for (const client of Object.values(clients)) client.destroy();
    };
    return { ledger: beside(), beside, close };
  });
});

describeWithMoto('a ledger in DynamoDB that fails', () => {
  let aws: FaultyAws;
  let made: AwsVault;
  let ledger: DynamoLedger;
  const numbers = async () => (await ledger.entries(0)).map(({ number }) => number);

  beforeEach(async () => {
    aws = await faultyAws();
    made = await newAwsVault(aws.clients);
    ({ ledger } = made.open(aws.clients, { timer: aws.timer }));
    await ledger.append([user('ann')], new Date(0));
  });
  afterEach(() => aws.close());

  test('appends once where the answer was lost', async () => {
    aws.proxy.failNext(/TransactWrite/, 'cut after');
    expect(await ledger.append([user('ben'), user('eve')], new Date(0))).toBe(3);
    expect(await numbers()).toEqual([1, 2, 3]);
  });

  test.each(['TransactionConflict', 'ThrottlingError'])('tries again after %s', async (Code) => {
    const cancelled = jsonError('TransactionCanceledException', { CancellationReasons: [{ Code }] });
    aws.proxy.failNext(/TransactWrite/, cancelled, cancelled);
    expect(await ledger.append([user('ben')], new Date(0))).toBe(2);
    expect(aws.waits).toEqual([25, 50]);
  });

  test('that is throttled for long says that it may pass, and has taken nothing', async () => {
    aws.proxy.failAll(/TransactWrite|Query/, jsonError('ThrottlingException'));
    for (const attempt of [ledger.append([user('ben')], new Date(0)), ledger.entries(0)]) {
      const error = await rejection(attempt);
      expect(error).toMatchObject({ name: 'AdapterError', retryable: true });
      expect(inspect(error, { depth: 9 })).not.toMatch(/planted|ben/);
    }
    expect(await made.open(await motoClients()).ledger.entries(0)).toHaveLength(1);
  });

  test('without KMS says that it may pass, and asks it anew', async () => {
    const other = made.open(aws.clients, { timer: aws.timer }).ledger;
    aws.proxy.failNext(
      /Decrypt/,
      ...Array.from({ length: 4 }, () => ({ ...jsonError('KMSInternalException'), status: 500 })),
    );
    expect(await rejection(other.entries(0))).toMatchObject({ name: 'AdapterError', retryable: true });
    expect(await other.entries(0)).toHaveLength(1);
    expect(other.hmacOf(user('ann'))).toBe(ledger.hmacOf(user('ann')));
  });

  test('reads strongly consistently', async () => {
    await ledger.entries(0);
    for (const body of aws.proxy.bodies(/GetItem|Query/)) expect(JSON.parse(body).ConsistentRead).toBe(true);
  });

  test('gives no HMAC before it was read', () => {
    const fresh = made.open(aws.clients).ledger;
    expect(() => fresh.hmacOf(user('ann'))).toThrow('the ledger must be read before it is asked for an HMAC');
  });

  test('that lost an entry is refused: whoever stood there would come back', async () => {
    await ledger.append([user('ben'), user('eve')], new Date(0));
    const Key = { partition: { S: 'entry' }, sort: { S: '000000000002' } };
    await aws.clients.dynamo.send(new DeleteItemCommand({ TableName: made.tables.ledger, Key }));
    expect(await rejection(ledger.entries(0))).toMatchObject({
      message: 'the ledger lacks entry 2: restore its table from its own backup',
      retryable: false,
    });
  });

  test('holds no natural id and no key in the clear', async () => {
    await ledger.append([user('customer-7f3a9c')], new Date(0));
    expect(JSON.stringify(await made.items('ledger'))).not.toContain('7f3a9c');
    expect(aws.proxy.requests.filter(({ body }) => body.includes('7f3a9c'))).toEqual([]);
  });
});
