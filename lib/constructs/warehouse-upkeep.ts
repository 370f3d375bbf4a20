/** Runs the warehouse's maintenance each week, and tells the topic of the alerts where it fails or ends without a word. */
import { PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnEventInvokeConfig } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { allow } from '../permissions.ts';
import { warehouseFunctions } from '../warehouse-functions.ts';
import { FlowFunction } from './flow-function.ts';

export class WarehouseUpkeep extends Construct {
  constructor(scope: Construct, id: string, { deployment }: { deployment: Deployment }) {
    super(scope, id);
    const topic = deployment.read('alertsTopicArn');
    const maintain = new FlowFunction(this, 'Maintain', {
      deployment,
      flow: 'maintain-warehouse',
      variables: {},
      ...warehouseFunctions['maintain-warehouse'],
      // In the function's name, Lambda tells of a call that failed; the data key, which the topic needs, it has.
      source: { statements: [allow(['sns:Publish'], topic)] },
    });
    new CfnEventInvokeConfig(this, 'Failures', {
      functionName: maintain.resource.ref,
      qualifier: '$LATEST',
      maximumRetryAttempts: 1,
      destinationConfig: { onFailure: { destination: topic } },
    });
    const role = new Role(this, 'ScheduleRole', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com'),
      inlinePolicies: {
        maintain: new PolicyDocument({ statements: [allow(['lambda:InvokeFunction'], maintain.arn)] }),
      },
    });
    new CfnSchedule(this, 'Weekly', {
      description: 'Maintains the warehouse when hardly anybody uses it',
      scheduleExpression: 'cron(0 6 ? * SUN *)',
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: maintain.arn,
        roleArn: role.roleArn,
        input: '{}',
        retryPolicy: { maximumEventAgeInSeconds: 3600, maximumRetryAttempts: 3 },
      },
    });
  }
}
