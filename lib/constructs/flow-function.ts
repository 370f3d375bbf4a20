/** A Lambda function that runs one flow: `lambdas/<name>.ts`, bundled with what it imports and the SQL files. */
import { join } from 'node:path';
import { AssetHashType, DockerImage, Duration, RemovalPolicy, Tags } from 'aws-cdk-lib';
import { PolicyDocument, type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type CfnFunction,
  Code,
  type IFunction,
  Function as LambdaFunction,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { bundle } from '../../scripts/bundle.mjs';
import type { Deployment } from '../deployment.ts';
import {
  acknowledgeWildcards,
  allow,
  databaseRoles,
  databaseRolesTag,
  letAskAfterStatements,
  permissionsOf,
  type Uses,
  type Wildcard,
} from '../permissions.ts';

const root = join(import.meta.dirname, '../..');

export interface FlowFunctionProps {
  deployment: Deployment;
  /** Its file in `lambdas/`, without the ending, and for a task of the pipeline the task's name. */
  flow: string;
  uses: Uses;
  /** At most 15 minutes. */
  timeoutMinutes: number;
  memoryMb: number;
  /** Calls at the same time, where the settings reserve concurrency; else the account's limit is shared by all. */
  mostCalls: number;
  /** Environment variables beside those of what it uses. */
  variables: Record<string, string>;
  /** What it may do beside, such as what Lambda does in its name to call it. */
  source?: { statements: PolicyStatement[]; wildcards?: Wildcard[] };
}

/** Template metadata of a function that says which flow it runs, for whoever executes the template elsewhere. */
const flowMetadata = 'C360::Flow';

export class FlowFunction extends Construct {
  readonly arn: string;
  readonly lambda: IFunction;
  readonly resource: CfnFunction;
  readonly timeout: Duration;

  constructor(scope: Construct, id: string, props: FlowFunctionProps) {
    super(scope, id);
    const { deployment, flow, uses, source } = props;
    const { variables, statements, wildcards } = permissionsOf(this, deployment, uses);
    this.timeout = Duration.minutes(props.timeoutMinutes);
    const functionName = deployment.nameOf(flow);
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const writeLogs = allow(['logs:CreateLogStream', 'logs:PutLogEvents'], logGroup.logGroupArn);
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: {
        flow: new PolicyDocument({ statements: [writeLogs, ...statements, ...(source?.statements ?? [])] }),
      },
    });
    const databaseRole = uses.warehouse && databaseRoles[uses.warehouse];
    if (databaseRole) Tags.of(role).add(databaseRolesTag, databaseRole);
    acknowledgeWildcards(role, [...wildcards, ...(source?.wildcards ?? [])]);
    this.lambda = new LambdaFunction(this, 'Function', {
      // Alarms and people find it by its name. What Lambda cannot change in place needs another name first: that is only the kind of
      // package, and all else, code and role included, is changed in place.
      functionName,
      description: `Customer 360 ${deployment.environment}: ${flow}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: bundled(flow),
      // The role is whole: CDK adds nothing to it.
      role: role.withoutPolicyUpdates(),
      logGroup,
      timeout: this.timeout,
      memorySize: props.memoryMb,
      ...(deployment.isConcurrencyReserved && { reservedConcurrentExecutions: props.mostCalls }),
      environment: { C360_ENVIRONMENT: deployment.environment, ...props.variables, ...variables },
    });
    if (uses.warehouse) this.lambda.node.addDependency(letAskAfterStatements(role));
    this.resource = this.lambda.node.defaultChild as CfnFunction;
    this.resource.addMetadata(flowMetadata, flow);
    this.arn = this.lambda.functionArn;
  }
}

/** The function's module, with `sql/` beside it where it reads that. Made when the template is; skipped where bundling is switched off. */
function bundled(flow: string): Code {
  return Code.fromAsset(join(root, 'lambdas'), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // esbuild runs here and always can, so that the image is never asked for.
      image: DockerImage.fromRegistry('unused'),
      // CDK bundles once what is asked for in the same words: each function needs its own.
      command: [flow],
      local: {
        tryBundle: (directory) => {
          bundle(flow, directory);
          return true;
        },
      },
    },
  });
}
