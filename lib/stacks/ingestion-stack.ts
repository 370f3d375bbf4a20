/** The doors: the archive of the stream, and the door of files that land in the lake. */
import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { archiveEventSource } from '../../src/domain/stream/event-source-settings.ts';
import { QueueConsumer } from '../constructs/queue-consumer.ts';
import { StreamConsumer } from '../constructs/stream-consumer.ts';
import { Deployment, type DeploymentStackProps } from '../deployment.ts';
import { ingestionFunctions } from '../ingestion-functions.ts';

export class IngestionStack extends Stack {
  constructor(scope: Construct, id: string, { environment, settings, ...props }: DeploymentStackProps) {
    super(scope, id, props);
    const deployment = new Deployment(this, environment, settings);
    const variables = { C360_REPORTING_CURRENCY: settings.reportingCurrency };
    const archive = new StreamConsumer(this, 'ArchiveEvents', {
      deployment,
      flow: 'archive-events',
      variables,
      ...ingestionFunctions['archive-events'],
      mostCalls: settings.stream.shards,
      settings: archiveEventSource,
    });
    new QueueConsumer(this, 'IngestBatch', {
      deployment,
      flow: 'ingest-batch',
      variables,
      ...ingestionFunctions['ingest-batch'],
      queueArn: deployment.read('landingQueueArn'),
    });
    deployment.put({ archiveMappingId: archive.mappingId });
  }
}
