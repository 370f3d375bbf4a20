/** Each role may do what its flow does, and nothing else: asserted by value, so that a right more is seen. */
import { temporaryDirectories } from '../support/local-stores.ts';
import { rightsIn, rightsOfFlows } from '../support/rights.ts';
import { synthesize } from '../support/synthesized.ts';

const { pipeline: template } = synthesize(temporaryDirectories()()).templates;
const rights = rightsIn(template);
const ofFlows = rightsOfFlows(template);

/** What is found of each flow's rights, where there is any. */
const found = (pattern: RegExp): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(ofFlows)
      .map(([flow, lines]): [string, string[]] => [
        flow,
        lines.map((line) => pattern.exec(line)?.[1]).filter((one) => one !== undefined),
      ])
      .filter(([, ones]) => ones.length > 0),
  );

test('the function notify has these rights', () => {
  const object = (folder: string) => `arn:<AWS::Partition>:s3:::<data/bucket>/${folder}*`;
  const items = (table: string) =>
    `arn:<AWS::Partition>:dynamodb:<AWS::Region>:<AWS::AccountId>:table/<data/tables/${table}>`;
  const onItems = ['BatchGetItem', 'ConditionCheckItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'];
  expect(ofFlows.notify).toEqual([
    ...onItems.flatMap((action) => ['alerts', 'locks', 'runs'].map((table) => `dynamodb:${action} ${items(table)}`)),
    'kms:Decrypt <data/key-arn>',
    'kms:GenerateDataKey <data/key-arn>',
    expect.stringMatching(/^logs:CreateLogStream <NotifyLogs/),
    expect.stringMatching(/^logs:PutLogEvents <NotifyLogs/),
    `s3:AbortMultipartUpload ${object('reports/')}`,
    ...['clean/', 'curated/'].map((folder) => `s3:DeleteObject ${object(folder)}`),
    ...['plans/', 'reports/', 'snapshots/'].map((folder) => `s3:GetObject ${object(folder)}`),
    's3:ListBucket arn:<AWS::Partition>:s3:::<data/bucket>',
    `s3:PutObject ${object('reports/')}`,
    'sns:Publish <data/alerts-topic-arn>',
  ]);
});

test('functions read these folders of the lake', () => {
  expect(found(/^s3:GetObject .*<data\/bucket>\/(.*)\*$/)).toEqual({
    'plan-run': ['exclusions/', 'plans/', 'rates/', 'serving/', 'snapshots/'],
    'judge-quality': ['plans/', 'snapshots/'],
    'exclude-rows': ['plans/', 'raw/'],
    'plan-curated': ['plans/', 'rates/', 'snapshots/'],
    'publish-snapshot': ['exclusions/', 'plans/', 'snapshots/'],
    'load-warehouse': ['loads/', 'snapshots/'],
    'publish-answers': ['serving/', 'snapshots/'],
    notify: ['plans/', 'reports/', 'snapshots/'],
  });
});

test('functions write these, none of them raw records', () => {
  expect(found(/^s3:PutObject .*<data\/bucket>\/(.*)\*$/)).toEqual({
    'plan-run': ['plans/'],
    'judge-quality': ['plans/'],
    'exclude-rows': ['exclusions/', 'plans/', 'quarantine/'],
    'plan-curated': ['plans/', 'rates/'],
    'publish-snapshot': ['snapshots/'],
    'load-warehouse': ['loads/'],
    'publish-answers': ['serving/'],
    notify: ['reports/'],
  });
});

test('functions delete these, what was published never', () => {
  expect(found(/^s3:DeleteObject .*<data\/bucket>\/(.*)\*$/)).toEqual({
    'publish-answers': ['serving/'],
    notify: ['clean/', 'curated/'],
  });
});

test('functions write these tables', () => {
  expect(found(/^dynamodb:PutItem .*<data\/tables\/(.*)>$/)).toEqual({
    'plan-run': ['locks', 'runs'],
    'judge-quality': ['locks', 'runs'],
    'exclude-rows': ['locks', 'runs', 'vault'],
    'publish-snapshot': ['locks', 'runs'],
    'load-warehouse': ['locks', 'runs'],
    'publish-answers': ['locks', 'runs'],
    notify: ['alerts', 'locks', 'runs'],
  });
});

test('one function has the vault key, one the topic, three the warehouse', () => {
  expect(found(/^kms:(\w+) <data\/vault-key/)).toEqual({ 'exclude-rows': ['Decrypt', 'GenerateDataKey'] });
  expect(found(/^sns:(\w+) /)).toEqual({ notify: ['Publish'] });
  const query = ['DescribeStatement', 'ExecuteStatement', 'GetStatementResult'];
  expect(found(/^redshift-data:(\w+) /)).toEqual({
    'plan-run': query,
    'load-warehouse': query,
    'publish-answers': query,
  });
});

