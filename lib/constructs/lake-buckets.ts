/** The lake's bucket, the bucket for what Lambda could not hand over, and the bucket for the access logs of both. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type BucketProps,
  type CfnBucket,
  type LifecycleRule,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface LakeBucketsProps {
  key: IKey;
  removalPolicy: RemovalPolicy;
  rawRetentionDays: number;
  /** Gets S3's notices of what lands; it takes them before the bucket is made. */
  landingQueue: IQueue;
}

/** Folders whose objects end by themselves, after days. The stated ends of transient stores are those of docs/privacy.md. */
const endings = (rawRetentionDays: number): Record<string, number> => ({
  'landing/': 1,
  'quarantine/': 21,
  'loads/': 7,
  'athena/': 7,
  'plans/': 90,
  'raw/': rawRetentionDays,
});

/** Days for which what was deleted or overwritten in the lake can be brought back. */
const restorableDays = 7;

/** Where personal data may lie in the clear: what is deleted there is not kept for a restore. */
const clearTextFolder = 'landing/';

export class LakeBuckets extends Construct {
  readonly lake: Bucket;
  /** Holds personal data in the clear, as the stream does; nothing but Lambda writes there. */
  readonly failures: Bucket;

  constructor(scope: Construct, id: string, props: LakeBucketsProps) {
    super(scope, id);
    const common = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      removalPolicy: props.removalPolicy,
      autoDeleteObjects: props.removalPolicy === RemovalPolicy.DESTROY,
    } satisfies BucketProps;
    const abortedAfter = Duration.days(1);
    const accessLogs = new Bucket(this, 'AccessLogs', {
      ...common,
      // The delivery of access logs takes no key of ours.
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [{ id: 'end', expiration: Duration.days(90), abortIncompleteMultipartUploadAfter: abortedAfter }],
    });
    const encrypted = {
      ...common,
      encryption: BucketEncryption.KMS,
      encryptionKey: props.key,
      bucketKeyEnabled: true,
      serverAccessLogsBucket: accessLogs,
    } satisfies BucketProps;
    this.lake = new Bucket(this, 'Lake', {
      ...encrypted,
      versioned: true,
      serverAccessLogsPrefix: 'lake/',
      lifecycleRules: lakeRules(props.rawRetentionDays),
    });
    notifyOfLanded(this.lake, props.landingQueue);
    this.failures = new Bucket(this, 'Failures', {
      ...encrypted,
      serverAccessLogsPrefix: 'failures/',
      lifecycleRules: [{ id: 'end', expiration: Duration.days(7), abortIncompleteMultipartUploadAfter: abortedAfter }],
    });
    for (const bucket of [this.lake, this.failures]) denyOtherEncryption(bucket, props.key);
  }
}

function lakeRules(rawRetentionDays: number): LifecycleRule[] {
  const ends = Object.entries(endings(rawRetentionDays)).map(([prefix, days]): LifecycleRule => {
    const isClear = prefix === clearTextFolder;
    return {
      id: `end of ${prefix}`,
      prefix,
      expiration: Duration.days(days),
      ...(isClear && { noncurrentVersionExpiration: Duration.days(1) }),
    };
  });
  return [
    ...ends,
    {
      id: 'end of what was deleted or overwritten',
      noncurrentVersionExpiration: Duration.days(restorableDays),
      abortIncompleteMultipartUploadAfter: Duration.days(1),
    },
    { id: 'end of marks of deletion', expiredObjectDeleteMarker: true },
  ];
}

/** In the bucket's own properties: CDK's way is a function that needs the right to configure any bucket. */
function notifyOfLanded(bucket: Bucket, queue: IQueue): void {
  (bucket.node.defaultChild as CfnBucket).notificationConfiguration = {
    queueConfigurations: [
      {
        event: 's3:ObjectCreated:*',
        queue: queue.queueArn,
        filter: { s3Key: { rules: [{ name: 'prefix', value: 'landing/' }] } },
      },
    ],
  };
}

/** An object that asks for no encryption gets the bucket's; one that asks for another is refused. */
function denyOtherEncryption(bucket: Bucket, key: IKey): void {
  const algorithm = 's3:x-amz-server-side-encryption';
  // Who asks for the algorithm and names no key would get AWS' own.
  const asked = { [algorithm]: 'aws:kms', 's3:x-amz-server-side-encryption-aws-kms-key-id': key.keyArn };
  for (const [header, value] of Object.entries(asked)) {
    bucket.addToResourcePolicy(
      new PolicyStatement({
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['s3:PutObject'],
        resources: [bucket.arnForObjects('*')],
        conditions: { Null: { [algorithm]: 'false' }, StringNotEquals: { [header]: value } },
      }),
    );
  }
}
