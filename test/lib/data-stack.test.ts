/** All state is encrypted, closed to the public, ends when it is said to, and can be brought back. */
import { temporaryDirectories } from '../support/local-stores.ts';
import { resourceOf, resourcesOf, synthesize, type Template } from '../support/synthesized.ts';

const newDirectory = temporaryDirectories();
const { data } = synthesize(newDirectory()).templates;
const { data: retained } = synthesize(newDirectory(), {
  isDataRetained: true,
  rawRetentionDays: 30,
  restoredTables: { vault: 'customer-360-vault-restored' },
}).templates;

/** The properties of the resource whose logical id begins so. */
function named(template: Template, type: string, id: string): Record<string, unknown> {
  const [found] = Object.entries(template.Resources).filter(([name, { Type }]) => Type === type && name.startsWith(id));
  if (!found) throw new Error(`there is no ${type} ${id}`);
  return found[1].Properties;
}

const keyArn = (name: string) => ({ 'Fn::GetAtt': [expect.stringMatching(new RegExp(`^Keys${name}`)), 'Arn'] });
const account = { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } };

interface Statement {
  Effect: string;
  Action: string | string[];
  Principal: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}
const statementsOf = (policy: Record<string, unknown>, property = 'PolicyDocument') =>
  (policy[property] as { Statement: Statement[] }).Statement;

describe('the keys', () => {
  test('are three, each rotated', () => {
    const keys = resourcesOf(data, 'AWS::KMS::Key').map(({ Properties }) => Properties.EnableKeyRotation);
    expect(keys).toEqual([true, true, true]);
  });

  test('let in, beside the account, the services that publish to the topic and that keep logs, and only for the data', () => {
    const others = (name: string) =>
      statementsOf(named(data, 'AWS::KMS::Key', `Keys${name}`), 'KeyPolicy').flatMap(
        ({ Principal, Action, Condition }) => {
          const { Service } = Principal as { Service?: unknown };
          return Service ? [{ Service, Action, Condition }] : [];
        },
      );
    const use = ['kms:Decrypt', 'kms:GenerateDataKey'];
    const logs = { 'Fn::Join': ['', ['logs.', { Ref: 'AWS::Region' }, '.amazonaws.com']] };
    expect(others('Data')).toEqual([
      {
        Service: ['budgets.amazonaws.com', 'cloudwatch.amazonaws.com'],
        Action: use,
        Condition: account,
      },
      {
        // EventBridge names no account.
        Service: 'events.amazonaws.com',
        Action: use,
        Condition: { ArnLike: { 'kms:EncryptionContext:aws:sns:topicArn': expect.anything() } },
      },
      {
        Service: logs,
        Action: expect.arrayContaining(use),
        Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': expect.anything() } },
      },
    ]);
    expect([others('Vault'), others('Ledger')]).toEqual([[], []]);
  });
});