test('one function points the partitions of the catalog, of the lake’s database alone', () => {
  const actions = ['BatchCreatePartition', 'BatchDeletePartition', 'BatchUpdatePartition', 'GetPartitions', 'GetTable'];
  expect(found(/^glue:(\w+) .*:table\/<data\/catalog-database>\/\*$/)).toEqual({ 'load-warehouse': actions });
  expect(Object.keys(found(/^(glue):/))).toEqual(['load-warehouse']);
});

test('the Glue job has these rights: it makes tables and notes in plans, and raw records it only reads', () => {
  const [, job] = Object.entries(rights).find(([id]) => id.startsWith('ModelsRole'))!;
  const object = (folder: string) => `arn:<AWS::Partition>:s3:::<data/bucket>/${folder}*`;
  const written = ['clean/', 'curated/', 'plans/'].map(object);
  const above = ['clean', 'curated'].map((folder) => `arn:<AWS::Partition>:s3:::<data/bucket>/${folder}`);
  const asset = `arn:<AWS::Partition>:s3:::<cdk-hnb659fds-assets-\${AWS::AccountId}-\${AWS::Region}>`;
  const groups =
    'arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:/aws-glue/jobs/customer-360-test/*';
  expect(job.map((line) => line.replace(/[0-9a-f]{64}/, '<hash>')).sort()).toEqual([
    'cloudwatch:PutMetricData * if {"StringEquals":{"cloudwatch:namespace":"Glue"}}',
    'kms:Decrypt <data/key-arn>',
    'kms:Encrypt <data/key-arn>',
    'kms:GenerateDataKey <data/key-arn>',
    ...['AssociateKmsKey', 'CreateLogGroup', 'CreateLogStream', 'PutLogEvents'].map((one) => `logs:${one} ${groups}`),
    ...written.map((one) => `s3:AbortMultipartUpload ${one}`),
    ...written.map((one) => `s3:DeleteObject ${one}`),
    ...['py', 'zip'].map((ending) => `s3:GetObject ${asset}/<hash>.${ending}`),
    ...[above[0]!, object('clean/'), above[1]!, object('curated/')].map((one) => `s3:GetObject ${one}`),
    ...['exclusions/', 'plans/', 'rates/', 'raw/'].map((one) => `s3:GetObject ${object(one)}`),
    's3:ListBucket arn:<AWS::Partition>:s3:::<data/bucket>',
    's3:ListBucketMultipartUploads arn:<AWS::Partition>:s3:::<data/bucket>',
    ...written.map((one) => `s3:PutObject ${one}`),
  ]);
});

test('the state machine calls its functions and its job, and the schedule starts it', () => {
  const [, machine] = Object.entries(rights).find(([id]) => id.startsWith('PipelineRole'))!;
  const named = machine.filter((line) => !line.endsWith(' *'));
  const job = 'arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:job/customer-360-test-models';
  expect(named.map((line) => line.replace(/Function[0-9A-F]{8}>$/, '>'))).toEqual([
    ...['BatchStopJobRun', 'GetJobRun', 'GetJobRuns', 'StartJobRun'].map((action) => `glue:${action} ${job}`),
    'kms:Decrypt <data/key-arn>',
    'kms:GenerateDataKey <data/key-arn>',
    ...['ExcludeRows', 'JudgeQuality', 'LoadWarehouse', 'Notify', 'PlanCurated', 'PlanRun'].map(invoked),
    ...['PublishAnswers', 'PublishSnapshot'].map(invoked),
    'sns:Publish <data/alerts-topic-arn>',
  ]);
  const [, schedule] = Object.entries(rights).find(([id]) => id.startsWith('SchedulerRole'))!;
  expect(schedule).toEqual([expect.stringMatching(/^states:StartExecution <Pipeline[0-9A-F]{8}>$/)]);
});

const invoked = (name: string) => `lambda:InvokeFunction <${name}>`;

test('no right has a wildcard in its action, and none on everything is without a condition but logs and traces', () => {
  const lines = Object.values(rights).flat();
  expect(lines.filter((line) => /^\S*\*/.test(line) || line.startsWith('managed'))).toEqual([]);
  const onAll = lines.filter((line) => / \*$/.test(line));
  expect(onAll.filter((line) => !/^(logs|xray):/.test(line))).toEqual([]);
  const own = '{"StringEquals":{"redshift-data:statement-owner-iam-userid":"$' + '{aws:userid}"}}';
  expect([...new Set(lines.filter((line) => line.includes(' * if ')))].sort()).toEqual([
    'cloudwatch:PutMetricData * if {"StringEquals":{"cloudwatch:namespace":"Glue"}}',
    `redshift-data:DescribeStatement * if ${own}`,
    `redshift-data:GetStatementResult * if ${own}`,
  ]);
});
