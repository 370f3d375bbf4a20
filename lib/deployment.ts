/**
 * What the stacks know of each other: names in SSM parameters below `/customer-360/<environment>/`, put there by one stack
 * and read by others when they are deployed. No stack exports a value that would lock another's update, and a template is
 * made without an account.
 */
import type { StackProps } from 'aws-cdk-lib';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import type { DeploymentSettings } from '../src/local/settings.ts';

/** What each stack is given. */
export interface DeploymentStackProps extends StackProps {
  /** Name of the deployment, such as `dev`. */
  environment: string;
  settings: DeploymentSettings;
}

/** Paths of the parameters; the table in docs/aws.md says what each holds. */
const parameters = {
  bucket: 'data/bucket',
  failuresBucket: 'data/failures-bucket',
  dataKeyArn: 'data/key-arn',
  vaultKeyArn: 'data/vault-key-arn',
  ledgerKeyArn: 'data/ledger-key-arn',
  stream: 'data/stream',
  streamArn: 'data/stream-arn',
  landingQueueArn: 'data/landing-queue-arn',
  landingDeadLetterQueueArn: 'data/landing-dead-letter-queue-arn',
  catalogDatabase: 'data/catalog-database',
  alertsTopicArn: 'data/alerts-topic-arn',
  archiveMappingId: 'ingestion/archive-mapping-id',
  stateMachineArn: 'pipeline/state-machine-arn',
  warehouseWorkgroup: 'warehouse/workgroup',
  warehouseWorkgroupArn: 'warehouse/workgroup-arn',
  warehouseDatabase: 'warehouse/database',
  warehouseCopyRoleArn: 'warehouse/copy-role-arn',
  athenaWorkgroup: 'warehouse/athena-workgroup',
} as const;

export type SharedName = keyof typeof parameters;

/** The tables of the hot store: parameters `data/tables/<table>`, as those of the vault and its ledger. */
export const hotTables = ['checkpoints', 'files', 'batches', 'runs', 'locks', 'alerts'] as const;
export const tables = [...hotTables, 'vault', 'ledger'] as const;

export type Table = (typeof tables)[number];

/** One deployment of the platform, such as `dev`, as a stack sees it. */
export class Deployment {
  readonly environment: string;
  /** Functions may be called as often at a time as they need, and no more often. */
  readonly isConcurrencyReserved: boolean;
  readonly #scope: Construct;
  /** What this stack puts itself: the parameter is not yet there when CloudFormation looks them up. */
  readonly #own: Partial<Record<SharedName, string>> = {};

  constructor(scope: Construct, environment: string, settings: Partial<DeploymentSettings> = {}) {
    this.#scope = scope;
    this.environment = environment;
    this.isConcurrencyReserved = settings.isConcurrencyReserved ?? false;
  }

  /** Name of a part that other stacks, alarms and people know by it: a function by its flow, the job, the state machine. */
  nameOf(part: string): string {
    return `customer-360-${this.environment}-${part}`;
  }

  /** What this stack or another has put under a name, as a value that CloudFormation fills in. */
  read(name: SharedName): string {
    return this.#own[name] ?? StringParameter.valueForStringParameter(this.#scope, this.#path(parameters[name]));
  }

  tableName(table: Table): string {
    return StringParameter.valueForStringParameter(this.#scope, this.#path(tablePath(table)));
  }

  /** Puts values under their names, for other stacks and for `c360 --target aws`. */
  put(values: Partial<Record<SharedName, string>>): void {
    for (const [name, value] of Object.entries(values)) this.#put(parameters[name as SharedName], value);
    Object.assign(this.#own, values);
  }

  putTableName(table: Table, name: string): void {
    this.#put(tablePath(table), name);
  }

  #put(path: string, stringValue: string): void {
    const parameterName = this.#path(path);
    new StringParameter(this.#scope, `Parameter-${path}`, { parameterName, stringValue });
  }

  #path(path: string): string {
    return `/customer-360/${this.environment}/${path}`;
  }
}

const tablePath = (table: Table) => `data/tables/${table}`;
