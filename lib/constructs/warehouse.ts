/** Redshift Serverless: its namespace (data and users), its workgroup (computing), and the role with which COPY reads the lake. */
import { RemovalPolicy } from 'aws-cdk-lib';
import { CompositePrincipal, PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnNamespace, CfnWorkgroup } from 'aws-cdk-lib/aws-redshiftserverless';
import { Construct } from 'constructs';
import type { WarehouseSettings } from '../../src/local/settings.ts';
import type { Deployment } from '../deployment.ts';
import { allow, bucketArn } from '../permissions.ts';
import { WarehouseNetwork } from './warehouse-network.ts';

export interface WarehouseProps {
  deployment: Deployment;
  settings: WarehouseSettings;
}

const adminUser = 'admin';

/** Redshift Processing Units: the least there is, while nothing asks for more. */
const baseRpus = 4;

export class Warehouse extends Construct {
  readonly name: string;
  readonly namespaceArn: string;
  readonly workgroupArn: string;
  readonly database = 'customer_360';
  readonly copyRoleArn: string;
  /** Redshift makes the secret with the administrator's password, turns it over, and names it so. */
  readonly adminSecret: string;
  readonly workgroup: CfnWorkgroup;

  constructor(scope: Construct, id: string, { deployment, settings }: WarehouseProps) {
    super(scope, id);
    this.name = `customer-360-${deployment.environment}`;
    this.adminSecret = `redshift!${this.name}-${adminUser}`;
    const key = deployment.read('dataKeyArn');
    const network = new WarehouseNetwork(this, 'Network', settings);
    const copyRole = this.#copyRole(deployment);
    const namespace = new CfnNamespace(this, 'Namespace', {
      namespaceName: this.name,
      dbName: this.database,
      adminUsername: adminUser,
      manageAdminPassword: true,
      adminPasswordSecretKmsKeyId: key,
      kmsKeyId: key,
      iamRoles: [copyRole.roleArn],
      logExports: [...exportedLogs],
    });
    // Deleted, it can be made anew: the next run loads it from the lake.
    namespace.applyRemovalPolicy(RemovalPolicy.DESTROY);
    for (const log of exportedLogs) namespace.node.addDependency(this.#logGroup(log));
    this.workgroup = new CfnWorkgroup(this, 'Workgroup', {
      workgroupName: this.name,
      namespaceName: namespace.ref,
      baseCapacity: baseRpus,
      maxCapacity: settings.maxRpus,
      publiclyAccessible: false,
      // On, it would need subnets in three zones. COPY reads S3 without it over AWS' own network.
      enhancedVpcRouting: false,
      subnetIds: network.subnetIds,
      securityGroupIds: [network.securityGroupId],
      configParameters: Object.entries(parameters).map(([parameterKey, parameterValue]) => ({
        parameterKey,
        parameterValue,
      })),
    });
    this.namespaceArn = namespace.attrNamespaceNamespaceArn;
    this.workgroupArn = this.workgroup.attrWorkgroupWorkgroupArn;
    this.copyRoleArn = copyRole.roleArn;
  }

  /** Reads what loads copy: files of the star schema, and the manifests that name them. */
  #copyRole(deployment: Deployment): Role {
    const bucket = bucketArn(this, deployment.read('bucket'));
    const statements = [
      allow(['s3:GetObject'], `${bucket}/curated/*`, `${bucket}/loads/*`),
      allow(['s3:ListBucket', 's3:GetBucketLocation'], bucket),
      allow(['kms:Decrypt'], deployment.read('dataKeyArn')),
    ];
    return new Role(this, 'CopyRole', {
      description: 'COPY of the warehouse reads the star schema in the lake',
      assumedBy: new CompositePrincipal(
        ...['redshift', 'redshift-serverless'].map((service) => new ServicePrincipal(`${service}.amazonaws.com`)),
      ),
      inlinePolicies: { copy: new PolicyDocument({ statements }) },
    });
  }

  /** Redshift writes into groups of these names, and makes them without an end where they are not there. */
  #logGroup(log: string): LogGroup {
    return new LogGroup(this, log, {
      logGroupName: `/aws/redshift/${this.name}/${log}`,
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}

/** Who connected, and what became of users. What they asked stands in SYS_QUERY_HISTORY for a week. */
const exportedLogs = ['connectionlog', 'userlog'] as const;

/** Names and limits of Redshift: nobody connects unencrypted, and a query that has lost its way ends. */
const parameters = { require_ssl: 'true', max_query_execution_time: '3600' };
