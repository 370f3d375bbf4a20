/** What is watched, from when on it is told and to whom, by value; and that the runbook knows each of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { noticeRows } from '../../lib/monitoring/alarms.ts';
import { customMetrics, type MetricName, metricsNamespace } from '../../src/domain/metrics/custom-metrics.ts';
import type { EndedRun } from '../../src/domain/metrics/measure.ts';
import { stepOfState } from '../../src/flows/run-steps.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { resourceText } from '../support/rights.ts';
import { resourceOf, resourcesOf, synthesize, type Template } from '../support/synthesized.ts';

const newDirectory = temporaryDirectories();
const { templates } = synthesize(newDirectory());
const { monitoring: template } = templates;

interface Measured {
  Id?: string;
  Expression?: string;
  ReturnData?: boolean;
  MetricStat?: { Metric: MetricOf; Period: number; Stat: string };
}

interface MetricOf {
  Namespace: string;
  MetricName: string;
  Dimensions: { Name: string; Value: unknown }[];
}

interface AlarmProperties extends MetricOf {
  AlarmName: string;
  AlarmDescription: string;
  Metrics?: Measured[];
  Period: number;
  Statistic: string;
  EvaluationPeriods: number;
  DatapointsToAlarm: number;
  ComparisonOperator: string;
  Threshold: number;
  TreatMissingData: string;
}

const alarmsOf = (made: Template): AlarmProperties[] =>
  resourcesOf(made, 'AWS::CloudWatch::Alarm').map(({ Properties }) => Properties as unknown as AlarmProperties);

const alarms = alarmsOf(template);

/** `AWS/Kinesis IncomingBytes of <data/stream>` */
function metricText({ Namespace, MetricName, Dimensions }: MetricOf): string {
  const values = Dimensions.filter(({ Name }) => Name !== 'Environment').map(({ Value }) => textOf(Value));
  return `${Namespace} ${MetricName}${values.length > 0 ? ` of ${values.join(', ')}` : ''}`;
}

/** Names of queues are cut out of their ARNs. */
function textOf(value: unknown): string {
  const picked = (value as { 'Fn::Select'?: [number, { 'Fn::Split': [string, unknown] }] })['Fn::Select'];
  if (!picked) return resourceText(template, value);
  expect(picked[0]).toBe(5);
  expect(picked[1]['Fn::Split'][0]).toBe(':');
  return resourceText(template, picked[1]['Fn::Split'][1]);
}

const symbols: Record<string, string> = { GreaterThanThreshold: '>', LessThanThreshold: '<' };

/** What an alarm watches and from when on it tells, in lines. */
function alarmText(alarm: AlarmProperties): string[] {
  const { Metrics, EvaluationPeriods: periods, DatapointsToAlarm: breaching } = alarm;
  const stats = Metrics?.flatMap(({ Id, MetricStat }) => (MetricStat ? [{ Id, ...MetricStat }] : []));
  const all = stats ?? [{ Id: '', Metric: alarm, Period: alarm.Period, Stat: alarm.Statistic }];
  const seconds = new Set(all.map(({ Period }) => Period));
  expect(seconds.size).toBe(1);
  const expressions = (Metrics ?? []).filter(({ Expression }) => Expression);
  const sides = `${symbols[alarm.ComparisonOperator]} ${alarm.Threshold}`;
  return [
    ...all.map(({ Id, Metric, Stat }) => `${Id ? `${Id}: ` : ''}${Stat} ${metricText(Metric)}`),
    ...expressions.map(({ Id, Expression, ReturnData }) => `${ReturnData ? '' : `${Id}: `}${Expression}`),
    `${sides} in ${breaching} of ${periods} x ${[...seconds][0]! / 60} min, missing: ${alarm.TreatMissingData}`,
  ];
}

const textsOf = (made: AlarmProperties[]) =>
  Object.fromEntries(made.map((alarm) => [alarm.AlarmName.replace('customer-360-test-', ''), alarmText(alarm)]));

const archive = 'customer-360-test-archive-events';
const ingest = 'customer-360-test-ingest-batch';
const soon = 'in 1 of 1 x 5 min';
const lasting = 'in 3 of 3 x 5 min';
const mapping = '<ingestion/archive-mapping-id>';
const machine = '<pipeline/state-machine-arn>';

