/** The AWS clients, with every setting given: nothing else reads the environment. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GlueClient } from '@aws-sdk/client-glue';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { KMSClient } from '@aws-sdk/client-kms';
import { RedshiftDataClient } from '@aws-sdk/client-redshift-data';
import { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { refusal } from './errors.ts';

export interface ClientSettings {
  region: string;
  /** Another address than AWS' own, such as a test server's. */
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  maxAttempts: number;
  retryMode: 'standard';
  requestHandler: NodeHttpHandler;
}

export interface AwsClients {
  kinesis: KinesisClient;
  s3: S3Client;
  dynamo: DynamoDBClient;
  kms: KMSClient;
  sns: SNSClient;
}

/** Clients for all stores; a function that needs one of them builds that one, so that its bundle holds no other. */
export function awsClients(env: Record<string, string | undefined>): AwsClients {
  const settings = clientSettings(env);
  return {
    kinesis: kinesisClient(settings),
    s3: s3Client(settings),
    dynamo: dynamoClient(settings),
    kms: kmsClient(settings),
    sns: snsClient(settings),
  };
}

/**
 * Settings from environment variables: AWS_REGION, and where they are set AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. Without a key the SDK's own chain finds credentials.
 */
export function clientSettings(env: Record<string, string | undefined>): ClientSettings {
  const region = env.AWS_REGION;
  if (!region) throw refusal('AWS_REGION must name a region such as eu-west-1, got nothing');
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  return {
    region,
    ...(env.AWS_ENDPOINT_URL && { endpoint: env.AWS_ENDPOINT_URL }),
    ...(accessKeyId &&
      secretAccessKey && { credentials: { accessKeyId, secretAccessKey, sessionToken: env.AWS_SESSION_TOKEN } }),
    maxAttempts: 4,
    retryMode: 'standard',
    // HTTP/1 for all, also Kinesis: one handler in a function's bundle, and what test servers speak.
    requestHandler: new NodeHttpHandler({
      connectionTimeout: connectionTimeoutMs,
      socketTimeout: 30_000,
      requestTimeout: 120_000,
      throwOnRequestTimeout: true,
    }),
  };
}

const connectionTimeoutMs = 3_000;

/**
 * Settings for uploads over slow lines: a request may take as long as it gets on, and fails where for `idleMs` nothing of it
 * moves. The end of a body waits in the system's buffers, and nothing moves while it is sent from there: minutes, where that is
 * a megabyte.
 */
export function uploadSettings(settings: ClientSettings, idleMs = 300_000): ClientSettings {
  const requestHandler = new NodeHttpHandler({ connectionTimeout: connectionTimeoutMs, socketTimeout: idleMs });
  return { ...settings, requestHandler };
}

export function kinesisClient(settings: ClientSettings): KinesisClient {
  return new KinesisClient({ ...settings });
}

export function s3Client(settings: ClientSettings): S3Client {
  // A bucket's name as a host name is AWS' alone: any other endpoint gets it in the path.
  return new S3Client({ ...settings, forcePathStyle: settings.endpoint !== undefined });
}

export function dynamoClient(settings: ClientSettings): DynamoDBClient {
  return new DynamoDBClient({ ...settings });
}

export function kmsClient(settings: ClientSettings): KMSClient {
  return new KMSClient({ ...settings });
}

export function snsClient(settings: ClientSettings): SNSClient {
  return new SNSClient({ ...settings });
}

export function redshiftDataClient(settings: ClientSettings): RedshiftDataClient {
  return new RedshiftDataClient({ ...settings });
}

export function glueClient(settings: ClientSettings): GlueClient {
  return new GlueClient({ ...settings });
}
