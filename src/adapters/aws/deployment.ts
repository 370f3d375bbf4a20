/**
 * A deployment of the platform as a person's machine finds it: the names that its stacks have put into the parameter store
 * (docs/aws.md), as the environment variables that its functions get, and the environment made of them.
 */
import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { Environment, ObjectStore, SqlFiles } from '../../ports.ts';
import { clientSettings, kinesisClient, s3Client, uploadSettings } from './clients.ts';
import { once, read, type Variables } from './environment.ts';
import { adapterError, refusal } from './errors.ts';
import { warehouseEnvironment } from './function-environments.ts';
import { KinesisEventStream } from './kinesis-event-stream.ts';
import { type LargeObject, type Uploaded, type UploadOptions, uploadResumably } from './multipart-upload.ts';
import { S3ObjectStore } from './s3-object-store.ts';

/** Environment variable -> the parameter below `/customer-360/<environment>/` that holds its value. */
export const parameters: Record<string, string> = {
  C360_BUCKET: 'data/bucket',
  C360_FAILURES_BUCKET: 'data/failures-bucket',
  C360_STREAM: 'data/stream',
  C360_VAULT_KEY: 'data/vault-key-arn',
  C360_LEDGER_KEY: 'data/ledger-key-arn',
  C360_ALERTS_TOPIC: 'data/alerts-topic-arn',
  C360_TABLE_CHECKPOINTS: 'data/tables/checkpoints',
  C360_TABLE_FILES: 'data/tables/files',
  C360_TABLE_BATCHES: 'data/tables/batches',
  C360_TABLE_RUNS: 'data/tables/runs',
  C360_TABLE_LOCKS: 'data/tables/locks',
  C360_TABLE_ALERTS: 'data/tables/alerts',
  C360_TABLE_VAULT: 'data/tables/vault',
  C360_TABLE_LEDGER: 'data/tables/ledger',
  C360_STATE_MACHINE: 'pipeline/state-machine-arn',
  C360_WAREHOUSE_WORKGROUP: 'warehouse/workgroup',
  C360_WAREHOUSE_DATABASE: 'warehouse/database',
  C360_WAREHOUSE_COPY_ROLE: 'warehouse/copy-role-arn',
};

export interface DeploymentOptions {
  /** Name of the deployment, such as `dev`. */
  environment: string;
  /** Of the process: region, endpoint and credentials; what they do not say the SDK finds by its own chain. */
  variables: Variables;
  sql: SqlFiles;
  /** Asked for when a flow needs it: the parameter store does not hold it. */
  reportingCurrency(): string;
}

export interface Deployment {
  environment: string;
  /** Variables of `clientSettings` and the adapters. Reading one whose parameter is missing is an AdapterError that names it. */
  variables: Variables;
  /** Parameters that should be there and are not: a stack that is not deployed, or is older than this command. */
  missing: string[];
  /** All ports but the engine, which is Glue's, and alerts, which functions send. */
  env: Environment;
}

/** Asks the parameter store for a deployment. AdapterError where there is none, or AWS does not answer. */
export async function findDeployment(options: DeploymentOptions): Promise<Deployment> {
  const { environment, sql } = options;
  const connection = { ...ownCredentials(options.variables), AWS_REGION: await regionOf(options.variables) };
  const path = `/customer-360/${environment}/`;
  const found = await parametersBelow(connection, path);
  if (found.size === 0) {
    throw refusal(
      `there is no deployment ${environment} in ${connection.AWS_REGION}: ${path} holds no parameter; deploy it ` +
        `(npx cdk deploy --all -c env=${environment}), or name another with --env or AWS_REGION`,
    );
  }
  const variables: Variables = { ...connection };
  const missing: string[] = [];
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = found.get(path + parameter);
    if (value === undefined) missing.push(path + parameter);
    const get = () => value ?? absent(environment, path + parameter);
    Object.defineProperty(variables, name, { get, enumerable: true });
  }
  Object.defineProperty(variables, 'C360_REPORTING_CURRENCY', { get: () => options.reportingCurrency() });
  return { environment, variables, missing, env: environmentOf(variables, sql) };
}

/** Where AWS is, and keys that are given without a profile; any others the SDK finds by itself. */
function ownCredentials({ AWS_ENDPOINT_URL, AWS_PROFILE, ...variables }: Variables): Variables {
  if (AWS_PROFILE) return { AWS_ENDPOINT_URL };
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = variables;
  return { AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN };
}

function absent(environment: string, parameter: string): never {
  throw refusal(`${parameter} is missing: deploy the whole of it (npx cdk deploy --all -c env=${environment})`);
}

/** The region by these variables, or else as the SDK finds it: by the profile. */
async function regionOf({ AWS_REGION, AWS_DEFAULT_REGION }: Variables): Promise<string> {
  const given = AWS_REGION ?? AWS_DEFAULT_REGION;
  if (given) return given;
  const client = new SSMClient({});
  try {
    return await client.config.region();
  } catch {
    throw refusal('no region is set: set AWS_REGION, such as eu-west-1, or a region in the profile (aws configure)');
  } finally {
    client.destroy();
  }
}

async function parametersBelow(connection: Variables, Path: string): Promise<Map<string, string>> {
  const client = new SSMClient({ ...clientSettings(connection) });
  const found = new Map<string, string>();
  try {
    let NextToken: string | undefined;
    do {
      const page = await client.send(new GetParametersByPathCommand({ Path, Recursive: true, NextToken }));
      for (const { Name = '', Value = '' } of page.Parameters ?? []) found.set(Name, Value);
      NextToken = page.NextToken;
    } while (NextToken);
    return found;
  } catch (error) {
    throw adapterError(`parameter store: reading ${Path} in ${connection.AWS_REGION}`, error);
  } finally {
    client.destroy();
  }
}

function environmentOf(variables: Variables, sql: SqlFiles): Environment {
  const stream = once(
    () =>
      new KinesisEventStream({
        client: kinesisClient(clientSettings(variables)),
        streamName: read(variables, 'C360_STREAM'),
      }),
  );
  return warehouseEnvironment(variables, {
    sql,
    get stream() {
      return stream();
    },
  });
}

/** Puts an object into the lake in parts, or goes on with an upload of it that was cut off. */
export function uploadToLake(
  { variables }: Deployment,
  object: LargeObject,
  options: UploadOptions = {},
): Promise<Uploaded> {
  const client = s3Client(uploadSettings(clientSettings(variables)));
  return uploadResumably(client, read(variables, 'C360_BUCKET'), object, options);
}

/**
 * Where Lambda puts what the archive could not take: the bucket, and its folder in it. Below that each mapping has one, also a
 * mapping that has been made anew since.
 */
export function archiveFailures({ variables }: Deployment): { objects: ObjectStore; prefix: string } {
  const objects = new S3ObjectStore({
    client: s3Client(clientSettings(variables)),
    bucket: read(variables, 'C360_FAILURES_BUCKET'),
  });
  return { objects, prefix: 'aws/lambda/' };
}
