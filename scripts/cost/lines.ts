/** The cost model: for each type of resource what of it is paid, or why nothing is. */
import { assume } from './assumptions.ts';
import { callsAMonth } from './schedule.ts';
import { numberOf, type Resource } from './templates.ts';
import { isOfStream, type Workload } from './workload.ts';

/** So much of something in a month. */
export interface Line {
  service: string;
  what: string;
  /** In units of the price. */
  quantity: number;
  /** Its name in the price file. */
  price: string;
}

type Row = (resources: Resource[], workload: Workload) => Line[];

const hours = assume('hoursAMonth');
const gigabytes = (bytes: number) => bytes / 1e9;
const sum = (resources: Resource[], of: (resource: Resource) => number) =>
  resources.reduce((total, resource) => total + of(resource), 0);

/** Lines of one service, as [what, quantity, price]. */
const lines = (service: string, ...rows: [what: string, quantity: number, price: string][]): Line[] =>
  rows.map(([what, quantity, price]) => ({ service, what, quantity, price }));

/** All resources of a type, and what they cost in a month. */
export const paid: Record<string, Row> = {
  'AWS::Kinesis::Stream': (streams, { shards, events }) => [
    ...lines(
      'Kinesis',
      ['shards', streams.length * shards * hours, 'kinesis.shard'],
      [
        'retention beyond a day',
        sum(streams, (stream) => (numberOf(stream, 'RetentionPeriodHours', 24) > 24 ? shards * hours : 0)),
        'kinesis.extendedRetention',
      ],
      ['events put', events / 1e6, 'kinesis.put'],
    ),
    ...lines('KMS', [
      'requests',
      (streams.length * shards * hours * assume('keyRequestsAnHour')) / 1e4,
      'kms.requests',
    ]),
  ],
  'AWS::Lambda::Function': (functions, { calls }) => {
    const called = functions.flatMap(({ flow, ...one }) => {
      // CDK's own functions have no flow; they run when something is deployed.
      if (flow === undefined) return [];
      const { [flow]: made } = calls;
      if (!made)
        throw new Error(`the cost model knows no calls of the flow ${flow}; add it to scripts/cost/workload.ts`);
      return [{ ...made, gigabytes: numberOf(one, 'MemorySize', 128) / 1024 }];
    });
    const number = called.reduce((total, one) => total + one.number, 0);
    return [
      ...lines(
        'Lambda',
        ['compute', called.reduce((total, one) => total + one.seconds * one.gigabytes, 0), 'lambda.compute'],
        ['calls', number / 1e6, 'lambda.requests'],
      ),
      ...lines('CloudWatch', ['logs of functions', gigabytes(number * assume('callLogBytes')), 'logs.ingested']),
    ];
  },
  'AWS::Lambda::EventSourceMapping': (mappings, { events }) => {
    const queues = mappings.filter((mapping) => !isOfStream(mapping)).length;
    const counting = mappings.filter(({ properties }) => properties.MetricsConfig !== undefined).length;
    return [
      ...lines('SQS', ['polls of Lambda', (queues * assume('pollers') * 180 * hours) / 1e6, 'sqs.requests']),
      ...lines('CloudWatch', [
        'metrics of event sources',
        events > 0 ? counting * assume('mappingMetrics') : 0,
        'cloudwatch.metric',
      ]),
    ];
  },
  'AWS::DynamoDB::Table': (tables, { archive, events, newPersons, stored }) => {
    const isRecovered = JSON.stringify(tables.map(({ properties }) => properties)).includes(
      '"PointInTimeRecoveryEnabled":true',
    );
    return lines(
      'DynamoDB',
      [
        'writes',
        (archive.number * assume('archiveWrites') + newPersons * assume('personWrites')) / 1e6,
        'dynamodb.writes',
      ],
      ['reads', (archive.number * assume('archiveReads') + events * assume('lookUps')) / 1e6, 'dynamodb.reads'],
      ['storage after a year', gigabytes(stored.tables), 'dynamodb.storage'],
      ['recovery', isRecovered ? gigabytes(stored.tables) : 0, 'dynamodb.recovery'],
    );
  },
  'AWS::S3::Bucket': (_, { archive, newRuns, stored }) => {
    const objects = newRuns * assume('lakeObjects');
    return lines(
      'S3',
      ['storage after a year', gigabytes(stored.lake), 's3.storage'],
      ['objects written', (archive.number + objects) / 1e3, 's3.puts'],
      ['objects read', (archive.number + 2 * objects) / 1e3, 's3.gets'],
    );
  },
  'AWS::KMS::Key': (keys) => lines('KMS', ['keys', keys.length, 'kms.key']),
  'AWS::SNS::Topic': () =>
    lines(
      'SNS',
      ['alerts', assume('alertsAMonth') / 1e6, 'sns.requests'],
      ['e-mails', assume('alertsAMonth') / 1e5, 'sns.emails'],
    ),
  'AWS::StepFunctions::StateMachine': (_, { transitions, runs }) => [
    ...lines('Step Functions', ['transitions', transitions / 1e3, 'stepfunctions.transitions']),
    ...lines('CloudWatch', ['logs of runs', gigabytes(transitions * assume('transitionLogBytes')), 'logs.ingested']),
    ...lines('X-Ray', ['traces', runs / 1e6, 'xray.traces']),
  ],
  'AWS::Scheduler::Schedule': (schedules) =>
    lines('Scheduler', [
      'calls',
      sum(schedules, ({ properties }) => callsAMonth(String(properties.ScheduleExpression))) / 1e6,
      'scheduler.calls',
    ]),
  'AWS::Glue::Job': (_, { dpuSeconds, newRuns }) => [
    ...lines('Glue', ['runs of the models', dpuSeconds / 3600, 'glue.job']),
    ...lines('CloudWatch', ['logs of the job', gigabytes(newRuns * 2 * assume('jobLogBytes')), 'logs.ingested']),
  ],
  'AWS::RedshiftServerless::Workgroup': (_, { rpuSeconds }) =>
    lines('Redshift', ['runs and answers', rpuSeconds / 3600, 'redshift.compute']),
  'AWS::RedshiftServerless::Namespace': (namespaces, { stored }) => [
    ...lines('Redshift', ['storage after a year', gigabytes(stored.warehouse), 'redshift.storage']),
    ...lines('Secrets Manager', [
      'password that Redshift manages',
      namespaces.filter(({ properties }) => properties.ManageAdminPassword === true).length,
      'secretsmanager.secret',
    ]),
  ],
  'AWS::Athena::WorkGroup': (_, { newRuns }) =>
    lines('Athena', ['questions', newRuns > 0 ? (assume('athenaGb') * hours) / 24 / 1e3 : 0, 'athena.scanned']),
  'AWS::Logs::LogGroup': (groups, { archive, transitions, newRuns }) => {
    const ingested =
      archive.number * assume('callLogBytes') +
      transitions * assume('transitionLogBytes') +
      newRuns * 2 * assume('jobLogBytes');
    const months = Math.max(...groups.map((group) => numberOf(group, 'RetentionInDays'))) / (hours / 24);
    return lines('CloudWatch', ['logs kept', gigabytes(ingested) * months, 'logs.stored']);
  },
  'AWS::CloudWatch::Alarm': (alarms, { events, runs }) => {
    // A metric is paid for the hours in which something tells it: all, or those of the runs.
    const told = events > 0 ? 1 : Math.min(runs / hours, 1);
    return lines(
      'CloudWatch',
      ['alarms', sum(alarms, (alarm) => metricsOf(alarm).length), 'cloudwatch.alarm'],
      ['metrics of our own', new Set(alarms.flatMap(metricsOf).filter(isOwn)).size * told, 'cloudwatch.metric'],
    );
  },
  'AWS::CloudWatch::Dashboard': (dashboards) =>
    lines('CloudWatch', ['dashboards', dashboards.length, 'cloudwatch.dashboard']),
  'AWS::SecretsManager::Secret': (secrets) =>
    lines('Secrets Manager', ['secrets', secrets.length, 'secretsmanager.secret']),
  'AWS::EC2::FlowLog': (_, { runs, upkeep }) =>
    lines('CloudWatch', ['logs of the network', gigabytes((runs + upkeep) * assume('flowLogBytes')), 'logs.ingested']),
  'AWS::EC2::VPCEndpoint': (endpoints) => {
    // A gateway endpoint has route tables, and no subnets.
    const zones = sum(endpoints, ({ properties }) => ((properties.SubnetIds ?? []) as unknown[]).length);
    return lines('VPC', ['interface endpoints', zones * hours, 'vpc.interfaceEndpoint']);
  },
};

