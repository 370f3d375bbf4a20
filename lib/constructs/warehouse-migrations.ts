/** Applies `sql/ddl`, `sql/access` and the physical design when they have changed: a custom resource, whose deletion does nothing. */
import { join } from 'node:path';
import { CustomResource, FileSystem, Stack } from 'aws-cdk-lib';
import { CfnEventInvokeConfig } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { allow } from '../permissions.ts';
import { warehouseFunctions } from '../warehouse-functions.ts';
import { FlowFunction } from './flow-function.ts';
import type { Warehouse } from './warehouse.ts';

const sql = join(import.meta.dirname, '../../sql');
const applied = ['ddl', 'access', 'maintenance'];

export interface WarehouseMigrationsProps {
  deployment: Deployment;
  warehouse: Warehouse;
}

export class WarehouseMigrations extends Construct {
  constructor(scope: Construct, id: string, { deployment, warehouse }: WarehouseMigrationsProps) {
    super(scope, id);
    const { adminSecret, workgroup } = warehouse;
    const arn = Stack.of(this).formatArn({ service: 'secretsmanager', resource: `secret:${adminSecret}-??????` });
    const migrate = new FlowFunction(this, 'Migrate', {
      deployment,
      flow: 'migrate-warehouse',
      variables: { C360_WAREHOUSE_SECRET: adminSecret },
      ...warehouseFunctions['migrate-warehouse'],
      source: {
        statements: [allow(['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'], arn)],
        wildcards: [
          { resource: arn, reason: 'Secrets Manager adds six characters to the name, and tells them to nobody' },
        ],
      },
    });
    // CloudFormation is told once: a repeated call would apply the same files beside what is done about the first.
    const once = new CfnEventInvokeConfig(this, 'Once', {
      functionName: migrate.resource.ref,
      qualifier: '$LATEST',
      maximumRetryAttempts: 0,
    });
    const resource = new CustomResource(this, 'Applied', {
      resourceType: 'Custom::WarehouseMigrations',
      serviceToken: migrate.arn,
      // A function that ends without a word is not waited for longer than it may take.
      serviceTimeout: migrate.timeout,
      properties: {
        ...Object.fromEntries(applied.map((folder) => [folder, FileSystem.fingerprint(join(sql, folder))])),
        // `-c migrate=<anything new>` asks for it again, as behind a restore.
        again: String(this.node.tryGetContext('migrate') ?? ''),
      },
    });
    resource.node.addDependency(workgroup, once);
  }
}
