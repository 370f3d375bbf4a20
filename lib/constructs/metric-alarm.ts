/** An alarm of CloudWatch, made of a row of the table of alarms; the topic hears of its begin and its end. */
import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import { type AlarmRow, runbookOf } from '../monitoring/alarms.ts';
import type { WatchedMetric } from '../monitoring/watched.ts';

const comparisons = {
  '>': ComparisonOperator.GREATER_THAN_THRESHOLD,
  '<': ComparisonOperator.LESS_THAN_THRESHOLD,
};

const missingData = {
  breaching: TreatMissingData.BREACHING,
  notBreaching: TreatMissingData.NOT_BREACHING,
  ignore: TreatMissingData.IGNORE,
};

export function metricAlarm(scope: Construct, row: AlarmRow, deployment: Deployment, topic: ITopic): Alarm {
  const alarm = new Alarm(scope, row.id, {
    alarmName: deployment.nameOf(row.id),
    alarmDescription: `${row.severity}: ${row.says}. Missing data: ${row.whyMissing}. What to do: ${runbookOf(row)}`,
    metric: measured(row),
    evaluationPeriods: row.periods,
    datapointsToAlarm: row.breachingPeriods ?? row.periods,
    comparisonOperator: comparisons[row.comparison],
    threshold: row.threshold,
    treatMissingData: missingData[row.missing],
  });
  const tell = new SnsAction(topic);
  alarm.addAlarmAction(tell);
  alarm.addOkAction(tell);
  return alarm;
}

function measured({ metrics, expression, periodMinutes, id }: AlarmRow): IMetric {
  const period = Duration.minutes(periodMinutes);
  const made: Record<string, IMetric> = {};
  const ofExpression = (text: string, label: string) => {
    const used = Object.entries(made).filter(([name]) => new RegExp(`\\b${name}\\b`).test(text));
    return new MathExpression({ expression: text, usingMetrics: Object.fromEntries(used), period, label });
  };
  for (const [name, metric] of Object.entries(metrics)) {
    made[name] = typeof metric === 'string' ? ofExpression(metric, name) : cloudWatchMetric(metric, { period });
  }
  return expression ? ofExpression(expression, id) : Object.values(made)[0]!;
}

export const cloudWatchMetric = (
  { namespace, name, dimensions, statistic }: WatchedMetric,
  how: { period: Duration; label?: string },
): Metric => new Metric({ namespace, metricName: name, dimensionsMap: dimensions, statistic, ...how });
