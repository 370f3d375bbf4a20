/** The doors' functions are fed so that a bad record blocks nothing and nothing is lost: every value that says so, by value. */
import { archiveEventSource } from '../../src/domain/stream/event-source-settings.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { rightsOfFlows } from '../support/rights.ts';
import { resourceOf, resourcesOf, synthesize, type Template } from '../support/synthesized.ts';

const newDirectory = temporaryDirectories();
const { ingestion: template, data } = synthesize(newDirectory()).templates;
const rights = rightsOfFlows(template);

const mappingOf = (source: string) =>
  resourcesOf(template, 'AWS::Lambda::EventSourceMapping').find(({ Properties }) =>
    JSON.stringify(Properties.EventSourceArn).includes(source),
  )!.Properties;

const functionOf = (flow: string) =>
  resourcesOf(template, 'AWS::Lambda::Function').find(({ Metadata }) => Metadata?.['C360::Flow'] === flow)!.Properties;

test('the archive reads each shard in order, halves a batch that fails, and tries for six of the seven days', () => {
  const days = 24 * 60 * 60;
  expect(mappingOf('datastreamarn')).toMatchObject({
    StartingPosition: 'TRIM_HORIZON',
    BatchSize: 5000,
    MaximumBatchingWindowInSeconds: 60,
    ParallelizationFactor: 1,
    MaximumRecordAgeInSeconds: 6 * days,
    MaximumRetryAttempts: -1,
    BisectBatchOnFunctionError: true,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    MetricsConfig: { Metrics: ['EventCount'] },
    FunctionName: { 'Fn::GetAtt': [expect.stringMatching(/^ArchiveEvents/), 'Arn'] },
  });
  const { RetentionPeriodHours } = resourceOf(data, 'AWS::Kinesis::Stream').Properties;
  expect(archiveEventSource.maxRecordAgeSeconds).toBeLessThan(Number(RetentionPeriodHours) * 60 * 60);
});

test('what the archive never took goes whole to the bucket of failures', () => {
  expect(mappingOf('datastreamarn').DestinationConfig).toEqual({
    OnFailure: {
      Destination: {
        'Fn::Join': [
          '',
          ['arn:', { Ref: 'AWS::Partition' }, ':s3:::', { Ref: expect.stringContaining('datafailuresbucket') }],
        ],
      },
    },
  });
  const own = rights['archive-events']!.filter((line) => line.includes('data/failures-bucket'));
  expect(own).toEqual([
    's3:ListBucket arn:<AWS::Partition>:s3:::<data/failures-bucket>',
    's3:PutObject arn:<AWS::Partition>:s3:::<data/failures-bucket>/aws/lambda/*',
  ]);
});

test('files are taken one a call, four calls at a time, each told apart where it fails', () => {
  expect(mappingOf('datalandingqueuearn')).toMatchObject({
    BatchSize: 1,
    ScalingConfig: { MaximumConcurrency: 4 },
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    FunctionName: { 'Fn::GetAtt': [expect.stringMatching(/^IngestBatch/), 'Arn'] },
  });
});

test('a call for a file may take five minutes, and its message is hidden for six times as long', () => {
  const queue = Object.entries(data.Resources).find(([id]) => /^LandingQueue[0-9A-F]{8}$/.test(id))![1].Properties;
  expect(functionOf('ingest-batch').Timeout).toBe(5 * 60);
  expect(queue.VisibilityTimeout).toBe(30 * 60);
});

test('a file may go on by a notice of its own, which AWS would stop as a loop', () => {
  expect(functionOf('ingest-batch').RecursiveLoop).toBe('Allow');
  expect(functionOf('archive-events').RecursiveLoop).toBeUndefined();
});

test('the doors write the lake, the hot store and the vault, and of the ledger only its key', () => {
  const found = (flow: string, pattern: RegExp) =>
    rights[flow]!.map((line) => pattern.exec(line)?.[1]).filter((one) => one !== undefined);
  const written = /^dynamodb:PutItem .*<data\/tables\/(.*)>$/;
  expect(found('archive-events', written)).toEqual(['batches', 'checkpoints', 'vault']);
  expect(found('ingest-batch', written)).toEqual(['batches', 'files', 'vault']);
  const object = /^s3:PutObject .*<data\/bucket>\/(.*)\*$/;
  expect(found('archive-events', object)).toEqual(['quarantine/', 'raw/']);
  expect(found('ingest-batch', object)).toEqual(['landing/', 'quarantine/', 'raw/']);
  for (const flow of ['archive-events', 'ingest-batch']) {
    expect(
      rights[flow]!.filter((line) => /<data\/tables\/ledger>/.test(line)).map((line) => line.replace(/arn:\S+/, '')),
    ).toEqual([
      'dynamodb:BatchGetItem ',
      'dynamodb:GetItem ',
      'dynamodb:PutItem  if {"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["key"]}}',
      'dynamodb:Query ',
    ]);
  }
});

test('the archive reads the stream, and the door of files its queue', () => {
  expect(rights['archive-events']!.filter((line) => line.startsWith('kinesis:'))).toEqual(
    ['DescribeStream', 'DescribeStreamSummary', 'GetRecords', 'GetShardIterator', 'ListShards'].map(
      (action) => `kinesis:${action} <data/stream-arn>`,
    ),
  );
  expect(rights['ingest-batch']!.filter((line) => line.startsWith('sqs:'))).toEqual(
    ['DeleteMessage', 'GetQueueAttributes', 'ReceiveMessage'].map((action) => `sqs:${action} <data/landing-queue-arn>`),
  );
});

test('functions are capped where the settings reserve concurrency, the archive at its shards, and else not', () => {
  const stream = { shards: 3, retentionHours: 168 };
  const { ingestion, pipeline, warehouse } = synthesize(newDirectory(), {
    isConcurrencyReserved: true,
    stream,
  }).templates;
  const capsIn = (made: Template) =>
    resourcesOf(made, 'AWS::Lambda::Function').map(({ Properties }) => Properties.ReservedConcurrentExecutions);
  expect(capsIn(ingestion)).toEqual([3, 4]);
  expect(new Set(capsIn(pipeline))).toEqual(new Set([2]));
  // Migrations, and upkeep of warehouse and lake.
  expect(capsIn(warehouse)).toEqual([1, 2, 1]);
  expect(capsIn(template)).toEqual([undefined, undefined]);
});
