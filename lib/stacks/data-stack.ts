/** All state: keys, buckets, tables, stream, the queue of landed files, the topic. Other stacks can be deleted and made anew. */
import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis';
import type { Construct } from 'constructs';
import type { CatalogTable } from '../../src/domain/lake/catalog.ts';
import { AlertsTopic } from '../constructs/alerts-topic.ts';
import { Catalog } from '../constructs/catalog.ts';
import { Keys } from '../constructs/keys.ts';
import { LakeBuckets } from '../constructs/lake-buckets.ts';
import { LandingQueue } from '../constructs/landing-queue.ts';
import { StateTables } from '../constructs/state-tables.ts';
import { Deployment, type DeploymentStackProps, tables } from '../deployment.ts';

export interface DataStackProps extends DeploymentStackProps {
  /** The lake's tables for the catalog. */
  tables: CatalogTable[];
}

export class DataStack extends Stack {
  constructor(scope: Construct, id: string, { environment, settings, tables: lakeTables, ...props }: DataStackProps) {
    super(scope, id, props);
    const removalPolicy = settings.isDataRetained ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    const keys = new Keys(this, 'Keys', { removalPolicy });
    const landing = new LandingQueue(this, 'Landing');
    const buckets = new LakeBuckets(this, 'Buckets', {
      key: keys.data,
      removalPolicy,
      rawRetentionDays: settings.rawRetentionDays,
      landingQueue: landing.queue,
    });
    landing.allowBefore(buckets.lake);
    const stream = new Stream(this, 'Events', {
      streamMode: StreamMode.PROVISIONED,
      shardCount: settings.stream.shards,
      retentionPeriod: Duration.hours(settings.stream.retentionHours),
      encryption: StreamEncryption.KMS,
      encryptionKey: keys.data,
      removalPolicy,
    });
    Validations.of(stream).acknowledge({
      id: 'AwsSolutions-KDS3',
      reason: 'A key of its own, unlike that of AWS, has a policy that says who reads the events',
    });
    const stateTables = new StateTables(this, 'Tables', { keys, removalPolicy });
    const catalog = new Catalog(this, 'Catalog', {
      environment,
      bucket: buckets.lake.bucketName,
      tables: lakeTables,
      rawRetentionDays: settings.rawRetentionDays,
    });
    const topic = new AlertsTopic(this, 'Alerts', { key: keys.data, ...settings.alerts });
    const deployment = new Deployment(this, environment);
    for (const table of tables) {
      deployment.putTableName(table, settings.restoredTables?.[table] ?? stateTables.byName[table].tableName);
    }
    deployment.put({
      bucket: buckets.lake.bucketName,
      failuresBucket: buckets.failures.bucketName,
      dataKeyArn: keys.data.keyArn,
      vaultKeyArn: keys.vault.keyArn,
      ledgerKeyArn: keys.ledger.keyArn,
      stream: stream.streamName,
      streamArn: stream.streamArn,
      landingQueueArn: landing.queue.queueArn,
      landingDeadLetterQueueArn: landing.deadLetters.queueArn,
      catalogDatabase: catalog.database,
      alertsTopicArn: topic.arn,
    });
  }
}
