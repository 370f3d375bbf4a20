/** The warehouse's template, by value: what it is, who reaches it, what its functions and people may do. */
import { App, Stack } from 'aws-cdk-lib';
import { WarehouseNetwork } from '../../lib/constructs/warehouse-network.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { rightsIn, rightsOfFlows } from '../support/rights.ts';
import { type Resource, resourceOf, resourcesOf, synthesize, type Template } from '../support/synthesized.ts';

const newDirectory = temporaryDirectories();
const { templates: synthesized } = synthesize(newDirectory());
const template = synthesized.warehouse;
const rights = rightsIn(template);
const ofFlows = rightsOfFlows(template);
const own = 'if {"StringEquals":{"redshift-data:statement-owner-iam-userid":"$' + '{aws:userid}"}}';
const workgroup = expect.stringMatching(/<WarehouseWorkgroup[0-9A-F]{8}>$/);

const rightsOf = (start: string) => Object.entries(rights).find(([id]) => id.startsWith(start))![1];
const flowOf = (made: Template, flow: string): Resource =>
  resourcesOf(made, 'AWS::Lambda::Function').find(({ Metadata }) => Metadata?.['C360::Flow'] === flow)!;
const roleOf = (made: Template, { Properties }: Resource): Resource =>
  made.Resources[(Properties.Role as { 'Fn::GetAtt': [string] })['Fn::GetAtt'][0]]!;
/** Conditions hold what CloudFormation fills in. */
const viaS3 = 'if {"StringEquals":{"kms:ViaService":{"Fn::Join":["",["s3.",{"Ref":"AWS::Region"},".amazonaws.com"]]}}}';
const tag = (resource: Resource, key: string) =>
  (resource.Properties.Tags as { Key: string; Value: string }[]).find(({ Key }) => Key === key)?.Value;

describe('Redshift', () => {
  test('is small at rest, may grow as far as the settings say, and ends queries that have lost their way', () => {
    expect(resourceOf(template, 'AWS::RedshiftServerless::Workgroup').Properties).toMatchObject({
      WorkgroupName: 'customer-360-test',
      BaseCapacity: 4,
      MaxCapacity: 8,
      PubliclyAccessible: false,
      EnhancedVpcRouting: false,
      ConfigParameters: [
        { ParameterKey: 'require_ssl', ParameterValue: 'true' },
        { ParameterKey: 'max_query_execution_time', ParameterValue: '3600' },
      ],
    });
  });

  test('has the data key, a password that it makes itself, logs of who came, and the role that reads the lake', () => {
    const key = { Ref: expect.stringMatching(/datakeyarn/) };
    expect(resourceOf(template, 'AWS::RedshiftServerless::Namespace').Properties).toMatchObject({
      NamespaceName: 'customer-360-test',
      DbName: 'customer_360',
      AdminUsername: 'admin',
      ManageAdminPassword: true,
      AdminPasswordSecretKmsKeyId: key,
      KmsKeyId: key,
      LogExports: ['connectionlog', 'userlog'],
      IamRoles: [{ 'Fn::GetAtt': [expect.stringMatching(/^WarehouseCopyRole/), 'Arn'] }],
    });
    expect(resourceOf(template, 'AWS::RedshiftServerless::Namespace').Properties).not.toHaveProperty(
      'AdminUserPassword',
    );
    const groups = resourcesOf(template, 'AWS::Logs::LogGroup').map(({ Properties }) => Properties);
    expect(groups.every(({ RetentionInDays }) => RetentionInDays === 90)).toBe(true);
    const named = groups.map(({ LogGroupName }) => String(LogGroupName));
    expect(named.filter((name) => name.startsWith('/aws/redshift/'))).toEqual([
      '/aws/redshift/customer-360-test/connectionlog',
      '/aws/redshift/customer-360-test/userlog',
    ]);
  });

  test('reads the star schema and the manifests in the lake, and nothing else of it', () => {
    expect(rightsOf('WarehouseCopyRole')).toEqual([
      'kms:Decrypt <data/key-arn>',
      's3:GetBucketLocation arn:<AWS::Partition>:s3:::<data/bucket>',
      's3:GetObject arn:<AWS::Partition>:s3:::<data/bucket>/curated/*',
      's3:GetObject arn:<AWS::Partition>:s3:::<data/bucket>/loads/*',
      's3:ListBucket arn:<AWS::Partition>:s3:::<data/bucket>',
    ]);
  });
});

