/**
 * The role of analysts: they query the star schema, in the warehouse and by Athena. Whatever holds personal data is denied to
 * them by name, so that no policy which is attached later opens it.
 */
import { Duration, Stack, Tags, Validations } from 'aws-cdk-lib';
import {
  AccountRootPrincipal,
  ArnPrincipal,
  CompositePrincipal,
  Effect,
  type IPrincipal,
  ManagedPolicy,
  PolicyDocument,
  PolicyStatement,
  Role,
} from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { AnalystSettings } from '../../src/local/settings.ts';
import type { Deployment, Table } from '../deployment.ts';
import {
  acknowledgeWildcards,
  allow,
  bucketArn,
  catalogArns,
  databaseRoles,
  databaseRolesTag,
  ownStatements,
} from '../permissions.ts';
import type { Warehouse } from './warehouse.ts';

export interface AnalystRoleProps {
  deployment: Deployment;
  warehouse: Warehouse;
  /** Name of the workgroup of Athena. */
  athenaWorkgroup: string;
  /** Names of the star schema's tables in the catalog. */
  tables: string[];
  analysts?: AnalystSettings;
}

/** The list of the query editor's own actions, some sixty, which AWS keeps. */
const queryEditor = 'AmazonRedshiftQueryEditorV2NoSharing';

const queries = [
  'StartQueryExecution',
  'StopQueryExecution',
  'GetQueryExecution',
  'GetQueryResults',
  'ListQueryExecutions',
  'GetWorkGroup',
];

export class AnalystRole extends Construct {
  constructor(scope: Construct, id: string, props: AnalystRoleProps) {
    super(scope, id);
    const { deployment, warehouse, analysts } = props;
    const role = new Role(this, 'Role', {
      roleName: `customer-360-${deployment.environment}-analyst`,
      description: 'Queries the star schema; sees no personal data',
      assumedBy: principal(analysts),
      maxSessionDuration: Duration.hours(8),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName(queryEditor)],
      inlinePolicies: {
        warehouse: new PolicyDocument({ statements: allowed(warehouse) }),
        athena: new PolicyDocument({ statements: this.#byAthena(props) }),
        deny: new PolicyDocument({ statements: this.#denied(deployment, warehouse) }),
      },
    });
    Tags.of(role).add(databaseRolesTag, databaseRoles.query!);
    acknowledgeWildcards(role, [
      {
        resource: '*',
        reason: 'The Data API knows statements by their owner alone, whom the condition names; lists have no resource',
      },
    ]);
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${queryEditor}]`,
      reason:
        "The query editor's own actions are many, and AWS keeps the list; what they must not see is denied by name",
    });
  }

  /** The star schema's tables and files; what they ask and are answered lies in a folder of its own. */
  #byAthena({ deployment, athenaWorkgroup, tables }: AnalystRoleProps): PolicyStatement[] {
    const stack = Stack.of(this);
    const lake = bucketArn(this, deployment.read('bucket'));
    const listed = allow(['s3:ListBucket'], lake);
    listed.addCondition('StringLike', { 's3:prefix': ['curated/*', 'athena/*'] });
    const withKey = allow(['kms:Decrypt', 'kms:GenerateDataKey'], deployment.read('dataKeyArn'));
    withKey.addCondition('StringEquals', { 'kms:ViaService': `s3.${stack.region}.amazonaws.com` });
    return [
      allow(
        queries.map((action) => `athena:${action}`),
        stack.formatArn({ service: 'athena', resource: `workgroup/${athenaWorkgroup}` }),
      ),
      allow(
        ['GetDatabase', 'GetTable', 'GetTables', 'GetPartition', 'GetPartitions'].map((action) => `glue:${action}`),
        ...catalogArns(this, deployment.read('catalogDatabase'), tables),
      ),
      allow(['s3:GetObject'], `${lake}/curated/*`, `${lake}/athena/*`),
      allow(['s3:PutObject', 's3:AbortMultipartUpload'], `${lake}/athena/*`),
      allow(['s3:GetBucketLocation'], lake),
      listed,
      withKey,
    ];
  }

  /** Stream, files as they came, what was refused, what could not be handed over, vault and ledger with their keys. */
  #denied(deployment: Deployment, { adminSecret }: Warehouse): PolicyStatement[] {
    const stack = Stack.of(this);
    const lake = bucketArn(this, deployment.read('bucket'));
    const failures = bucketArn(this, deployment.read('failuresBucket'));
    const table = (name: Table) =>
      stack.formatArn({ service: 'dynamodb', resource: 'table', resourceName: deployment.tableName(name) });
    const tables = (['vault', 'ledger'] as const).map(table);
    return [
      deny('kinesis:*', deployment.read('streamArn')),
      deny('s3:*', ...closedFolders.map((folder) => `${lake}/${folder}*`), failures, `${failures}/*`),
      deny('sqs:*', deployment.read('landingQueueArn'), deployment.read('landingDeadLetterQueueArn')),
      deny('dynamodb:*', ...tables, ...tables.map((arn) => `${arn}/*`)),
      deny('kms:*', deployment.read('vaultKeyArn'), deployment.read('ledgerKeyArn')),
      deny('secretsmanager:*', stack.formatArn({ service: 'secretsmanager', resource: `secret:${adminSecret}-*` })),
    ];
  }
}

function allowed({ workgroupArn, namespaceArn }: Warehouse): PolicyStatement[] {
  const describe = ['ListDatabases', 'ListSchemas', 'ListTables', 'DescribeTable'].map((one) => `redshift-data:${one}`);
  return [
    allow(['redshift-data:ExecuteStatement', 'redshift-data:BatchExecuteStatement', ...describe], workgroupArn),
    ownStatements('DescribeStatement', 'GetStatementResult', 'CancelStatement', 'ListStatements'),
    allow(['redshift-serverless:GetCredentials', 'redshift-serverless:GetWorkgroup'], workgroupArn),
    allow(['redshift-serverless:GetNamespace'], namespaceArn),
    allow(['redshift-serverless:ListWorkgroups', 'redshift-serverless:ListNamespaces'], '*'),
  ];
}

/** Of these a person's own words or natural ids may be read, in the clear or sealed. */
const closedFolders = ['landing/', 'quarantine/', 'mappings/', 'raw/', 'clean/'];

const deny = (action: string, ...resources: string[]) =>
  new PolicyStatement({ effect: Effect.DENY, actions: [action], resources });

/** Whom the settings name; else whom the account lets assume it, who must have shown a second factor. */
function principal(analysts: AnalystSettings | undefined): IPrincipal {
  if (analysts) return new CompositePrincipal(...analysts.principals.map((arn) => new ArnPrincipal(arn)));
  return new AccountRootPrincipal().withConditions({ Bool: { 'aws:MultiFactorAuthPresent': 'true' } });
}