test('these alarms stand, with these metrics, thresholds and treatments of missing data', () => {
  const rate = (dataset: string) => [
    `refused: Sum Customer360 QuarantinedRecords of ${dataset}`,
    `received: Sum Customer360 ReceivedRecords of ${dataset}`,
    'IF(refused < 5, 0, 100 * refused / received)',
    '> 5 in 1 of 1 x 60 min, missing: notBreaching',
  ];
  const successes = ['succeeded: Sum Customer360 EndedRuns of succeeded', 'idle: Sum Customer360 EndedRuns of idle'];
  const age = (dataset: string, hours: number) => [
    `Maximum Customer360 AgeSeconds of ${dataset}`,
    `> ${hours * 3600} in 26 of 26 x 60 min, missing: breaching`,
  ];
  expect(textsOf(alarms)).toEqual({
    'iterator-age': [
      `Maximum AWS/Lambda IteratorAge of ${archive}`,
      `> ${84 * 3_600_000} ${lasting}, missing: notBreaching`,
    ],
    'archive-errors': [
      `errors: Sum AWS/Lambda Errors of ${archive}`,
      `refused: Sum AWS/Lambda FailedInvokeEventCount of ${mapping}`,
      'SUM([errors, refused])',
      '> 0 in 2 of 3 x 5 min, missing: notBreaching',
    ],
    'on-failure-objects': [
      `Sum AWS/Lambda OnFailureDestinationDeliveredEventCount of ${mapping}`,
      `> 0 ${soon}, missing: notBreaching`,
    ],
    'events-dropped': [`Sum AWS/Lambda DroppedEventCount of ${mapping}`, `> 0 ${soon}, missing: notBreaching`],
    'stream-write-throttles': [
      'Sum AWS/Kinesis WriteProvisionedThroughputExceeded of <data/stream>',
      `> 0 ${lasting}, missing: notBreaching`,
    ],
    'stream-read-throttles': [
      'Sum AWS/Kinesis ReadProvisionedThroughputExceeded of <data/stream>',
      `> 0 ${lasting}, missing: notBreaching`,
    ],
    'ingest-errors': [`Sum AWS/Lambda Errors of ${ingest}`, `> 0 ${soon}, missing: notBreaching`],
    'function-throttles': [
      `archive: Sum AWS/Lambda Throttles of ${archive}`,
      `ingest: Sum AWS/Lambda Throttles of ${ingest}`,
      'SUM([archive, ingest])',
      `> 0 ${lasting}, missing: notBreaching`,
    ],
    'landing-dead-letters': [
      'Maximum AWS/SQS ApproximateNumberOfMessagesVisible of <data/landing-dead-letter-queue-arn>',
      `> 0 ${soon}, missing: notBreaching`,
    ],
    'landing-oldest-message': [
      'Maximum AWS/SQS ApproximateAgeOfOldestMessage of <data/landing-queue-arn>',
      `> 7200 ${soon}, missing: notBreaching`,
    ],
    'quarantine-rate-events': rate('events'),
    'quarantine-rate-customers': rate('customers'),
    'quarantine-rate-products': rate('products'),
    'quarantine-rate-transactions': rate('transactions'),
    'pipeline-failed': [
      `failed: Sum AWS/States ExecutionsFailed of ${machine}`,
      `timed_out: Sum AWS/States ExecutionsTimedOut of ${machine}`,
      `aborted: Sum AWS/States ExecutionsAborted of ${machine}`,
      ...successes,
      'SUM([failed, timed_out, aborted, none_failed])',
      'none_failed: 0 * SUM([succeeded, idle])',
      `> 0 ${soon}, missing: ignore`,
    ],
    'pipeline-late': [...successes, 'SUM([succeeded, idle])', '< 1 in 26 of 26 x 60 min, missing: breaching'],
    'load-failed': ['Maximum Customer360 FailedLoads', `> 0 ${soon}, missing: ignore`],
    'row-count-mismatch': ['Maximum Customer360 RowCountMismatches', `> 0 ${soon}, missing: ignore`],
    'upkeep-failed': [
      'maintain: Sum AWS/Lambda AsyncEventsDropped of customer-360-test-maintain-warehouse',
      'vacuum: Sum AWS/Lambda AsyncEventsDropped of customer-360-test-vacuum-lake',
      'SUM([maintain, vacuum])',
      `> 0 ${soon}, missing: notBreaching`,
    ],
    'freshness-events': age('events', 6),
    'freshness-customers': age('customers', 192),
    'freshness-transactions': age('transactions', 30),
  });
});

test('each of them tells the topic of its begin and its end, and says how bad it is and where to read on', () => {
  for (const { Properties } of resourcesOf(template, 'AWS::CloudWatch::Alarm')) {
    const { AlarmActions, OKActions, InsufficientDataActions, AlarmDescription } = Properties;
    for (const actions of [AlarmActions, OKActions]) {
      expect((actions as unknown[]).map(textOf)).toEqual(['<data/alerts-topic-arn>']);
    }
    expect(InsufficientDataActions).toBeUndefined();
    expect(AlarmDescription).toMatch(
      /^(critical|warning): .+\. Missing data: .+\. What to do: docs\/runbook\.md#[a-z-]+$/,
    );
  }
});

