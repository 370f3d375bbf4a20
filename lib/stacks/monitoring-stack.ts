/** What tells people that something is wrong: alarms, the budget, and the dashboard on which to look. */
import { Stack } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { monthlyBudget } from '../constructs/budget.ts';
import { metricAlarm } from '../constructs/metric-alarm.ts';
import { operationsDashboard } from '../constructs/operations-dashboard.ts';
import { Deployment, type DeploymentStackProps } from '../deployment.ts';
import { alarmRows, noticeRows, runbookOf } from '../monitoring/alarms.ts';
import { graphRows } from '../monitoring/graphs.ts';
import { watchedMetrics } from '../monitoring/watched.ts';

export class MonitoringStack extends Stack {
  constructor(scope: Construct, id: string, { environment, settings, ...props }: DeploymentStackProps) {
    super(scope, id, props);
    const deployment = new Deployment(this, environment);
    const topic = Topic.fromTopicArn(this, 'AlertsTopic', deployment.read('alertsTopicArn'));
    const watched = watchedMetrics(deployment);
    const alarms = alarmRows(watched, settings).map((row) => metricAlarm(this, row, deployment, topic));
    operationsDashboard(this, { deployment, alarms, graphs: graphRows(watched) });
    tellOfFailedJobs(this, deployment, topic);
    monthlyBudget(this, settings.monthlyBudgetUsd, topic.topicArn);
  }
}

/** Glue measures failures by the run's own name, which no alarm can know beforehand; its events are free. */
function tellOfFailedJobs(scope: Construct, deployment: Deployment, topic: ITopic): void {
  const { severity, says } = noticeRows.glueFailed;
  const jobName = deployment.nameOf('models');
  // What the run says of its failure stays where it is: it may quote the data.
  const run = `${EventField.fromPath('$.detail.jobRunId')} (${EventField.fromPath('$.detail.state')})`;
  new Rule(scope, 'FailedJobs', {
    description: `Runs of the Glue job ${jobName} that did not succeed`,
    eventPattern: {
      source: ['aws.glue'],
      detailType: ['Glue Job State Change'],
      detail: { jobName: [jobName], state: ['FAILED', 'TIMEOUT', 'STOPPED', 'ERROR'] },
    },
    targets: [
      new SnsTopic(topic, {
        message: RuleTargetInput.fromText(
          `${severity}: ${says}: ${jobName}, run ${run}. What to do: ${runbookOf(noticeRows.glueFailed)}`,
        ),
      }),
    ],
  });
}
