/** A function that consumes the stream of events: each consumer has a place of its own in every shard. */
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { EventSourceSettings } from '../../src/domain/stream/event-source-settings.ts';
import { allow, bucketArn } from '../permissions.ts';
import { FlowFunction, type FlowFunctionProps } from './flow-function.ts';

export interface StreamConsumerProps extends Omit<FlowFunctionProps, 'source'> {
  settings: EventSourceSettings;
}

/** With these Lambda reads a shard, in the function's name. */
const readStream = ['DescribeStream', 'DescribeStreamSummary', 'GetRecords', 'GetShardIterator', 'ListShards'];

export class StreamConsumer extends Construct {
  readonly mappingId: string;

  constructor(scope: Construct, id: string, { settings, ...props }: StreamConsumerProps) {
    super(scope, id);
    const stream = props.deployment.read('streamArn');
    const failures = bucketArn(this, props.deployment.read('failuresBucket'));
    const failed = `${failures}/aws/lambda/*`;
    const { arn } = new FlowFunction(this, 'Consumer', {
      ...props,
      source: {
        statements: [
          allow(
            readStream.map((action) => `kinesis:${action}`),
            stream,
          ),
          allow(['s3:ListBucket'], failures),
          allow(['s3:PutObject'], failed),
        ],
        wildcards: [{ resource: failed, reason: 'Lambda names what it could not hand over by shard and time' }],
      },
    });
    const mapping = new CfnEventSourceMapping(this, 'Mapping', {
      functionName: arn,
      eventSourceArn: stream,
      startingPosition: settings.startingPosition,
      batchSize: settings.batchSize,
      maximumBatchingWindowInSeconds: settings.maxBatchingWindowSeconds,
      maximumRecordAgeInSeconds: settings.maxRecordAgeSeconds,
      maximumRetryAttempts: settings.retryAttempts,
      bisectBatchOnFunctionError: settings.bisectBatchOnError,
      functionResponseTypes: settings.reportBatchItemFailures ? ['ReportBatchItemFailures'] : [],
      parallelizationFactor: settings.parallelizationFactor,
      // The whole batch goes there: a queue would get its place in the stream alone.
      destinationConfig: { onFailure: { destination: failures } },
      metricsConfig: { metrics: ['EventCount'] },
    });
    this.mappingId = mapping.ref;
  }
}
