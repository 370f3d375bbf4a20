/** The dashboard of the person on call: alarms on top, then the graphs, each with its section of the runbook. */
import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  MathExpression,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { GraphRow } from '../monitoring/graphs.ts';
import type { WatchedMetric } from '../monitoring/watched.ts';
import { cloudWatchMetric } from './metric-alarm.ts';

export interface OperationsDashboardProps {
  deployment: Deployment;
  alarms: Alarm[];
  graphs: GraphRow[];
}

/** Units of the console's grid, which is 24 wide. */
const [width, height] = [12, 6];

export function operationsDashboard(scope: Construct, props: OperationsDashboardProps): Dashboard {
  const { deployment, alarms, graphs } = props;
  const dashboard = new Dashboard(scope, 'Dashboard', {
    dashboardName: deployment.nameOf('operations'),
    defaultInterval: Duration.days(3),
  });
  dashboard.addWidgets(new AlarmStatusWidget({ title: 'What needs somebody now', alarms, width: 24, height: 5 }));
  dashboard.addWidgets(new TextWidget({ markdown: guide(graphs), width: 24, height: 5 }));
  for (let first = 0; first < graphs.length; first += 2) {
    dashboard.addWidgets(...graphs.slice(first, first + 2).map(graph));
  }
  return dashboard;
}

const guide = (graphs: GraphRow[]): string =>
  [
    'Each alarm has a section in docs/runbook.md of the repository: what it means, where to look first, what to do. Where a graph looks wrong:',
    ...graphs.map(({ title, section }) => `- ${title}: docs/runbook.md#${section}`),
  ].join('\n');

function graph({ title, periodMinutes, left, right = {}, expressions = {} }: GraphRow): GraphWidget {
  const period = Duration.minutes(periodMinutes);
  const metricsOf = (rows: Record<string, WatchedMetric>) =>
    Object.entries(rows).map(([label, metric]) => cloudWatchMetric(metric, { period, label }));
  const computed = Object.entries(expressions).map(([label, { expression, using = {} }]) => {
    const usingMetrics = Object.fromEntries(
      Object.entries(using).map(([name, metric]) => [name, cloudWatchMetric(metric, { period })]),
    );
    return new MathExpression({ expression, usingMetrics, label, period });
  });
  return new GraphWidget({
    title,
    width,
    height,
    period,
    left: Object.keys(left).length > 0 ? metricsOf(left) : computed,
    right: [...metricsOf(right), ...(Object.keys(left).length > 0 ? computed : [])],
  });
}