test('no two of them are alike', () => {
  const texts = alarms.map((alarm) => alarmText(alarm).join('\n'));
  expect(texts.filter((text, index) => texts.indexOf(text) !== index)).toEqual([]);
});

test('none looks back further than CloudWatch does: a day, and a week where its periods have an hour', () => {
  for (const { Period, Metrics, EvaluationPeriods, AlarmName } of alarms) {
    const period = Period ?? Metrics!.find(({ MetricStat }) => MetricStat)!.MetricStat!.Period;
    const days = period < 3600 ? 1 : 7;
    expect([AlarmName, period * EvaluationPeriods <= days * 86_400]).toEqual([AlarmName, true]);
  }
});

test('a pipeline that runs each hour is late after three, and one dataset that is expected is watched alone', () => {
  const { monitoring } = synthesize(newDirectory(), { schedule: 'hourly', freshnessHours: { products: 3 } }).templates;
  const texts = textsOf(alarmsOf(monitoring));
  expect(texts['pipeline-late']!.at(-1)).toBe('< 1 in 3 of 3 x 60 min, missing: breaching');
  expect(Object.entries(texts).filter(([id]) => id.startsWith('freshness'))).toEqual([
    [
      'freshness-products',
      ['Maximum Customer360 AgeSeconds of products', '> 10800 in 3 of 3 x 60 min, missing: breaching'],
    ],
  ]);
});

test('functions and the job that are watched by name have these names', () => {
  const names = Object.values(templates).flatMap((made) => [
    ...resourcesOf(made, 'AWS::Lambda::Function').map(({ Properties }) => Properties.FunctionName),
    ...resourcesOf(made, 'AWS::Glue::Job').map(({ Properties }) => Properties.Name),
  ]);
  const watched = [...JSON.stringify(template).matchAll(/customer-360-test-[a-z-]+/g)].map(([name]) => name);
  const parts = new Set(watched.filter((name) => /-(archive-events|ingest-batch|models)$/.test(name)));
  expect([...parts].sort()).toEqual([archive, ingest, 'customer-360-test-models']);
  expect(names).toEqual(expect.arrayContaining([...parts]));
});

test('a run of the Glue job that did not succeed is told by its event, without what it says', () => {
  const { EventPattern, Targets } = resourceOf(template, 'AWS::Events::Rule').Properties;
  expect(EventPattern).toEqual({
    source: ['aws.glue'],
    'detail-type': ['Glue Job State Change'],
    detail: { jobName: ['customer-360-test-models'], state: ['FAILED', 'TIMEOUT', 'STOPPED', 'ERROR'] },
  });
  const [{ Arn, InputTransformer }] = Targets as [{ Arn: unknown; InputTransformer: Record<string, unknown> }];
  expect(textOf(Arn)).toBe('<data/alerts-topic-arn>');
  expect(InputTransformer.InputPathsMap).toEqual({
    'detail-jobRunId': '$.detail.jobRunId',
    'detail-state': '$.detail.state',
  });
  expect(InputTransformer.InputTemplate).toContain('docs/runbook.md#glue-failed');
});

test('the budget tells the topic of 80 % by forecast and of 100 % in fact', () => {
  const { Budget, NotificationsWithSubscribers } = resourceOf(template, 'AWS::Budgets::Budget').Properties;
  expect(Budget).toEqual({
    BudgetType: 'COST',
    TimeUnit: 'MONTHLY',
    BudgetLimit: { Amount: 50, Unit: 'USD' },
  });
  const told = NotificationsWithSubscribers as { Notification: unknown; Subscribers: { Address: unknown }[] }[];
  const notice = { ComparisonOperator: 'GREATER_THAN', ThresholdType: 'PERCENTAGE' };
  expect(told.map(({ Notification }) => Notification)).toEqual([
    { ...notice, NotificationType: 'FORECASTED', Threshold: 80 },
    { ...notice, NotificationType: 'ACTUAL', Threshold: 100 },
  ]);
  for (const { Subscribers } of told) {
    expect(Subscribers).toEqual([{ SubscriptionType: 'SNS', Address: expect.anything() }]);
    expect(textOf(Subscribers[0]!.Address)).toBe('<data/alerts-topic-arn>');
  }
});

interface Widget {
  type: string;
  properties: { title?: string; alarms?: string[]; metrics?: unknown[][] };
}

const widgets = (() => {
  const body = resourceText(template, resourceOf(template, 'AWS::CloudWatch::Dashboard').Properties.DashboardBody);
  return (JSON.parse(body) as { widgets: Widget[] }).widgets;
})();

