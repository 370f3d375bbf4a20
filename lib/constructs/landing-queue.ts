/** The queue of S3's notices of landed files, and the queue of those that failed five times. */
import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption, type QueuePolicy } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { ingestionFunctions } from '../ingestion-functions.ts';

export class LandingQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly #policy: QueuePolicy;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    // Notices hold keys of objects, and no data: SQS' own key will do, and S3 needs no right to another.
    const common = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, retentionPeriod: Duration.days(14) };
    this.deadLetters = new Queue(this, 'DeadLetters', common);
    this.queue = new Queue(this, 'Queue', {
      ...common,
      // Lambda needs six times the function's own time, for the calls that it tries again.
      visibilityTimeout: Duration.minutes(6 * ingestionFunctions['ingest-batch'].timeoutMinutes),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 5 },
    });
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('s3.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [this.queue.queueArn],
        // The bucket has no name yet: it is made with this queue in its properties.
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    this.#policy = this.queue.node.findChild('Policy') as QueuePolicy;
  }

  /** S3 tries the queue when the bucket is made: its policy must be there before. */
  allowBefore(bucket: Construct): void {
    bucket.node.addDependency(this.#policy);
  }
}
