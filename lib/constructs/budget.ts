/** The monthly budget of the account: the topic hears when it will be spent by forecast, and when it is. */
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import type { Construct } from 'constructs';

/** A filter by tag would watch nothing at all until somebody has activated the tag for billing, so that it is the whole account's. */
export function monthlyBudget(scope: Construct, amount: number, topicArn: string): CfnBudget {
  const notice = (notificationType: 'FORECASTED' | 'ACTUAL', threshold: number) => ({
    notification: { notificationType, threshold, thresholdType: 'PERCENTAGE', comparisonOperator: 'GREATER_THAN' },
    subscribers: [{ subscriptionType: 'SNS', address: topicArn }],
  });
  return new CfnBudget(scope, 'Budget', {
    budget: {
      // Without a name of ours: notices cannot be changed in place, and a second budget of one name is refused.
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      budgetLimit: { amount, unit: 'USD' },
    },
    notificationsWithSubscribers: [notice('FORECASTED', 80), notice('ACTUAL', 100)],
  });
}