/** The metrics that a graph names, `[namespace, name, dimension, value, …, options]`; expressions name none. */
const graphed = widgets
  .flatMap(({ properties }) => properties.metrics ?? [])
  .filter(([namespace]) => typeof namespace === 'string') as [string, string, ...string[]][];

/** What the services document under these names; a name that is none draws an empty graph, and nobody is told. */
const documented: Record<string, string[]> = {
  'AWS/Lambda': [
    'ConcurrentExecutions',
    'DroppedEventCount',
    'Duration',
    'Errors',
    'FailedInvokeEventCount',
    'Invocations',
    'IteratorAge',
    'OnFailureDestinationDeliveredEventCount',
    'PolledEventCount',
    'Throttles',
  ],
  'AWS/Kinesis': [
    'IncomingBytes',
    'IncomingRecords',
    'ReadProvisionedThroughputExceeded',
    'WriteProvisionedThroughputExceeded',
  ],
  'AWS/SQS': ['ApproximateAgeOfOldestMessage', 'ApproximateNumberOfMessagesVisible'],
  'AWS/States': ['ExecutionsAborted', 'ExecutionsFailed', 'ExecutionsSucceeded', 'ExecutionsTimedOut'],
  'AWS/Redshift-Serverless': ['ComputeSeconds'],
  'AWS/S3': ['BucketSizeBytes', 'NumberOfObjects'],
  [metricsNamespace]: Object.keys(customMetrics),
};

test('the dashboard shows the state of every alarm, and metrics that its services or the functions emit', () => {
  const [status] = widgets;
  expect(status).toMatchObject({ type: 'alarm' });
  expect(status!.properties.alarms).toHaveLength(alarms.length);
  const shown: Record<string, string[]> = {};
  for (const [namespace, name] of graphed) shown[namespace] = [...(shown[namespace] ?? []), name];
  const sorted = Object.entries(shown).map(([namespace, names]) => [namespace, [...new Set(names)].sort()]);
  const { [metricsNamespace]: own, ...services } = Object.fromEntries(sorted) as Record<string, string[]>;
  const { [metricsNamespace]: emitted, ...known } = documented;
  expect(services).toEqual(known);
  expect(emitted).toEqual(expect.arrayContaining(own!));
});

test('the platform’s own metrics are read by the dimensions under which functions emit them', () => {
  const ofAlarms = alarms.flatMap((alarm) => [
    alarm,
    ...(alarm.Metrics ?? []).map(({ MetricStat }) => MetricStat?.Metric),
  ]);
  const read = [
    ...ofAlarms.flatMap((metric): [string, string[]][] =>
      metric?.Namespace === metricsNamespace ? [[metric.MetricName, metric.Dimensions.map(({ Name }) => Name)]] : [],
    ),
    ...graphed
      .filter(([namespace]) => namespace === metricsNamespace)
      .map(([, name, ...rest]): [string, string[]] => [
        name,
        rest.filter((part, index) => index % 2 === 0 && typeof part === 'string'),
      ]),
  ];
  expect(new Set(read.map(([name]) => name))).toEqual(new Set(Object.keys(customMetrics)));
  for (const [name, dimensions] of read) {
    const emitted: readonly string[] = customMetrics[name as MetricName].dimensions;
    expect([name, dimensions.toSorted()]).toEqual([name, emitted.toSorted()]);
  }
});

test('steps and outcomes that are graphed are those of runs', () => {
  const graphedAs = (dimension: string) =>
    graphed.flatMap((metric) => (metric.includes(dimension) ? [metric[metric.indexOf(dimension) + 1]!] : []));
  const steps = graphedAs('Step');
  expect(steps.length).toBeGreaterThan(0);
  expect(Object.values(stepOfState)).toEqual(expect.arrayContaining(steps));
  const ends: EndedRun['status'][] = ['succeeded', 'idle', 'failed', 'interrupted'];
  expect(graphedAs('Outcome')).toEqual(ends);
});

describe('the runbook', () => {
  const sections = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((text) => ({ name: text.slice(0, text.indexOf('\n')), text }));

  test('has a section for each alarm and notice, and none without', () => {
    const named = [...JSON.stringify(template.Resources).matchAll(/docs\/runbook\.md#([a-z-]+)/g)].map(
      ([, one]) => one,
    );
    const all = new Set([...named, ...Object.values(noticeRows).map(({ section }) => section)]);
    expect(sections.map(({ name }) => name).sort()).toEqual([...all].sort());
  });

  test('says in each what it means, where to look first and what to do', () => {
    for (const { name, text } of sections) {
      const parts = [...text.matchAll(/^\*\*(Meaning|First look|Remedy)\.\*\* \S/gm)].map(([, part]) => part);
      expect([name, parts]).toEqual([name, ['Meaning', 'First look', 'Remedy']]);
    }
  });
});