describe('the network', () => {
  test('has two subnets in two zones without a way out but to S3, and a log of what moves', () => {
    const zones = resourcesOf(template, 'AWS::EC2::Subnet').map(({ Properties }) => Properties.AvailabilityZone);
    expect(zones).toEqual([0, 1].map((zone) => ({ 'Fn::Select': [zone, { 'Fn::GetAZs': '' }] })));
    for (const type of ['NatGateway', 'InternetGateway', 'Route', 'EIP']) {
      expect(resourcesOf(template, `AWS::EC2::${type}`)).toEqual([]);
    }
    const { Properties } = resourceOf(template, 'AWS::EC2::VPCEndpoint');
    expect(Properties).toMatchObject({ VpcEndpointType: 'Gateway' });
    expect(Properties.RouteTableIds).toHaveLength(2);
    expect(resourceOf(template, 'AWS::EC2::FlowLog').Properties).toMatchObject({ TrafficType: 'ALL' });
  });

  test('lets nobody in and nothing out', () => {
    const { Properties } = resourceOf(template, 'AWS::EC2::SecurityGroup');
    expect(Properties.SecurityGroupIngress).toBeUndefined();
    expect(Properties.SecurityGroupEgress).toMatchObject([{ CidrIp: '255.255.255.255/32', IpProtocol: 'icmp' }]);
    expect(resourcesOf(template, 'AWS::EC2::SecurityGroupIngress')).toEqual([]);
  });

  test('lies in the zones that the settings name', () => {
    const app = new App();
    new WarehouseNetwork(new Stack(app, 'network'), 'Network', { zones: ['us-east-1b', 'us-east-1d'] });
    const made = app.synth().getStackByName('network').template as Template;
    const zones = resourcesOf(made, 'AWS::EC2::Subnet').map(({ Properties }) => Properties.AvailabilityZone);
    expect(zones).toEqual(['us-east-1b', 'us-east-1d']);
  });

  test('is one that exists where the settings name it, and principals of analysts are those that they name', () => {
    const vpc = { vpcId: 'vpc-0123456789abcdef0', subnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'] };
    const principals = ['arn:aws:iam::123456789012:role/data'];
    const changed = { warehouse: { maxRpus: 32, vpc }, analysts: { principals } };
    const { warehouse: made } = synthesize(newDirectory(), changed).templates;
    expect(resourcesOf(made, 'AWS::EC2::VPC')).toEqual([]);
    expect(resourceOf(made, 'AWS::EC2::SecurityGroup').Properties.VpcId).toBe(vpc.vpcId);
    expect(resourceOf(made, 'AWS::RedshiftServerless::Workgroup').Properties).toMatchObject({
      SubnetIds: vpc.subnetIds,
      MaxCapacity: 32,
    });
    expect(trustOf(made)).toEqual([{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { AWS: principals[0] } }]);
  });
});

describe('migrations', () => {
  const resource = resourceOf(template, 'Custom::WarehouseMigrations') as Resource & { DependsOn: string[] };

  test('run when a file has changed, behind the workgroup, and are waited for as long as their function may take', () => {
    expect(resource.Properties).toEqual({
      ServiceToken: { 'Fn::GetAtt': [expect.stringMatching(/^MigrationsMigrateFunction/), 'Arn'] },
      ServiceTimeout: '900',
      ...Object.fromEntries(
        ['ddl', 'access', 'maintenance'].map((name) => [name, expect.stringMatching(/^[0-9a-f]{64}$/)]),
      ),
      again: '',
    });
    expect(resource.DependsOn).toEqual([
      expect.stringMatching(/^MigrationsOnce/),
      expect.stringMatching(/^WarehouseWorkgroup/),
    ]);
    expect(flowOf(template, 'migrate-warehouse').Properties).toMatchObject({ Timeout: 900 });
  });

  test('connect as the administrator, whose secret no other function reads', () => {
    const secret =
      'arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:redshift!customer-360-test-admin-??????';
    expect(ofFlows['migrate-warehouse']!.filter((line) => !/^(logs|kms):/.test(line))).toEqual([
      `redshift-data:DescribeStatement * ${own}`,
      workgroup,
      `redshift-data:GetStatementResult * ${own}`,
      `secretsmanager:DescribeSecret ${secret}`,
      `secretsmanager:GetSecretValue ${secret}`,
    ]);
    const { Variables } = flowOf(template, 'migrate-warehouse').Properties.Environment as {
      Variables: Record<string, unknown>;
    };
    expect(Variables.C360_WAREHOUSE_SECRET).toBe('redshift!customer-360-test-admin');
    expect(Variables.C360_WAREHOUSE_DATABASE).toBe('customer_360');
    const all = Object.values(rightsOfFlows(synthesized.pipeline)).flat();
    expect(all.filter((line) => line.startsWith('secretsmanager:'))).toEqual([]);
  });
});

describe('upkeep', () => {
  const without = (flow: string) => ofFlows[flow]!.filter((line) => !/^(logs|kms):/.test(line));

  test('is called on Sundays, of the warehouse and of the lake, and by nothing but their schedule', () => {
    const schedules = resourcesOf(template, 'AWS::Scheduler::Schedule').map(({ Properties }) => Properties);
    const target = (id: string) => ({
      Arn: { 'Fn::GetAtt': [expect.stringMatching(new RegExp(`^Upkeep${id}Function`)), 'Arn'] },
    });
    expect(schedules).toEqual(
      ['Maintain', 'Vacuum'].map((id) =>
        expect.objectContaining({
          ScheduleExpression: 'cron(0 6 ? * SUN *)',
          FlexibleTimeWindow: { Mode: 'OFF' },
          Target: expect.objectContaining(target(id)),
        }),
      ),
    );
    expect(rightsOf('UpkeepScheduleRole')).toEqual(
      ['Maintain', 'Vacuum'].map((id) =>
        expect.stringMatching(new RegExp(`^lambda:InvokeFunction <Upkeep${id}Function`)),
      ),
    );
  });

  test('is tried again twice where it fails, as Lambda does where nothing is said, and migrations are not', () => {
    const retries = resourcesOf(template, 'AWS::Lambda::EventInvokeConfig').map(({ Properties }) => Properties);
    expect(retries).toEqual([
      expect.objectContaining({
        FunctionName: { Ref: expect.stringMatching(/^MigrationsMigrate/) },
        MaximumRetryAttempts: 0,
      }),
    ]);
  });

  test('of the warehouse asks that alone', () => {
    expect(without('maintain-warehouse')).toEqual([
      `redshift-data:DescribeStatement * ${own}`,
      workgroup,
      `redshift-data:GetStatementResult * ${own}`,
      expect.stringMatching(/^redshift-serverless:GetCredentials <WarehouseWorkgroup/),
    ]);
  });

  test('of the lake lists it, reads snapshots, and deletes these and files of tables, nothing that came in', () => {
    expect(without('vacuum-lake')).toEqual([
      `redshift-data:DescribeStatement * ${own}`,
      workgroup,
      `redshift-data:GetStatementResult * ${own}`,
      expect.stringMatching(/^redshift-serverless:GetCredentials <WarehouseWorkgroup/),
      ...['clean/', 'curated/', 'snapshots/'].map(
        (folder) => `s3:DeleteObject arn:<AWS::Partition>:s3:::<data/bucket>/${folder}*`,
      ),
      's3:GetObject arn:<AWS::Partition>:s3:::<data/bucket>/snapshots/*',
      's3:ListBucket arn:<AWS::Partition>:s3:::<data/bucket>',
    ]);
    expect(flowOf(template, 'vacuum-lake').Properties).toMatchObject({ Timeout: 900 });
  });
});

test('no right has a wildcard in its action but what analysts are denied', () => {
  const lines = Object.values(rights).flat();
  expect(lines.filter((line) => /^\S*\*/.test(line))).toEqual([]);
  expect(Object.keys(rights).filter((role) => rights[role]!.some((line) => line.startsWith('Deny')))).toEqual([
    expect.stringMatching(/^AnalystsRole/),
  ]);
});

test.each`
  stack          | flow                    | role
  ${'pipeline'}  | ${'plan-run'}           | ${'c360_reader'}
  ${'pipeline'}  | ${'publish-answers'}    | ${'c360_reader'}
  ${'pipeline'}  | ${'load-warehouse'}     | ${'c360_loader'}
  ${'warehouse'} | ${'maintain-warehouse'} | ${'c360_maintainer'}
  ${'warehouse'} | ${'vacuum-lake'}        | ${'c360_reader'}
  ${'warehouse'} | ${'migrate-warehouse'}  | ${undefined}
  ${'pipeline'}  | ${'notify'}             | ${undefined}
`(
  '$flow has the database role $role',
  ({ stack, flow, role }: { stack: 'pipeline' | 'warehouse'; flow: string; role?: string }) => {
    const made = synthesized[stack];
    expect(tag(roleOf(made, flowOf(made, flow)), 'RedshiftDbRoles')).toBe(role);
  },
);

describe('analysts', () => {
  const analyst = Object.values(template.Resources).find(
    ({ Properties }) => Properties.RoleName === 'customer-360-test-analyst',
  )!;

  test('are whom the account lets, with a second factor, where the settings name nobody', () => {
    expect(trustOf(template)).toMatchObject([{ Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } }]);
  });

  test('read the warehouse as the database lets readers, and Athena and the lake as far as the star schema', () => {
    expect(tag(analyst, 'RedshiftDbRoles')).toBe('c360_reader');
    const database = '<data/catalog-database>';
    const starSchema = [
      ...['daily_metrics_batch', 'dim_channel', 'dim_customer', 'dim_date', 'dim_product'],
      ...['fact_event', 'fact_sales', 'fact_session'],
    ];
    const catalog = (what: string) => `arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:${what}`;
    const lines = rightsOf('AnalystsRole').filter((line) => !line.startsWith('Deny') && !line.startsWith('managed'));
    expect(lines.filter((line) => /^(s3|glue|kms):/.test(line))).toEqual([
      ...['GetDatabase', 'GetPartition', 'GetPartitions', 'GetTable', 'GetTables'].flatMap((action) =>
        ['catalog', `database/${database}`, ...starSchema.map((table) => `table/${database}/curated_${table}`)].map(
          (what) => `glue:${action} ${catalog(what)}`,
        ),
      ),
      `kms:Decrypt <data/key-arn> ${viaS3}`,
      `kms:GenerateDataKey <data/key-arn> ${viaS3}`,
      's3:AbortMultipartUpload arn:<AWS::Partition>:s3:::<data/bucket>/athena/*',
      's3:GetBucketLocation arn:<AWS::Partition>:s3:::<data/bucket>',
      's3:GetObject arn:<AWS::Partition>:s3:::<data/bucket>/athena/*',
      's3:GetObject arn:<AWS::Partition>:s3:::<data/bucket>/curated/*',
      's3:ListBucket arn:<AWS::Partition>:s3:::<data/bucket> if {"StringLike":{"s3:prefix":["curated/*","athena/*"]}}',
      's3:PutObject arn:<AWS::Partition>:s3:::<data/bucket>/athena/*',
    ]);
    expect(lines.filter((line) => line.endsWith(' *'))).toEqual([
      'redshift-serverless:ListNamespaces *',
      'redshift-serverless:ListWorkgroups *',
    ]);
  });

  test('are denied by name whatever may hold personal data', () => {
    const object = (folder: string) => `Deny s3:* arn:<AWS::Partition>:s3:::<data/bucket>/${folder}*`;
    const tables = ['ledger', 'vault'].map(
      (table) =>
        `Deny dynamodb:* arn:<AWS::Partition>:dynamodb:<AWS::Region>:<AWS::AccountId>:table/<data/tables/${table}>`,
    );
    expect(rightsOf('AnalystsRole').filter((line) => line.startsWith('Deny'))).toEqual([
      ...tables.flatMap((line) => [line, `${line}/*`]),
      'Deny kinesis:* <data/stream-arn>',
      'Deny kms:* <data/ledger-key-arn>',
      'Deny kms:* <data/vault-key-arn>',
      ...['clean/', 'landing/', 'mappings/', 'quarantine/', 'raw/'].map(object),
      'Deny s3:* arn:<AWS::Partition>:s3:::<data/failures-bucket>',
      'Deny s3:* arn:<AWS::Partition>:s3:::<data/failures-bucket>/*',
      expect.stringMatching(/^Deny secretsmanager:\* .*:secret:redshift!customer-360-test-admin-\*$/),
      'Deny sqs:* <data/landing-dead-letter-queue-arn>',
      'Deny sqs:* <data/landing-queue-arn>',
    ]);
  });
});

