/** Calls each week the functions that look after the warehouse's tables and the lake's files. */
import { PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { allow } from '../permissions.ts';
import { warehouseFunctions } from '../warehouse-functions.ts';
import { FlowFunction } from './flow-function.ts';

/**
 * Lambda tries a call that failed or took too long twice again; an alarm tells of one that it then gives up. Of a call that
 * never reaches Lambda, since Scheduler gives it up, nothing tells: what it left, the next week's does.
 */
const called = { Maintain: 'maintain-warehouse', Vacuum: 'vacuum-lake' } as const;

export class WeeklyUpkeep extends Construct {
  constructor(scope: Construct, id: string, { deployment }: { deployment: Deployment }) {
    super(scope, id);
    const functions = Object.entries(called).map(([name, flow]) => {
      const { arn } = new FlowFunction(this, name, { deployment, flow, variables: {}, ...warehouseFunctions[flow] });
      return { name, flow, arn };
    });
    const { roleArn } = new Role(this, 'ScheduleRole', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com'),
      inlinePolicies: {
        upkeep: new PolicyDocument({
          statements: [allow(['lambda:InvokeFunction'], ...functions.map(({ arn }) => arn))],
        }),
      },
    });
    for (const { name, flow, arn } of functions) {
      new CfnSchedule(this, `Weekly${name}`, {
        description: `Calls ${flow} when hardly anybody is at work`,
        // All at the same time: they wake the warehouse once.
        scheduleExpression: 'cron(0 6 ? * SUN *)',
        flexibleTimeWindow: { mode: 'OFF' },
        target: { arn, roleArn, input: '{}', retryPolicy: { maximumEventAgeInSeconds: 3600, maximumRetryAttempts: 3 } },
      });
    }
  }
}
