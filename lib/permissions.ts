/** What a function or a job uses, and the statements and environment variables that follow from it: these and no others. */
import { Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { type Deployment, type Table, tables } from './deployment.ts';

export interface Uses {
  /** Folders of the lake, such as `plans/`, and what is done in each. */
  objects: Record<string, Access[]>;
  tables: Partial<Record<Table, TableAccess>>;
  /** Seals and opens what is quarantined: the vault's keys, and of its tables only what stands under `tables`. */
  quarantineKeys?: boolean;
  /** Who loads may also query. */
  warehouse?: 'query' | 'load';
  alerts?: boolean;
}

type Access = 'read' | 'write' | 'delete';
type TableAccess = 'read' | 'write';

export interface Permissions {
  variables: Record<string, string>;
  statements: PolicyStatement[];
  /** Resources of the statements that end in a wildcard, and why they do. */
  wildcards: Wildcard[];
}

export interface Wildcard {
  resource: string;
  reason: string;
}

const objectActions: Record<Access, string[]> = {
  read: ['s3:GetObject'],
  write: ['s3:PutObject', 's3:AbortMultipartUpload'],
  delete: ['s3:DeleteObject'],
};

const readItems = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
const writeItems = ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:ConditionCheckItem'];
const useKey = ['kms:Decrypt', 'kms:GenerateDataKey'];

/** `scope` is where the ARNs belong to. */
export function permissionsOf(scope: Construct, deployment: Deployment, uses: Uses): Permissions {
  // COPY finds its files by a manifest in the lake; an alert that was told is noted.
  const objects = { ...uses.objects, ...(uses.warehouse === 'load' && { 'loads/': ['write' as const] }) };
  const used = { ...uses.tables, ...(uses.alerts && { alerts: 'write' as const }) };
  const parts = [
    objectPermissions(scope, deployment, objects),
    tablePermissions(scope, deployment, used),
    { ...nothing, statements: [allow(useKey, deployment.read('dataKeyArn'))] },
    ...(uses.quarantineKeys ? [quarantineKeyPermissions(deployment)] : []),
    ...(uses.warehouse ? [warehousePermissions(deployment)] : []),
    ...(uses.alerts ? [alertPermissions(deployment)] : []),
  ];
  return {
    variables: Object.assign({}, ...parts.map(({ variables }) => variables)),
    statements: parts.flatMap(({ statements }) => statements),
    wildcards: parts.flatMap(({ wildcards }) => wildcards),
  };
}

const nothing: Permissions = { variables: {}, statements: [], wildcards: [] };

export const allow = (actions: string[], ...resources: string[]) => new PolicyStatement({ actions, resources });

/** Says of each wildcard why it is there. cdk-nag knows it by its text, with the names of parameters in angle brackets. */
export function acknowledgeWildcards(role: Role, wildcards: Wildcard[]): void {
  for (const { resource, reason } of wildcards) {
    const text = plainText(Stack.of(role).resolve(resource));
    Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${text}]`, reason });
  }
}

type Resolved = string | { Ref: string } | { 'Fn::Join': ['', Resolved[]] };

function plainText(value: Resolved): string {
  if (typeof value === 'string') return value;
  return 'Ref' in value ? `<${value.Ref}>` : value['Fn::Join'][1].map(plainText).join('');
}

export const bucketArn = (scope: Construct, bucket: string) => `arn:${Stack.of(scope).partition}:s3:::${bucket}`;

function objectPermissions(scope: Construct, deployment: Deployment, folders: Record<string, Access[]>): Permissions {
  const bucket = deployment.read('bucket');
  const arn = bucketArn(scope, bucket);
  const byAccess = (['read', 'write', 'delete'] as const).flatMap((access) => {
    const resources = Object.keys(folders).filter((folder) => folders[folder]?.includes(access));
    return resources.length > 0 ? [allow(objectActions[access], ...resources.map((one) => `${arn}/${one}*`))] : [];
  });
  return {
    variables: { C360_BUCKET: bucket },
    // Without the right to list, S3 answers "forbidden" where an object does not exist.
    statements: [allow(['s3:ListBucket'], arn), ...byAccess],
    wildcards: Object.keys(folders).map((folder) => ({
      resource: `${arn}/${folder}*`,
      reason: `The keys of the objects below ${folder} are not known beforehand`,
    })),
  };
}

function tablePermissions(
  scope: Construct,
  deployment: Deployment,
  used: Partial<Record<Table, TableAccess>>,
): Permissions {
  const arnOf = (table: Table) =>
    Stack.of(scope).formatArn({ service: 'dynamodb', resource: 'table', resourceName: deployment.tableName(table) });
  const statements = tables.flatMap((table) => {
    const access = used[table];
    if (!access) return [];
    return [allow(access === 'read' ? readItems : [...readItems, ...writeItems], arnOf(table))];
  });
  // The hot store asks for the names of all its tables.
  const variables = tables.map((table) => [`C360_TABLE_${table.toUpperCase()}`, deployment.tableName(table)]);
  return { ...nothing, variables: Object.fromEntries(variables), statements };
}

function quarantineKeyPermissions(deployment: Deployment): Permissions {
  const [vault, ledger] = [deployment.read('vaultKeyArn'), deployment.read('ledgerKeyArn')];
  return {
    ...nothing,
    variables: { C360_VAULT_KEY: vault, C360_LEDGER_KEY: ledger },
    statements: [allow(useKey, vault)],
  };
}

function alertPermissions(deployment: Deployment): Permissions {
  const topic = deployment.read('alertsTopicArn');
  return { ...nothing, variables: { C360_ALERTS_TOPIC: topic }, statements: [allow(['sns:Publish'], topic)] };
}

function warehousePermissions(deployment: Deployment): Permissions {
  const workgroup = deployment.read('warehouseWorkgroupArn');
  const ownStatements = new PolicyStatement({
    actions: ['redshift-data:DescribeStatement', 'redshift-data:GetStatementResult'],
    resources: ['*'],
    // IAM's own variable, which it fills in when the call is made.
    conditions: { StringEquals: { 'redshift-data:statement-owner-iam-userid': `\${aws:userid}` } },
  });
  return {
    variables: {
      C360_WAREHOUSE_WORKGROUP: deployment.read('warehouseWorkgroup'),
      C360_WAREHOUSE_DATABASE: deployment.read('warehouseDatabase'),
      C360_WAREHOUSE_COPY_ROLE: deployment.read('warehouseCopyRoleArn'),
    },
    statements: [
      allow(['redshift-data:ExecuteStatement', 'redshift-data:BatchExecuteStatement'], workgroup),
      allow(['redshift-serverless:GetCredentials'], workgroup),
      ownStatements,
    ],
    wildcards: [
      { resource: '*', reason: 'The Data API knows statements by their owner alone, whom the condition names' },
    ],
  };
}
