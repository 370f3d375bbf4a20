/** The Glue job that executes a plan of models on Spark: `glue-scripts/run_models.py`, with the folder `sql/` as an archive. */
import { join } from 'node:path';
import { type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  CloudWatchEncryption,
  Code,
  GlueVersion,
  JobBookmarksEncryption,
  PySparkEtlJob,
  S3Encryption,
  SecurityConfiguration,
  WorkerType,
} from 'aws-cdk-lib/aws-glue';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { acknowledgeWildcards, allow, bucketArn, permissionsOf, type Uses } from '../permissions.ts';

const root = join(import.meta.dirname, '../..');

/** What the script reads and writes. A committer of Hadoop works in the folder of the table, and deletes what it moved. */
const uses: Uses = {
  objects: {
    'raw/': ['read'],
    'clean/': ['read', 'write', 'delete'],
    'curated/': ['read', 'write', 'delete'],
    'exclusions/': ['read'],
    'rates/': ['read'],
    'plans/': ['read', 'write', 'delete'],
  },
  tables: {},
};

export interface ModelsJobProps {
  deployment: Deployment;
  /** Most workers of one run, at least 2: one of them drives the others. Each is one DPU, 4 cores and 16 GB. */
  maxWorkers: number;
  timeout: Duration;
}

export class ModelsJob extends Construct {
  readonly name: string;
  readonly arn: string;

  constructor(scope: Construct, id: string, { deployment, maxWorkers, timeout }: ModelsJobProps) {
    super(scope, id);
    this.name = deployment.nameOf('models');
    this.arn = Stack.of(this).formatArn({ service: 'glue', resource: 'job', resourceName: this.name });
    const script = new Asset(this, 'Script', { path: join(root, 'glue-scripts/run_models.py') });
    const sql = new Asset(this, 'Sql', { path: join(root, 'sql') });
    const logs = `/aws-glue/jobs/customer-360-${deployment.environment}`;
    const key = Key.fromKeyArn(this, 'DataKey', deployment.read('dataKeyArn'));
    const role = this.#role(deployment, [script, sql], logs);
    this.#keepLogs(logs, role, key);
    const securityConfiguration = new SecurityConfiguration(this, 'Encryption', {
      securityConfigurationName: this.name,
      s3Encryption: S3Encryption.kms(key),
      cloudWatchEncryption: CloudWatchEncryption.kms(key),
      jobBookmarksEncryption: JobBookmarksEncryption.clientSideKms(key),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new PySparkEtlJob(this, 'Job', {
      jobName: this.name,
      description: `Customer 360 ${deployment.environment}: executes a plan of models`,
      glueVersion: GlueVersion.V6_0,
      workerConfiguration: { workerType: WorkerType.G_1X, numberOfWorkers: maxWorkers },
      timeout,
      maxConcurrentRuns: 1,
      // The state machine tries again.
      maxRetries: 0,
      script: Code.fromBucket(script.bucket, script.s3ObjectKey),
      // The role is whole: CDK adds nothing to it.
      role: role.withoutPolicyUpdates(),
      securityConfiguration,
      defaultArguments: {
        '--lake': `s3://${deployment.read('bucket')}`,
        '--sql': sql.s3ObjectUrl,
        '--enable-auto-scaling': 'true',
        '--job-bookmark-option': 'job-bookmark-disable',
        '--custom-logGroup-prefix': logs,
      },
    });
  }

  #role(deployment: Deployment, assets: Asset[], logs: string): Role {
    const { statements, wildcards } = permissionsOf(this, deployment, uses);
    const logGroups = Stack.of(this).formatArn({ service: 'logs', resource: `log-group:${logs}/*` });
    const metrics = new PolicyStatement({
      actions: ['cloudwatch:PutMetricData'],
      resources: ['*'],
      conditions: { StringEquals: { 'cloudwatch:namespace': 'Glue' } },
    });
    const bucket = bucketArn(this, deployment.read('bucket'));
    const own = [
      // Before it makes a folder, Hadoop looks whether an object has the name of one above it.
      allow(['s3:GetObject'], `${bucket}/clean`, `${bucket}/curated`),
      // Hadoop's committers look for uploads that others left unfinished.
      allow(['s3:ListBucketMultipartUploads'], bucket),
      // Which Glue asks for where a security configuration encrypts.
      allow(['kms:Encrypt'], deployment.read('dataKeyArn')),
      allow(['s3:GetObject'], ...assets.map((one) => `${bucketArn(this, one.s3BucketName)}/${one.s3ObjectKey}`)),
      // Without the right to encrypt its groups Glue writes no logs.
      allow(['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents', 'logs:AssociateKmsKey'], logGroups),
      metrics,
    ];
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('glue.amazonaws.com'),
      inlinePolicies: { models: new PolicyDocument({ statements: [...statements, ...own] }) },
    });
    acknowledgeWildcards(role, [
      ...wildcards,
      {
        resource: logGroups,
        reason: 'Glue names the groups of the job by its role, and the streams by run and worker',
      },
      { resource: '*', reason: 'CloudWatch has no resources for metrics; the condition names the namespace' },
    ]);
    return role;
  }

  /** Glue makes groups of these names, without an end to what it keeps, where they are not made before. */
  #keepLogs(prefix: string, role: Role, encryptionKey: IKey): void {
    for (const name of ['error', 'output']) {
      new LogGroup(this, name, {
        logGroupName: `${prefix}/${this.name}-role/${role.roleName}/${name}`,
        encryptionKey,
        retention: RetentionDays.THREE_MONTHS,
        removalPolicy: RemovalPolicy.DESTROY,
      });
    }
  }
}
