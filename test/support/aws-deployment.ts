/** Everything that the functions need on a moto server, as a deployment would make it. */
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { AwsClients } from '../../src/adapters/aws/clients.ts';
import { awsEnvironment } from '../../src/adapters/aws/environment.ts';
import { KinesisEventStream } from '../../src/adapters/aws/kinesis-event-stream.ts';
import { S3ObjectStore } from '../../src/adapters/aws/s3-object-store.ts';
import type { Environment } from '../../src/ports.ts';
import { motoAddress, motoClients, newBucket, newHotTables, newKmsKey, newStream, newVaultTables } from './moto.ts';

export interface AwsDeployment {
  clients: AwsClients;
  /** The functions' environment variables. */
  variables: Record<string, string>;
  env: Environment;
  stream: KinesisEventStream;
  streamName: string;
  objects: S3ObjectStore;
  /** The same deployment as it is reached at another address, such as a proxy's. */
  through(endpoint: string): Promise<Pick<AwsDeployment, 'variables' | 'env'>>;
  /** The items of all tables but the vault's and its ledger's, as text. */
  hotItems(): Promise<string>;
  close(): void;
}

export async function newAwsDeployment({ shards = 1 } = {}): Promise<AwsDeployment> {
  const clients = await motoClients();
  const [bucket, hot, vault, vaultKey, ledgerKey, streamName] = await Promise.all([
    newBucket(clients.s3),
    newHotTables(clients.dynamo),
    newVaultTables(clients.dynamo),
    newKmsKey(clients.kms),
    newKmsKey(clients.kms),
    newStream(clients.kinesis, shards),
  ]);
  const tables = Object.entries({ ...hot, ...vault });
  const variables = {
    AWS_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL: await motoAddress(),
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    C360_ENVIRONMENT: 'test',
    C360_BUCKET: bucket,
    C360_VAULT_KEY: vaultKey,
    C360_LEDGER_KEY: ledgerKey,
    C360_REPORTING_CURRENCY: 'USD',
    ...Object.fromEntries(tables.map(([table, name]) => [`C360_TABLE_${table.toUpperCase()}`, name])),
  };
  const stream = new KinesisEventStream({ client: clients.kinesis, streamName });
  return {
    clients,
    variables,
    env: awsEnvironment(variables, { stream }),
    stream,
    streamName,
    objects: new S3ObjectStore({ client: clients.s3, bucket }),
    through: async (endpoint) => {
      const { kinesis } = await motoClients(endpoint);
      const given = { stream: new KinesisEventStream({ client: kinesis, streamName }) };
      const passed = { ...variables, AWS_ENDPOINT_URL: endpoint };
      return { variables: passed, env: awsEnvironment(passed, given) };
    },
    hotItems: async () => {
      const scans = Object.values(hot).map((TableName) => clients.dynamo.send(new ScanCommand({ TableName })));
      return JSON.stringify((await Promise.all(scans)).map(({ Items }) => Items));
    },
    close: () => {
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}