/** Metrics of an alarm, as text that tells them apart. */
function metricsOf({ properties }: Resource): string[] {
  const { Namespace, MetricName, Dimensions, Metrics } = properties;
  if (!Array.isArray(Metrics)) return [JSON.stringify([Namespace, MetricName, Dimensions])];
  return (Metrics as { MetricStat?: { Metric: Record<string, unknown> } }[]).flatMap(({ MetricStat }) => {
    if (!MetricStat) return [];
    const { Namespace: space, MetricName: name, Dimensions: dimensions } = MetricStat.Metric;
    return [JSON.stringify([space, name, dimensions])];
  });
}

/** What AWS' own services tell of themselves is free. */
const isOwn = (metric: string): boolean => !/^\["(AWS\/|Glue")/.test(metric);

const noUpkeep = 'rights, names and wiring cost nothing';
const network = 'a network without a gateway, address or endpoint of its own price';

/** Types that cost nothing by themselves, and why. */
const free: Record<string, string> = {
  'AWS::IAM::Role': noUpkeep,
  'AWS::IAM::Policy': noUpkeep,
  'AWS::Lambda::Permission': noUpkeep,
  'AWS::Lambda::EventInvokeConfig': noUpkeep,
  'AWS::S3::BucketPolicy': noUpkeep,
  'AWS::SNS::Subscription': 'paid by what is sent',
  'AWS::SNS::TopicPolicy': noUpkeep,
  'AWS::SQS::Queue': 'paid by requests; those of Lambda, which are most, stand with its mapping',
  'AWS::SQS::QueuePolicy': noUpkeep,
  'AWS::SSM::Parameter': 'standard parameters cost nothing',
  'AWS::Events::Rule': 'events of AWS itself cost nothing',
  'AWS::Glue::SecurityConfiguration': noUpkeep,
  'AWS::Glue::Database': 'the first million objects of the catalog cost nothing',
  'AWS::Glue::Table': 'the first million objects of the catalog cost nothing',
  'AWS::Budgets::Budget': 'a budget that only tells costs nothing',
  'AWS::EC2::VPC': network,
  'AWS::EC2::Subnet': network,
  'AWS::EC2::RouteTable': network,
  'AWS::EC2::SubnetRouteTableAssociation': network,
  'AWS::EC2::SecurityGroup': network,
};

/** Custom resources run when something is deployed. */
const isFree = (type: string): boolean => type in free || /^(Custom::|AWS::CloudFormation::CustomResource$)/.test(type);

/** What is paid in a month; throws an Error that names a type of resource that the model does not know. */
export function linesOf(resources: Resource[], workload: Workload): Line[] {
  const types = [...new Set(resources.map(({ type }) => type))];
  const unknown = types.filter((type) => !(type in paid) && !isFree(type));
  if (unknown.length > 0) {
    throw new Error(
      `the cost model has no row for ${unknown.join(', ')}; add what it costs, or why nothing, to scripts/cost/lines.ts`,
    );
  }
  return types.flatMap((type) => {
    const row = paid[type];
    return row
      ? row(
          resources.filter((resource) => resource.type === type),
          workload,
        )
      : [];
  });
}
