import { inspect } from 'node:util';
import type { AwsClients } from '../../../../src/adapters/aws/clients.ts';
import type { DynamoVault } from '../../../../src/adapters/aws/dynamo-vault.ts';
import { systemClock } from '../../../../src/adapters/local/system.ts';
import { dayOf } from '../../../../src/domain/privacy/quarantine-day.ts';
import type { NaturalId, PersonalData, Resolution, Subject } from '../../../../src/ports.ts';
import { vaultContract } from '../../../contracts/vault.ts';
import { type AwsVault, newAwsVault, vaultUnderTest } from '../../../support/aws-vault.ts';
import {
  batchKeys,
  type FaultyAws,
  faultyAws,
  jsonError,
  leavingUnread,
  rejection,
} from '../../../support/faulty-aws.ts';
import { describeWithMoto, motoClients } from '../../../support/moto.ts';

const user = (id: string): NaturalId => ({ namespace: 'user', id });
const users = (count: number) => Array.from({ length: count }, (_, index) => user(`planted-7f3a9c ${index}`));

function known(resolution: Resolution | undefined): Subject {
  if (resolution?.state === 'known') return resolution.subject;
  throw new Error('expected a known subject');
}

describeWithMoto('a vault in DynamoDB', () => vaultContract('DynamoDB', vaultUnderTest()));

