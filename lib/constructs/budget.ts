/** The monthly budget of the account: the topic hears when it will be spent by forecast, and when it is. */
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import type { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { noticeRows } from '../monitoring/alarms.ts';

/** A filter by tag would watch nothing at all until somebody has activated the tag for billing, so that it is the whole account's. */
export function monthlyBudget(scope: Construct, deployment: Deployment, amount: number, topicArn: string): CfnBudget {
  const notice = (notificationType: 'FORECASTED' | 'ACTUAL', threshold: number) => ({
    notification: { notificationType, threshold, thresholdType: 'PERCENTAGE', comparisonOperator: 'GREATER_THAN' },
    subscribers: [{ subscriptionType: 'SNS', address: topicArn }],
  });
  return new CfnBudget(scope, 'Budget', {
    budget: {
      budgetName: deployment.nameOf(noticeRows.monthlyBudget.id),
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      budgetLimit: { amount, unit: 'USD' },
    },
    notificationsWithSubscribers: [notice('FORECASTED', 80), notice('ACTUAL', 100)],
  });
}
