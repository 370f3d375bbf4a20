/** What a function or a job uses, and the statements and environment variables that follow from it: these and no others. */
import { type App, Stack, Validations } from 'aws-cdk-lib';
import { Policy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { Deployment, type hotTables, type Table, tables } from './deployment.ts';

export interface Uses {
  /** Folders of the lake, such as `plans/`, and what is done in each. */
  objects: Partial<Record<LakeFolder, Access[]>>;
  tables: Partial<Record<HotTable, TableAccess>>;
  /** Resolves subjects, or seals what is quarantined: both look into the ledger, too. */
  vault?: boolean;
  /** Who loads may also query. Migrations connect as the warehouse's administrator, all others as the user of their role. */
  warehouse?: WarehouseUse;
  /** Points the catalog's partitions to a snapshot's files. */
  catalog?: boolean;
  alerts?: boolean;
}

/** The folders of the lake in which functions and jobs work. */
const lakeFolders = [
  'landing/',
  'mappings/',
  'raw/',
  'quarantine/',
  'exclusions/',
  'rates/',
  'plans/',
  'clean/',
  'curated/',
  'snapshots/',
  'loads/',
  'serving/',
  'reports/',
  'athena/',
] as const;
type LakeFolder = (typeof lakeFolders)[number];

export type WarehouseUse = 'query' | 'load' | 'maintain' | 'migrate';

/** Roles of the database (`sql/access/`) that the user of an IAM role has by this tag of it. */
export const databaseRolesTag = 'RedshiftDbRoles';
export const databaseRoles: Partial<Record<WarehouseUse, string>> = {
  query: 'c360_reader',
  load: 'c360_loader',
  maintain: 'c360_maintainer',
};

type HotTable = (typeof hotTables)[number];
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
  // COPY finds its files by a manifest in the lake, and a load notes there how far it is; an alert that was told is noted.
  const loads = { 'loads/': ['read', 'write'] } satisfies Uses['objects'];
  const objects = { ...uses.objects, ...(uses.warehouse === 'load' && loads) };
  const used = {
    ...uses.tables,
    ...(uses.alerts && { alerts: 'write' as const }),
    ...(uses.vault && { vault: 'write' as const, ledger: 'read' as const }),
  };
  const parts = [
    objectPermissions(scope, deployment, objects),
    tablePermissions(scope, deployment, used),
    { ...nothing, statements: [allow(useKey, deployment.read('dataKeyArn'))] },
    ...(uses.vault ? [vaultPermissions(scope, deployment)] : []),
    ...(uses.warehouse ? [warehousePermissions(deployment, uses.warehouse)] : []),
    ...(uses.catalog ? [catalogPermissions(scope, deployment)] : []),
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

/** Says of each wildcard in the role's policy why it is there. */
export function acknowledgeWildcards(role: Role, wildcards: Wildcard[]): void {
  for (const { resource, reason } of wildcards) acknowledgeWildcard(role, Stack.of(role).resolve(resource), reason);
}

/** Says once for all roles why they name folders of the lake, and not objects. Which role has which, the tests hold by value. */
export function acknowledgeLakeFolders(app: App, stack: Stack, environment: string): void {
  const bucket = bucketArn(stack, new Deployment(stack, environment).read('bucket'));
  for (const folder of lakeFolders) {
    const reason = `The keys of the objects below ${folder} are not known beforehand`;
    acknowledgeWildcard(app, stack.resolve(`${bucket}/${folder}*`), reason);
  }
}

/** cdk-nag knows a wildcard by its text, with the names of parameters in angle brackets. */
function acknowledgeWildcard(scope: Construct, resource: Resolved, reason: string): void {
  Validations.of(scope).acknowledge({ id: `AwsSolutions-IAM5[Resource::${plainText(resource)}]`, reason });
}

type Resolved = string | { Ref: string } | { 'Fn::Join': ['', Resolved[]] };

function plainText(value: Resolved): string {
  if (typeof value === 'string') return value;
  return 'Ref' in value ? `<${value.Ref}>` : value['Fn::Join'][1].map(plainText).join('');
}

export const bucketArn = (scope: Construct, bucket: string) => `arn:${Stack.of(scope).partition}:s3:::${bucket}`;

function objectPermissions(scope: Construct, deployment: Deployment, folders: Uses['objects']): Permissions {
  const bucket = deployment.read('bucket');
  const arn = bucketArn(scope, bucket);
  const byAccess = (['read', 'write', 'delete'] as const).flatMap((access) => {
    const resources = lakeFolders.filter((folder) => folders[folder]?.includes(access));
    return resources.length > 0 ? [allow(objectActions[access], ...resources.map((one) => `${arn}/${one}*`))] : [];
  });
  return {
    variables: { C360_BUCKET: bucket },
    // Without the right to list, S3 answers "forbidden" where an object does not exist.
    statements: byAccess.length > 0 ? [allow(['s3:ListBucket'], arn), ...byAccess] : [],
    wildcards: [],
  };
}

const tableArn = (scope: Construct, deployment: Deployment, table: Table) =>
  Stack.of(scope).formatArn({ service: 'dynamodb', resource: 'table', resourceName: deployment.tableName(table) });

function tablePermissions(
  scope: Construct,
  deployment: Deployment,
  used: Partial<Record<Table, TableAccess>>,
): Permissions {
  const statements = tables.flatMap((table) => {
    const access = used[table];
    if (!access) return [];
    return [allow(access === 'read' ? readItems : [...readItems, ...writeItems], tableArn(scope, deployment, table))];
  });
  // The hot store asks for the names of all its tables.
  const variables = tables.map((table) => [`C360_TABLE_${table.toUpperCase()}`, deployment.tableName(table)]);
  return { ...nothing, variables: Object.fromEntries(variables), statements };
}

function vaultPermissions(scope: Construct, deployment: Deployment): Permissions {
  const [vault, ledger] = [deployment.read('vaultKeyArn'), deployment.read('ledgerKeyArn')];
  const makeLedgerKey = allow(['dynamodb:PutItem'], tableArn(scope, deployment, 'ledger'));
  // The ledger's key is made by whoever first needs it. Entries, which suppress people, only erasures add.
  makeLedgerKey.addCondition('ForAllValues:StringEquals', { 'dynamodb:LeadingKeys': ['key'] });
  return {
    ...nothing,
    variables: { C360_VAULT_KEY: vault, C360_LEDGER_KEY: ledger },
    statements: [allow(useKey, vault, ledger), makeLedgerKey],
  };
}

function alertPermissions(deployment: Deployment): Permissions {
  const topic = deployment.read('alertsTopicArn');
  return { ...nothing, variables: { C360_ALERTS_TOPIC: topic }, statements: [allow(['sns:Publish'], topic)] };
}

/** The catalog, its database, and these tables of it. */
export function catalogArns(scope: Construct, database: string, tables: string[]): string[] {
  const names = ['catalog', `database/${database}`, ...tables.map((table) => `table/${database}/${table}`)];
  return names.map((resource) => Stack.of(scope).formatArn({ service: 'glue', resource }));
}

const publishPartitions = [
  'glue:GetTable',
  'glue:GetPartitions',
  'glue:BatchCreatePartition',
  'glue:BatchUpdatePartition',
  'glue:BatchDeletePartition',
];

function catalogPermissions(scope: Construct, deployment: Deployment): Permissions {
  const database = deployment.read('catalogDatabase');
  const resources = catalogArns(scope, database, ['*']);
  const reason = 'All tables of the database, which hold the lake and nothing else';
  return {
    variables: { C360_CATALOG_DATABASE: database },
    statements: [allow(publishPartitions, ...resources)],
    wildcards: [{ resource: resources.at(-1)!, reason }],
  };
}

/** The user's own statements, of which the Data API knows no other resource. */
export const ownStatements = (...actions: string[]) =>
  new PolicyStatement({
    actions: actions.map((action) => `redshift-data:${action}`),
    resources: ['*'],
    // IAM's own variable, which it fills in when the call is made.
    conditions: { StringEquals: { 'redshift-data:statement-owner-iam-userid': `\${aws:userid}` } },
  });

/** One policy for all roles of a stack that ask after their statements, so that the reason of its wildcard is said once. */
export function letAskAfterStatements(role: Role): Policy {
  const stack = Stack.of(role);
  const id = 'OwnStatements';
  const known = stack.node.tryFindChild(id) as Policy | undefined;
  const policy =
    known ?? new Policy(stack, id, { statements: [ownStatements('DescribeStatement', 'GetStatementResult')] });
  if (!known)
    acknowledgeWildcard(policy, '*', 'The Data API knows statements by their owner alone, whom the condition names');
  policy.attachToRole(role);
  return policy;
}

function warehousePermissions(deployment: Deployment, use: WarehouseUse): Permissions {
  const workgroup = deployment.read('warehouseWorkgroupArn');
  return {
    variables: {
      C360_WAREHOUSE_WORKGROUP: deployment.read('warehouseWorkgroup'),
      C360_WAREHOUSE_DATABASE: deployment.read('warehouseDatabase'),
      C360_WAREHOUSE_COPY_ROLE: deployment.read('warehouseCopyRoleArn'),
    },
    statements: [
      allow(
        ['redshift-data:ExecuteStatement', ...(use === 'migrate' ? [] : ['redshift-serverless:GetCredentials'])],
        workgroup,
      ),
    ],
    wildcards: [],
  };
}
