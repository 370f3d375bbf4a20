/** The moto server of this test run, for suites of AWS adapters. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateTableCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateStreamCommand, type KinesisClient } from '@aws-sdk/client-kinesis';
import { CreateKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { type AwsClients, awsClients } from '../../src/adapters/aws/clients.ts';
import type { HotTable } from '../../src/ports.ts';

const folder = process.env.C360_MOTO_FOLDER;
const longestStartMs = 60_000;

/** `describe` where a moto server runs; where Python is missing the tests are skipped, and the set-up has said so. */
export const describeWithMoto = folder === undefined ? describe.skip : describe;

/** The address of the server, as soon as it answers. */
export async function motoAddress(): Promise<string> {
  if (folder === undefined) throw new Error('no moto server runs');
  const file = join(folder, 'port');
  for (const end = Date.now() + longestStartMs; !existsSync(file); await sleep(50)) {
    if (Date.now() > end) throw new Error(`moto did not start: ${readFileSync(join(folder, 'log'), 'utf8')}`);
  }
  return `http://127.0.0.1:${readFileSync(file, 'utf8')}`;
}

/** Clients as a function gets them, with the moto server, or another address in front of it, as AWS. */
export async function motoClients(endpoint?: string): Promise<AwsClients> {
  return awsClients({
    AWS_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL: endpoint ?? (await motoAddress()),
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
}

export async function newStream(kinesis: KinesisClient, ShardCount: number): Promise<string> {
  const StreamName = `stream-${randomUUID()}`;
  await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount }));
  return StreamName;
}

export async function newBucket(s3: S3Client): Promise<string> {
  const Bucket = `bucket-${randomUUID()}`;
  await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }));
  return Bucket;
}

/** Puts an object of one byte at each key, at once: ten thousand requests would take moto most of a minute. */
export async function plantObjects(bucket: string, keys: string[]): Promise<void> {
  const answer = await fetch(`${await motoAddress()}/plant`, {
    method: 'POST',
    body: JSON.stringify({ bucket, keys }),
  });
  if (answer.status !== 204) throw new Error(`moto planted nothing: HTTP ${answer.status}`);
}

/** A new table for each HotTable, as a deployment makes them. */
export async function newHotTables(dynamo: DynamoDBClient): Promise<Record<HotTable, string>> {
  const run = randomUUID();
  const nameOf = (table: HotTable) => `${table}-${run}`;
  const names: Record<HotTable, string> = {
    checkpoints: nameOf('checkpoints'),
    files: nameOf('files'),
    batches: nameOf('batches'),
    runs: nameOf('runs'),
    locks: nameOf('locks'),
    alerts: nameOf('alerts'),
  };
  await Promise.all(
    Object.values(names).map(async (TableName) => {
      await newTable(dynamo, TableName, ['partition', 'sort']);
      const TimeToLiveSpecification = { AttributeName: 'expires_at', Enabled: true };
      await dynamo.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
    }),
  );
  return names;
}

/** New tables for a vault and its ledger. */
export async function newVaultTables(dynamo: DynamoDBClient): Promise<{ vault: string; ledger: string }> {
  const names = { vault: `vault-${randomUUID()}`, ledger: `ledger-${randomUUID()}` };
  await Promise.all([newTable(dynamo, names.vault, ['id']), newTable(dynamo, names.ledger, ['partition', 'sort'])]);
  return names;
}

/** A new KMS key; its id. */
export async function newKmsKey(kms: KMSClient): Promise<string> {
  return (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.KeyId!;
}

/** A table whose key attributes, at most two, are texts. */
async function newTable(dynamo: DynamoDBClient, TableName: string, keys: string[]): Promise<void> {
  await dynamo.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: keys.map((AttributeName, index): KeySchemaElement => {
        return { AttributeName, KeyType: index === 0 ? 'HASH' : 'RANGE' };
      }),
      AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    }),
  );
}