test('Athena writes its results encrypted where they end, in its own way, and stops at 100 GB', () => {
  expect(resourceOf(template, 'AWS::Athena::WorkGroup').Properties).toMatchObject({
    Name: 'customer-360-test',
    RecursiveDeleteOption: true,
    WorkGroupConfiguration: {
      EnforceWorkGroupConfiguration: true,
      BytesScannedCutoffPerQuery: 100_000_000_000,
      PublishCloudWatchMetricsEnabled: true,
      ResultConfiguration: {
        OutputLocation: { 'Fn::Join': ['', ['s3://', { Ref: expect.stringMatching(/databucket/) }, '/athena/']] },
        EncryptionConfiguration: { EncryptionOption: 'SSE_KMS', KmsKey: { Ref: expect.stringMatching(/datakeyarn/) } },
      },
    },
  });
});

test('others find it by its parameters', () => {
  const names = resourcesOf(template, 'AWS::SSM::Parameter').map(({ Properties }) => Properties.Name);
  expect(names.sort()).toEqual(
    ['athena-workgroup', 'copy-role-arn', 'database', 'workgroup', 'workgroup-arn'].map(
      (name) => `/customer-360/test/warehouse/${name}`,
    ),
  );
});

/** Who may take the role of analysts. */
function trustOf(made: Template): unknown {
  const role = Object.values(made.Resources).find(
    ({ Properties }) => Properties.RoleName === 'customer-360-test-analyst',
  )!;
  return (role.Properties.AssumeRolePolicyDocument as { Statement: unknown }).Statement;
}
