/**
 * What the stacks know of each other: names in SSM parameters below `/customer-360/<environment>/`, read at deployment. No
 * stack exports a value that would lock another's update, and a template is made without an account.
 */
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';

/** Parameters that other stacks put there; the table in docs/aws.md says what each holds. */
const parameters = {
  bucket: 'data/bucket',
  dataKeyArn: 'data/key-arn',
  alertsTopicArn: 'data/alerts-topic-arn',
  vaultKeyArn: 'privacy/vault-key-arn',
  ledgerKeyArn: 'privacy/ledger-key-arn',
  warehouseWorkgroup: 'warehouse/workgroup',
  warehouseWorkgroupArn: 'warehouse/workgroup-arn',
  warehouseDatabase: 'warehouse/database',
  warehouseCopyRoleArn: 'warehouse/copy-role-arn',
} as const;

export type SharedName = keyof typeof parameters;

/** The tables of the hot store, the vault and its ledger: parameters `data/tables/<table>`. */
export const tables = ['checkpoints', 'files', 'batches', 'runs', 'locks', 'alerts', 'vault', 'ledger'] as const;

export type Table = (typeof tables)[number];

/** One deployment of the platform, such as `dev`, as a stack sees it. */
export class Deployment {
  readonly environment: string;
  readonly #scope: Construct;

  constructor(scope: Construct, environment: string) {
    this.#scope = scope;
    this.environment = environment;
  }

  /** What another stack has put under a name, as a value that CloudFormation fills in. */
  read(name: SharedName): string {
    return this.#parameter(parameters[name]);
  }

  tableName(table: Table): string {
    return this.#parameter(`data/tables/${table}`);
  }

  #parameter(path: string): string {
    return StringParameter.valueForStringParameter(this.#scope, `/customer-360/${this.environment}/${path}`);
  }
}