describe('the buckets', () => {
  test.each(['AccessLogs', 'Lake', 'Failures'])(
    '%s is closed to the public and to requests without TLS 1.2',
    (name) => {
      expect(named(data, 'AWS::S3::Bucket', `Buckets${name}`)).toMatchObject({
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      });
      const denied = statementsOf(named(data, 'AWS::S3::BucketPolicy', `Buckets${name}Policy`))
        .filter(({ Effect, Action }) => Effect === 'Deny' && Action === 's3:*')
        .map(({ Principal, Condition }) => [Principal, Condition]);
      const everybody = { AWS: '*' };
      expect(denied).toEqual([
        [everybody, { Bool: { 'aws:SecureTransport': 'false' } }],
        [everybody, { NumericLessThan: { 's3:TlsVersion': 1.2 } }],
      ]);
    },
  );

  test.each(['Lake', 'Failures'])(
    '%s encrypts with the data key, and refuses an object that asks for another',
    (name) => {
      expect(named(data, 'AWS::S3::Bucket', `Buckets${name}`).BucketEncryption).toEqual({
        ServerSideEncryptionConfiguration: [
          {
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: keyArn('Data') },
          },
        ],
      });
      const refused = statementsOf(named(data, 'AWS::S3::BucketPolicy', `Buckets${name}Policy`))
        .filter(({ Effect, Action }) => Effect === 'Deny' && Action === 's3:PutObject')
        .map(({ Condition }) => Condition);
      const [algorithm, key] = ['s3:x-amz-server-side-encryption', 's3:x-amz-server-side-encryption-aws-kms-key-id'];
      // An object that names none gets the bucket's.
      expect(refused).toEqual([
        { Null: { [algorithm!]: 'false' }, StringNotEquals: { [algorithm!]: 'aws:kms' } },
        // Also one that names the algorithm and no key.
        { Null: { [algorithm!]: 'false' }, StringNotEquals: { [key!]: keyArn('Data') } },
      ]);
    },
  );

  test('let nobody in but the delivery of access logs, where data are retained', () => {
    const allowed = resourcesOf(retained, 'AWS::S3::BucketPolicy').flatMap(({ Properties }) =>
      statementsOf(Properties).filter(({ Effect }) => Effect === 'Allow'),
    );
    expect(allowed.map(({ Principal, Action }) => [Principal, Action])).toEqual([
      [{ Service: 'logging.s3.amazonaws.com' }, 's3:PutObject'],
      [{ Service: 'logging.s3.amazonaws.com' }, 's3:PutObject'],
    ]);
  });

  test('end what is transient, and keep what was deleted in the lake for a week, but in landing for a day', () => {
    const rules = (template: Template, name: string) => {
      const { LifecycleConfiguration } = named(template, 'AWS::S3::Bucket', `Buckets${name}`);
      return (LifecycleConfiguration as { Rules: Record<string, unknown>[] }).Rules.map((rule) => ({
        folder: rule.Prefix,
        days: rule.ExpirationInDays,
        deleted: (rule.NoncurrentVersionExpiration as { NoncurrentDays: number } | undefined)?.NoncurrentDays,
        uploads: (rule.AbortIncompleteMultipartUpload as { DaysAfterInitiation: number } | undefined)
          ?.DaysAfterInitiation,
      }));
    };
    expect(rules(data, 'Lake')).toEqual([
      { folder: 'landing/', days: 1, deleted: 1 },
      { folder: 'quarantine/', days: 21 },
      { folder: 'loads/', days: 7 },
      { folder: 'athena/', days: 7 },
      { folder: 'plans/', days: 90 },
      { folder: 'raw/', days: 400 },
      { deleted: 7, uploads: 1 },
      {},
    ]);
    expect(rules(retained, 'Lake')).toContainEqual({ folder: 'raw/', days: 30 });
    expect(rules(data, 'Failures')).toEqual([{ days: 7, uploads: 1 }]);
    expect(named(data, 'AWS::S3::Bucket', 'BucketsLake').VersioningConfiguration).toEqual({ Status: 'Enabled' });
    expect(named(data, 'AWS::S3::Bucket', 'BucketsFailures').VersioningConfiguration).toBeUndefined();
  });

  test('the lake tells the queue of all that lands, and of nothing else', () => {
    expect(named(data, 'AWS::S3::Bucket', 'BucketsLake').NotificationConfiguration).toEqual({
      QueueConfigurations: [
        {
          Event: 's3:ObjectCreated:*',
          Queue: { 'Fn::GetAtt': [expect.stringMatching(/^LandingQueue/), 'Arn'] },
          Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: 'landing/' }] } },
        },
      ],
    });
  });
});

describe('the queues of landed files', () => {
  test('take messages from S3 of this account, over TLS alone', () => {
    const statements = statementsOf(named(data, 'AWS::SQS::QueuePolicy', 'LandingQueue'));
    expect(
      statements.map(({ Effect, Action, Principal, Condition }) => [Effect, Action, Principal, Condition]),
    ).toEqual([
      ['Deny', 'sqs:*', { AWS: '*' }, { Bool: { 'aws:SecureTransport': 'false' } }],
      ['Allow', 'sqs:SendMessage', { Service: 's3.amazonaws.com' }, account],
    ]);
  });

  test('exist, with their policy, before the bucket that S3 tries them from', () => {
    const [, bucket] = Object.entries(data.Resources).find(([id]) => /^BucketsLake[0-9A-F]{8}$/.test(id))!;
    expect(bucket).toMatchObject({ DependsOn: [expect.stringMatching(/^LandingQueuePolicy/)] });
  });

  test('give a message five times, and keep it for two weeks then', () => {
    expect(named(data, 'AWS::SQS::Queue', 'LandingQueue')).toMatchObject({
      RedrivePolicy: {
        maxReceiveCount: 5,
        deadLetterTargetArn: { 'Fn::GetAtt': [expect.stringMatching(/^LandingDeadLetters/), 'Arn'] },
      },
      SqsManagedSseEnabled: true,
    });
    expect(named(data, 'AWS::SQS::Queue', 'LandingDeadLetters')).toMatchObject({
      MessageRetentionPeriod: 14 * 24 * 60 * 60,
      SqsManagedSseEnabled: true,
    });
  });
});

describe('the stream', () => {
  test('has the shards and the retention of the settings, and the data key', () => {
    const { data: larger } = synthesize(newDirectory(), { stream: { shards: 4, retentionHours: 48 } }).templates;
    expect(resourceOf(larger, 'AWS::Kinesis::Stream').Properties).toMatchObject({
      ShardCount: 4,
      RetentionPeriodHours: 48,
      StreamEncryption: { EncryptionType: 'KMS', KeyId: keyArn('Data') },
      StreamModeDetails: { StreamMode: 'PROVISIONED' },
    });
  });
});

