/** The metrics that alarms and graphs watch: of AWS' services by what a deployment calls its parts, and the platform's own. */
import { Fn } from 'aws-cdk-lib';
import { type MetricDimension, type MetricName, metricsNamespace } from '../../src/domain/metrics/custom-metrics.ts';
import type { Deployment } from '../deployment.ts';

export type Statistic = 'Sum' | 'Maximum' | 'Average';

export interface WatchedMetric {
  namespace: string;
  name: string;
  dimensions: Record<string, string>;
  statistic: Statistic;
}

export type OwnDimensions = Partial<Record<Exclude<MetricDimension, 'Environment'>, string>>;

/** The metrics of a deployment: each function takes a metric's name, as its service documents it. */
export function watchedMetrics(deployment: Deployment) {
  const of =
    (namespace: string, dimensions: Record<string, string>) =>
    (name: string, statistic: Statistic = 'Sum'): WatchedMetric => ({ namespace, name, dimensions, statistic });
  return {
    function: (flow: string) => of('AWS/Lambda', { FunctionName: deployment.nameOf(flow) }),
    archiveMapping: of('AWS/Lambda', { EventSourceMappingUUID: deployment.read('archiveMappingId') }),
    stream: of('AWS/Kinesis', { StreamName: deployment.read('stream') }),
    landing: of('AWS/SQS', { QueueName: queueName(deployment.read('landingQueueArn')) }),
    deadLetters: of('AWS/SQS', { QueueName: queueName(deployment.read('landingDeadLetterQueueArn')) }),
    pipeline: of('AWS/States', { StateMachineArn: deployment.read('stateMachineArn') }),
    warehouse: of('AWS/Redshift-Serverless', { Workgroup: deployment.read('warehouseWorkgroup') }),
    lake: (StorageType: 'StandardStorage' | 'AllStorageTypes') =>
      of('AWS/S3', { BucketName: deployment.read('bucket'), StorageType }),
    own: (name: MetricName, dimensions: OwnDimensions = {}, statistic: Statistic = 'Sum'): WatchedMetric =>
      of(metricsNamespace, { Environment: deployment.environment, ...dimensions })(name, statistic),
  };
}

export type Watched = ReturnType<typeof watchedMetrics>;

/** `arn:aws:sqs:<region>:<account>:<name>` */
const queueName = (arn: string): string => Fn.select(5, Fn.split(':', arn));