/** moto never throttles, leaves nothing unread and runs one transaction at a time: a proxy in front of it does otherwise. */
describeWithMoto('a vault in a DynamoDB that fails', () => {
  let direct: AwsClients;
  let aws: FaultyAws;
  let made: AwsVault;
  let vault: DynamoVault;
  const open = (clients = aws.clients) => made.open(clients, { timer: aws.timer }).vault;
  const cancelled = (...codes: string[]) =>
    jsonError('TransactionCanceledException', { CancellationReasons: codes.map((Code) => ({ Code })) });
  /** How many subjects there are: each has a mapping and a key, and none has but one of them. */
  const countSubjects = async () => {
    const items = await made.items();
    const [mapped, keyed] = ['natural-id/', 'subject/'].map((prefix) =>
      items.filter(({ id }) => id!.S!.startsWith(prefix)).map(({ subject_id }) => subject_id!.S!),
    );
    expect(mapped!.toSorted()).toEqual(keyed!.toSorted());
    return mapped!.length;
  };

  beforeEach(async () => {
    direct = await motoClients();
    aws = await faultyAws();
    made = await newAwsVault(direct);
    vault = open();
    await vault.epoch();
    aws.proxy.requests.length = 0;
    aws.waits.length = 0;
  });
  afterEach(async () => {
    for (const client of Object.values(direct)) client.destroy();
    await aws.close();
  });

  test.each(['TransactionConflict', 'ThrottlingError'])('creates subjects after %s, ever later', async (code) => {
    aws.proxy.failNext(/TransactWrite/, cancelled('None', code), cancelled(code, 'None'));
    known((await vault.resolve([user('ann')]))[0]);
    expect(aws.waits).toEqual([25, 50]);
    expect(await countSubjects()).toBe(1);
  });

  test('takes the subject that it created itself where the answer was lost', async () => {
    aws.proxy.failNext(/TransactWrite/, 'cut after');
    const ann = known((await vault.resolve([user('ann')]))[0]);
    expect(known((await open().lookUp([user('ann')]))[0])).toEqual(ann);
    expect(await countSubjects()).toBe(1);
  });

  test('takes the winner of a race that began after its look-up', async () => {
    const [winner] = (await open(direct).resolve([user('ann')])).map(known);
    aws.proxy.failNext(/BatchGetItem/, { response: () => '{"Responses": {}, "UnprocessedKeys": {}}' });
    const [ann] = (await vault.resolve([user('ann')])).map(known);
    expect(ann).toEqual(winner);
    expect([...ann!.dataKey]).toEqual([...winner!.dataKey]);
    expect(aws.proxy.bodies(/TransactWrite/)).toHaveLength(1);
    expect(await countSubjects()).toBe(1);
  });

  test('creates no subject under keys that are no longer the newest', async () => {
    await open(direct).rotateKeys();
    const [winner] = (await open(direct).resolve([user('ann')])).map(known);
    const [zero, keys] = [{ N: '0' }, { M: {} }];
    // What a process read whose look-up began before the rotation.
    const state = { epoch: zero, ledger_number: zero, key_version: { N: '1' }, vault_keys: keys, hmac_keys: keys };
    aws.proxy.failNext(/^GetItem/, { response: () => JSON.stringify({ Item: state }) });
    expect((await vault.resolve([user('ann')])).map(known)).toEqual([winner]);
    expect(aws.proxy.bodies(/TransactWrite/)).toHaveLength(1);
    expect(await countSubjects()).toBe(1);
  });

  test('looks again where a subject was erased between the reading of its mapping and of its key', async () => {
    const [ann] = (await open(direct).resolve([user('ann')])).map(known);
    const empty = () => '{"Responses": {}, "UnprocessedKeys": {}}';
    aws.proxy.failNext(/BatchGetItem/, {}, { response: empty });
    expect((await vault.lookUp([user('ann')])).map(known)).toEqual([ann]);
    expect(aws.proxy.bodies(/BatchGetItem/)).toHaveLength(4);
  });

  test('reads what a batch left unread, ever later', async () => {
    const ids = users(150);
    const subjects = (await open(direct).resolve(ids)).map(known);
    aws.proxy.failNext(/BatchGetItem/, leavingUnread(40), leavingUnread(10));
    expect((await vault.lookUp(ids)).map(known)).toEqual(subjects);
    expect(aws.waits).toEqual([25, 25]);
    expect(aws.proxy.bodies(/BatchGetItem/)).toHaveLength(6);
  });

  test('says that it may pass where nothing is ever read', async () => {
    aws.proxy.failAll(/BatchGetItem/, leavingUnread(100));
    const error = await rejection(vault.lookUp(users(3)));
    expect(error).toMatchObject({ name: 'AdapterError', retryable: true });
    expect((error as Error).message).toBe('vault: 3 of 3 items could not be read for load');
    expect(aws.waits).toEqual([25, 50, 100, 200, 400, 800, 1000]);
  });

  test.each`
    type                           | retryable
    ${'ThrottlingException'}       | ${true}
    ${'RequestLimitExceeded'}      | ${true}
    ${'AccessDeniedException'}     | ${false}
    ${'ResourceNotFoundException'} | ${false}
  `(
    'gives $type that lasts as an AdapterError, retryable $retryable, that quotes nothing',
    async ({ type, retryable }) => {
      const [ann] = (await open(direct).resolve([user('ann')])).map(known);
      aws.proxy.failAll(/./, jsonError(type));
      const fields = { email: 'planted-7f3a9c@example.org' };
      const attempts = [
        vault.resolve(users(3)),
        vault.lookUp(users(3)),
        vault.epoch(),
        vault.personalData(ann!.subjectId),
        vault.quarantineSealingKey(),
        vault.quarantineOpeningKey(dayOf(systemClock.now())),
        vault.keepPersonalData([{ subject: ann!, fields, asOf: new Date(0) }]),
      ];
      for (const error of await Promise.all(attempts.map(rejection))) {
        expect(error).toMatchObject({ name: 'AdapterError', retryable });
        expect((error as Error).message).toContain(`failed with ${type}`);
        expect(inspect(error, { depth: 9 })).not.toMatch(/planted/);
      }
      expect(await countSubjects()).toBe(1);
    },
  );

  test('leaves whole pairs where it fails between the transactions of a batch, and goes on from there', async () => {
    aws.proxy.failNext(/TransactWrite/, {}, {});
    aws.proxy.failAll(/TransactWrite/, jsonError('InternalServerError'));
    expect(await rejection(vault.resolve(users(250)))).toMatchObject({ name: 'AdapterError', retryable: true });
    expect(await countSubjects()).toBe(98);
    const subjects = (await open(direct).resolve(users(250))).map(known);
    expect(new Set(subjects.map(({ subjectId }) => subjectId)).size).toBe(250);
    expect(await countSubjects()).toBe(250);
  });

  test('keeps to the limits of a request: 100 keys read, 100 items written', async () => {
    await vault.resolve(users(250));
    const written = aws.proxy.bodies(/TransactWrite/).map((body) => JSON.parse(body).TransactItems.length as number);
    expect(written.toSorted((a, b) => a - b)).toEqual([11, 99, 99, 99, 99, 99]);
    await open().lookUp(users(250));
    const read = aws.proxy.bodies(/BatchGetItem/).map((body) => batchKeys(body).length);
    expect(Math.max(...read)).toBe(100);
  });

  test('asks DynamoDB for nobody whom it remembers, and reads strongly consistently', async () => {
    await vault.resolve(users(10));
    aws.proxy.requests.length = 0;
    await vault.resolve(users(10));
    expect(aws.proxy.requests.map(({ operation }) => operation)).toEqual(['GetItem', 'Query']);
    await open().resolve(users(10));
    for (const body of aws.proxy.bodies(/GetItem|Query/)) {
      const { ConsistentRead, RequestItems = {} } = JSON.parse(body);
      const [batch] = Object.values(RequestItems as Record<string, { ConsistentRead: boolean }>);
      expect(batch?.ConsistentRead ?? ConsistentRead).toBe(true);
    }
  });

  test('asks KMS for each key once, by its purpose, and never for a record', async () => {
    const other = open();
    await Promise.all(Array.from({ length: 3 }, () => other.resolve(users(5))));
    await other.quarantineSealingKey();
    const asked = aws.proxy.bodies(/Decrypt|GenerateDataKey/).map((body) => JSON.parse(body).EncryptionContext.purpose);
    expect(asked.toSorted()).toEqual(['hmac key 1', 'ledger key 1', 'vault key 1']);
  });

  test('says that it may pass while KMS is down, and creates nothing', async () => {
    aws.proxy.failAll(/Decrypt|GenerateDataKey/, { ...jsonError('KMSInternalException'), status: 500 });
    expect(await rejection(open().resolve(users(1)))).toMatchObject({ name: 'AdapterError', retryable: true });
    expect(await countSubjects()).toBe(0);
  });

  test('asks KMS again where it failed before', async () => {
    const other = open();
    aws.proxy.failNext(/Decrypt/, jsonError('DisabledException'));
    expect(await rejection(other.resolve(users(1)))).toMatchObject({ name: 'AdapterError', retryable: false });
    known((await other.resolve(users(1)))[0]);
  });

  test('says what to do where the KMS key is another', async () => {
    aws.proxy.failAll(/Decrypt/, jsonError('IncorrectKeyException'));
    const error = await rejection(open().resolve(users(1)));
    expect(error).toMatchObject({ name: 'AdapterError', retryable: false });
    expect((error as Error).message).toMatch(
      /^the \w+ key 1 was not wrapped under the KMS key .*: name the key of this data$/,
    );
  });

  test('holds no natural id, e-mail, name or key in the clear, and sends none to AWS', async () => {
    const [ann] = (await vault.resolve(users(1))).map(known);
    const fields = { email: 'planted-7f3a9c@example.org', full_name: 'Planted-7f3a9c' };
    await vault.keepPersonalData([{ subject: ann!, fields, asOf: new Date(0) }]);
    expect(await vault.personalData(ann!.subjectId)).toEqual(fields);
    const kept = JSON.stringify(await made.items()) + aws.proxy.requests.map(({ body }) => body).join('\n');
    expect(kept).toContain(ann!.subjectId);
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      expect(kept).not.toContain(Buffer.from(ann!.dataKey).toString(encoding));
      expect(kept).not.toContain(Buffer.from('planted-7f3a9c').toString(encoding).slice(2, -2));
    }
    expect(kept).not.toMatch(/planted-7f3a9c/i);
  });

  test('tells DynamoDB when to delete the key of a day, and counts it as gone until that is done', async () => {
    const { day } = await vault.quarantineSealingKey();
    const items = (await made.items()).filter(({ id }) => id!.S!.startsWith('quarantine/'));
    const end = Date.parse(day) + 21 * 86_400_000;
    expect(items).toEqual([expect.objectContaining({ expires_at: { N: String(end / 1000) } })]);
    const { vault: later } = made.open(direct, { clock: { now: () => new Date(end) } });
    expect(await later.quarantineOpeningKey(day)).toBeUndefined();
    expect((await later.quarantineSealingKey()).day).toBe(dayOf(new Date(end)));
  });

  test('keeps one look-up value for the spellings of an e-mail, none where there is no e-mail', async () => {
    const emails = [' Ann.É@Example.org ', 'ann.e\u0301@example.org', 'other@example.org', undefined];
    const subjects = (await vault.resolve(users(emails.length))).map(known);
    await vault.keepPersonalData(
      subjects.map((subject) => ({ subject, fields: { email: 'old@example.org' }, asOf: new Date(0) })),
    );
    await vault.keepPersonalData(
      subjects.map((subject, index): PersonalData => {
        const email = emails[index];
        return { subject, fields: email === undefined ? { phone: '1' } : { email }, asOf: new Date(1) };
      }),
    );
    const byId = new Map((await made.items()).map((item) => [item.id!.S, item]));
    const values = subjects.map(({ subjectId }) => byId.get(`subject/${subjectId}`)!.email_hmac?.B);
    expect(values[0]).toHaveLength(32);
    expect(values[1]).toEqual(values[0]);
    expect(values[2]).not.toEqual(values[0]);
    expect(values[3]).toBeUndefined();
  });
});
