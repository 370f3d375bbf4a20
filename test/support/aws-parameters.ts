/** Writes into moto's parameter store what the stacks of a deployment put there, so that `c360 --target aws` finds it. */
import { randomUUID } from 'node:crypto';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { type AwsDeployment, newAwsDeployment } from './aws-deployment.ts';
import { newBucket } from './moto.ts';
import { newTopic, type TopicUnderTest } from './moto-queue.ts';

export interface FoundDeployment extends AwsDeployment {
  /** The deployment's name. */
  environment: string;
  failuresBucket: string;
  topic: TopicUnderTest;
  stateMachineArn: string;
  /** Environment variables of a person's shell. */
  shell: Record<string, string>;
}

const mappingId = '0f6e1c2a-5d3b-4a7e-9c8d-1b2a3c4d5e6f';

/** Where Lambda puts what the archive could not take. */
export const failuresPrefix = `aws/lambda/${mappingId}/`;

/** A deployment on moto, of a name of its own since moto is shared by all suites; `without` leaves parameters out. */
export async function newFoundDeployment({
  without = [] as string[],
  environment = `t${randomUUID().slice(0, 8)}`,
} = {}): Promise<FoundDeployment> {
  const deployment = await newAwsDeployment();
  const { clients, variables } = deployment;
  const stateMachineArn = `arn:aws:states:eu-west-1:123456789012:stateMachine:customer-360-${environment}-pipeline`;
  const [failuresBucket, topic] = await Promise.all([newBucket(clients.s3), newTopic(clients.sns)]);
  const tables = ['checkpoints', 'files', 'batches', 'runs', 'locks', 'alerts', 'vault', 'ledger'];
  const values: Record<string, string> = {
    'data/bucket': variables.C360_BUCKET!,
    'data/failures-bucket': failuresBucket,
    'data/stream': deployment.streamName,
    'data/vault-key-arn': variables.C360_VAULT_KEY!,
    'data/ledger-key-arn': variables.C360_LEDGER_KEY!,
    'data/alerts-topic-arn': topic.topicArn,
    ...Object.fromEntries(
      tables.map((table) => [`data/tables/${table}`, variables[`C360_TABLE_${table.toUpperCase()}`]!]),
    ),
    'ingestion/archive-mapping-id': mappingId,
    'pipeline/state-machine-arn': stateMachineArn,
    'warehouse/workgroup': 'customer-360',
    'warehouse/database': 'customer_360',
    'warehouse/copy-role-arn': 'arn:aws:iam::123456789012:role/copy',
  };
  const { AWS_REGION, AWS_ENDPOINT_URL } = variables;
  const client = new SSMClient({
    region: AWS_REGION,
    endpoint: AWS_ENDPOINT_URL,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  for (const [path, Value] of Object.entries(values)) {
    if (without.includes(path)) continue;
    const Name = `/customer-360/${environment}/${path}`;
    await client.send(new PutParameterCommand({ Name, Value, Type: 'String', Overwrite: true }));
  }
  client.destroy();
  const shell = {
    AWS_REGION: AWS_REGION!,
    AWS_ENDPOINT_URL: AWS_ENDPOINT_URL!,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    C360_TARGET: 'aws',
    C360_ENV: environment,
  };
  return { ...deployment, environment, failuresBucket, topic, stateMachineArn, shell };
}