describe('the tables', () => {
  test.each`
    table            | keys                     | key         | days  | ends
    ${'checkpoints'} | ${['partition', 'sort']} | ${'Data'}   | ${7}  | ${true}
    ${'files'}       | ${['partition', 'sort']} | ${'Data'}   | ${7}  | ${true}
    ${'batches'}     | ${['partition', 'sort']} | ${'Data'}   | ${7}  | ${true}
    ${'runs'}        | ${['partition', 'sort']} | ${'Data'}   | ${7}  | ${true}
    ${'locks'}       | ${['partition', 'sort']} | ${'Data'}   | ${7}  | ${true}
    ${'alerts'}      | ${['partition', 'sort']} | ${'Data'}   | ${7}  | ${true}
    ${'vault'}       | ${['id']}                | ${'Vault'}  | ${7}  | ${false}
    ${'ledger'}      | ${['partition', 'sort']} | ${'Ledger'} | ${35} | ${false}
  `('$table can be restored to any second of $days days, and is encrypted with the key $key', (row) => {
    const found = named(data, 'AWS::DynamoDB::Table', `Tables${row.table}`);
    expect(found).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: row.days },
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: keyArn(row.key) },
    });
    expect((found.KeySchema as { AttributeName: string }[]).map(({ AttributeName }) => AttributeName)).toEqual(
      row.keys,
    );
    expect(found.TimeToLiveSpecification).toEqual(
      row.ends ? { AttributeName: 'expires_at', Enabled: true } : undefined,
    );
  });
});

test('a table that was restored stands for the stack’s own where the settings name it, and the others stand for themselves', () => {
  const namesIn = (template: Template) =>
    Object.fromEntries(
      resourcesOf(template, 'AWS::SSM::Parameter').flatMap(({ Properties: { Name, Value } }) => {
        const [, table] = /data\/tables\/(.*)$/.exec(String(Name)) ?? [];
        return table ? [[table, Value]] : [];
      }),
    );
  const own = Object.fromEntries(
    ['checkpoints', 'files', 'batches', 'runs', 'locks', 'alerts', 'vault', 'ledger'].map((table) => [
      table,
      { Ref: expect.stringMatching(new RegExp(`^Tables${table}`)) },
    ]),
  );
  expect(namesIn(data)).toEqual(own);
  expect(namesIn(retained)).toEqual({ ...own, vault: 'customer-360-vault-restored' });
});

test('the topic takes messages of the account over TLS, from the services that alert', () => {
  const statements = statementsOf(resourceOf(data, 'AWS::SNS::TopicPolicy').Properties);
  expect(statements.map(({ Effect, Principal, Condition }) => [Effect, Principal, Condition])).toEqual([
    ['Deny', '*', { Bool: { 'aws:SecureTransport': 'false' } }],
    ['Allow', { Service: ['budgets.amazonaws.com', 'cloudwatch.amazonaws.com'] }, account],
    // A condition here would drop what rules of EventBridge tell.
    ['Allow', { Service: 'events.amazonaws.com' }, undefined],
  ]);
  expect(resourceOf(data, 'AWS::SNS::Topic').Properties.KmsMasterKeyId).toEqual(keyArn('Data'));
});

describe('when the stack is deleted', () => {
  const stateful = ['KMS::Key', 'S3::Bucket', 'DynamoDB::Table', 'Kinesis::Stream'].map((type) => `AWS::${type}`);
  const policiesOf = (template: Template) =>
    Object.values(template.Resources)
      .filter(({ Type }) => stateful.includes(Type))
      .map(({ DeletionPolicy, UpdateReplacePolicy }) => `${DeletionPolicy} ${UpdateReplacePolicy}`);

  test('its data stay where the settings retain them, and no table can be deleted by mistake', () => {
    expect(new Set(policiesOf(retained))).toEqual(new Set(['Retain Retain']));
    expect(policiesOf(retained).length).toBe(15);
    for (const { Properties } of resourcesOf(retained, 'AWS::DynamoDB::Table')) {
      expect(Properties.DeletionProtectionEnabled).toBe(true);
    }
    expect(resourcesOf(retained, 'Custom::S3AutoDeleteObjects')).toEqual([]);
  });

  test('they go with it where they are not retained, what lies in the buckets too', () => {
    expect(new Set(policiesOf(data))).toEqual(new Set(['Delete Delete']));
    expect(resourcesOf(data, 'Custom::S3AutoDeleteObjects').length).toBe(3);
  });
});
