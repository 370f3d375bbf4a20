/** The cost model follows the templates, the price file and its stated assumptions, and knows what it does not know. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assumptions } from '../../scripts/cost/assumptions.ts';
import { linesOf, paid } from '../../scripts/cost/lines.ts';
import { costPage } from '../../scripts/cost/page.ts';
import { readPrices } from '../../scripts/cost/prices.ts';
import { callsAMonth } from '../../scripts/cost/schedule.ts';
import { byService, type Costs, costsOf } from '../../scripts/cost/table.ts';
import { type Resource, resourcesOfEnvironment } from '../../scripts/cost/templates.ts';
import { scenarios, workloadOf } from '../../scripts/cost/workload.ts';
import { repositoryRoot } from '../support/c360.ts';
import { temporaryDirectories } from '../support/local-stores.ts';

const newDirectory = temporaryDirectories();
const prices = readPrices(join(repositoryRoot, 'config/prices/us-east-1.yaml'));

const resource = (type: string, properties: Record<string, unknown> = {}, more: Partial<Resource> = {}): Resource => ({
  type: `AWS::${type}`,
  stack: 'one',
  id: type.replaceAll('::', ''),
  properties,
  ...more,
});
const stream = resource('Kinesis::Stream', { ShardCount: 1, RetentionPeriodHours: 168 });
const archive = resource('Lambda::Function', { MemorySize: 1769 }, { flow: 'archive-events' });
const mapping = resource('Lambda::EventSourceMapping', {
  StartingPosition: 'TRIM_HORIZON',
  BatchSize: 5000,
  MaximumBatchingWindowInSeconds: 60,
});
const machine = resource('StepFunctions::StateMachine', {}, { id: 'Machine' });
const schedule = (ScheduleExpression: string) =>
  resource('Scheduler::Schedule', { ScheduleExpression, Target: { Arn: { Ref: 'Machine' } } });
const job = resource('Glue::Job', { NumberOfWorkers: 2, Timeout: 240 });
const workgroup = resource('RedshiftServerless::Workgroup', { BaseCapacity: 4 });

/** Units of a line in each scenario. */
function quantities({ costs }: Costs, what: string): number[] {
  const found = costs.filter((cost) => `${cost.service}: ${cost.what}` === what);
  expect(found).toHaveLength(1);
  return found[0]!.quantities;
}
const at = (eventsADay: number, ...resources: Resource[]) => workloadOf(resources, { title: '', eventsADay });

describe('what is there all month', () => {
  test('shards, their retention beyond a day, keys, dashboards and secrets are counted in the templates', () => {
    const costs = costsOf(
      [
        stream,
        resource('KMS::Key'),
        resource('KMS::Key'),
        resource('CloudWatch::Dashboard'),
        resource('RedshiftServerless::Namespace', { ManageAdminPassword: true }),
      ],
      prices,
    );
    expect(quantities(costs, 'Kinesis: shards')[0]).toBe(730);
    expect(quantities(costs, 'Kinesis: retention beyond a day')[0]).toBe(730);
    // 730 x (0.015 + 0.02), KMS' requests in five minutes, two keys, a dashboard, a secret.
    expect(costs.totals[0]).toBeCloseTo(25.55 + (730 * 24 * 0.03) / 1e4 + 2 + 3 + 0.4, 6);
  });

  test('a stream that keeps a day pays for no retention', () => {
    const costs = costsOf([resource('Kinesis::Stream', { ShardCount: 2, RetentionPeriodHours: 24 })], prices);
    expect(quantities(costs, 'Kinesis: shards')).toEqual([1460, 1460, 2920]);
    expect(quantities(costs, 'Kinesis: retention beyond a day')).toEqual([0, 0, 0]);
  });

  test('an alarm pays for each metric that it reads, and a metric of our own once', () => {
    const stat = (Namespace: string, MetricName: string) => ({ MetricStat: { Metric: { Namespace, MetricName } } });
    const costs = costsOf(
      [
        resource('CloudWatch::Alarm', { Namespace: 'AWS/SQS', MetricName: 'Age' }),
        resource('CloudWatch::Alarm', {
          Metrics: [{ Expression: 'SUM([a, b])' }, stat('Customer360', 'Refused'), stat('AWS/Lambda', 'Errors')],
        }),
        resource('CloudWatch::Alarm', { Namespace: 'Customer360', MetricName: 'Refused' }),
      ],
      prices,
    );
    expect(quantities(costs, 'CloudWatch: alarms')).toEqual([4, 4, 4]);
    expect(quantities(costs, 'CloudWatch: metrics of our own')).toEqual([0, 1, 1]);
  });

  test('a gateway endpoint is free, and an interface endpoint is paid in each zone', () => {
    const costs = costsOf(
      [
        resource('EC2::VPCEndpoint', { VpcEndpointType: 'Gateway', RouteTableIds: ['a'] }),
        resource('EC2::VPCEndpoint', { VpcEndpointType: 'Interface', SubnetIds: ['a', 'b'] }),
      ],
      prices,
    );
    expect(quantities(costs, 'VPC: interface endpoints')[0]).toBe(1460);
  });
});

describe('what grows with the events', () => {
  test.each`
    eventsADay       | shards
    ${0}             | ${1}
    ${28_000_000}    | ${1}
    ${29_000_000}    | ${2}
    ${100_000_000}   | ${4}
    ${1_000_000_000} | ${35}
  `('$eventsADay events a day need $shards shards: three times the mean at 1,000 records a second', (row) => {
    expect(at(row.eventsADay, stream).shards).toBe(row.shards);
  });

  test('the archive is called once a window, or when a batch or a call is full', () => {
    const aMonth = 730 * 60;
    expect(at(1_000_000, stream, mapping, archive).archive.number).toBeCloseTo(aMonth, 6);
    const small = { ...mapping, properties: { ...mapping.properties, BatchSize: 100 } };
    expect(at(1_000_000, stream, small, archive).archive.number).toBeCloseTo((1_000_000 * 730) / 24 / 100, 6);
    // 6 MB hold 8,839 records of 322 bytes in Base64 with 250 bytes of Lambda's own.
    const large = {
      ...mapping,
      properties: { ...mapping.properties, BatchSize: 10_000, MaximumBatchingWindowInSeconds: 300 },
    };
    expect((100_000_000 * 730) / 24 / at(100_000_000, stream, large, archive).archive.number).toBeCloseTo(
      Math.floor(6e6 / ((322 * 4) / 3 + 250)),
      6,
    );
    expect(at(0, stream, mapping, archive).archive).toEqual({ number: 0, seconds: 0 });
  });

  test('a call takes its waits and the time of its events, longer with less than a core', () => {
    const { number, seconds } = at(1_000_000, stream, mapping, archive).archive;
    const events = (1_000_000 / 86_400) * 60;
    expect(seconds / number).toBeCloseTo(0.2 + (events * 14.5) / 1e6, 9);
    const half = at(1_000_000, stream, mapping, { ...archive, properties: { MemorySize: 884.5 } }).archive;
    expect(half.seconds / half.number).toBeCloseTo(0.2 + (2 * events * 14.5) / 1e6, 9);
  });

  test('tables pay for what the archive reads and writes, and for recovery where they have it', () => {
    const recovered = { PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } };
    const at1M = (properties: object) => {
      const costs = costsOf([stream, mapping, archive, resource('DynamoDB::Table', { ...properties })], prices);
      return (what: string) => quantities(costs, `DynamoDB: ${what}`)[1]!;
    };
    const events = (1_000_000 * 730) / 24;
    // A call a minute writes four units, and a new person of 500 events six; a call reads ten, and of ten events one asks for its visitor.
    expect(at1M({})('writes')).toBeCloseTo((730 * 60 * 4 + (events / 500) * 6) / 1e6, 9);
    expect(at1M({})('reads')).toBeCloseTo((730 * 60 * 10 + events / 10) / 1e6, 9);
    // After a year: a kilobyte a person, 400 bytes a call.
    const stored = (365_000_000 / 500) * 1000 + 365 * 24 * 60 * 400;
    expect(at1M({})('storage after a year')).toBeCloseTo(stored / 1e9, 9);
    expect([at1M({})('recovery'), at1M(recovered)('recovery')]).toEqual([0, at1M({})('storage after a year')]);
  });

  test('without events the schedule goes on: it wakes the warehouse, and starts no job', () => {
    const idle = at(0, machine, schedule('cron(0 3 * * ? *)'), job, workgroup);
    expect(idle).toMatchObject({ newRuns: 0, dpuSeconds: 0, rpus: 4 });
    expect(idle.runs).toBeCloseTo(730 / 24, 9);
    expect(idle.rpuSeconds).toBeCloseTo((730 / 24) * 60 * 4, 6);
  });

  test('a run starts the job twice, with as many workers as end it in half of its time', () => {
    const hourly = schedule('cron(0 * * * ? *)');
    const small = at(24_000_000, machine, hourly, job);
    // A million an hour: 120 core-seconds in two starts on the four cores of one worker, a minute to start, two DPU.
    expect(small.workers).toBe(2);
    expect(small.dpuSeconds).toBeCloseTo(730 * 2 * 2 * (60 + 15), 6);
    const short = { ...job, properties: { NumberOfWorkers: 2, Timeout: 1 } };
    // 7.5 core-seconds a second of the half minute that is meant: two workers, and one that drives them.
    const large = at(24_000_000 * 4, machine, hourly, short);
    expect(large.workers).toBe(1 + Math.ceil(240 / 4 / 30));
  });

  test('the lake keeps files that were replaced until they are cleared away each week, and a week longer', () => {
    const vacuum = resource('Lambda::Function', {}, { flow: 'vacuum-lake', id: 'Vacuum' });
    const weekly = resource('Scheduler::Schedule', {
      ScheduleExpression: 'cron(0 6 ? * SUN *)',
      Target: { Arn: { 'Fn::GetAtt': ['Vacuum', 'Arn'] } },
    });
    const daysOf = (...resources: Resource[]) =>
      (at(1_000_000, machine, ...resources).stored.lake / 1e6 - 365 * (73 + 190)) / 190;
    // A day's events a run: those of ten kept snapshots, and of two weeks' runs.
    expect(daysOf(schedule('rate(1 day)'), vacuum, weekly)).toBeCloseTo(10 + 14, 6);
    expect(daysOf(schedule('rate(1 hour)'), vacuum, weekly)).toBeCloseTo(10 + 24 * 14, 6);
    expect(daysOf(schedule('rate(1 day)'))).toBeCloseTo(10 + 365, 6);
  });

  test('the warehouse grows in steps of eight when the answers would be late', () => {
    const daily = [machine, schedule('cron(0 3 * * ? *)'), workgroup];
    expect(at(1_000_000, ...daily).rpus).toBe(4);
    // 14 answers over 36.5 thousand million rows, 10 million a second and RPU, within 450 s: 113.6 RPU.
    expect(at(100_000_000, ...daily).rpus).toBe(120);
  });

  test.each`
    expression                       | calls
    ${'cron(0 3 * * ? *)'}           | ${730 / 24}
    ${'cron(0 * * * ? *)'}           | ${730}
    ${'cron(30 3,15 * * ? *)'}       | ${730 / 12}
    ${'cron(0 6 ? * SUN *)'}         | ${730 / 24 / 7}
    ${'cron(0 6 ? * MON,WED,FRI *)'} | ${(3 * 730) / 24 / 7}
    ${'cron(0 6 1 * ? *)'}           | ${1}
    ${'rate(15 minutes)'}            | ${2920}
    ${'rate(1 day)'}                 | ${730 / 24}
  `('$expression calls $calls times a month', ({ expression, calls }) => {
    expect(callsAMonth(expression)).toBeCloseTo(calls, 9);
  });
});

describe('what the model does not know', () => {
  test.each([
    ['a type of resource', [resource('EC2::NatGateway')], 'the cost model has no row for AWS::EC2::NatGateway; add'],
    ['a flow', [resource('Lambda::Function', {}, { flow: 'track-events' })], 'knows no calls of the flow track-events'],
    [
      'a number that stands in no template',
      [resource('Kinesis::Stream', { ShardCount: { Ref: 'Shards' } })],
      'ShardCount of AWS::Kinesis::Stream KinesisStream must be a number in the template, got {"Ref":"Shards"}',
    ],
    ['a schedule', [machine, schedule('cron(*/5 * * * ? *)')], 'counts no calls of cron(*/5 * * * ? *)'],
    ['logs that are kept for ever', [resource('Logs::LogGroup')], 'RetentionInDays of AWS::Logs::LogGroup'],
  ])('%s is an error that names it', (_, resources, message) => {
    expect(() => costsOf(resources, prices)).toThrow(message);
  });

  test('a price that is missing, and one without a source, are named', () => {
    const { 'kms.key': _, ...others } = prices.prices;
    expect(() => costsOf([resource('KMS::Key')], { ...prices, prices: others })).toThrow('there is no price kms.key');
    const file = join(newDirectory(), 'prices.yaml');
    writeFileSync(file, 'sources: {a: x}\nprices:\n  kms.key: { price: 1, unit: key, source: b }\n');
    expect(() => readPrices(file)).toThrow(/kms\.key must have a price above 0, a unit, and one of the file's sources/);
  });
});

describe('the deployments', () => {
  let environments: { dev: Resource[]; prod: Resource[] };
  beforeAll(async () => {
    const [dev, prod] = await Promise.all(['dev', 'prod'].map((name) => resourcesOfEnvironment(repositoryRoot, name)));
    environments = { dev: dev!, prod: prod! };
  }, 120_000);

  test('dev costs less than 40 dollars a month while nothing comes in', () => {
    const { totals } = costsOf(environments.dev, prices);
    expect(totals[0]).toBeGreaterThan(0);
    expect(totals[0]).toBeLessThan(40);
    expect(totals).toEqual(totals.toSorted((a, b) => a - b));
  });

  test('docs/cost.md shows what the command shows; `npm run cost -- --write` makes it anew', () => {
    const page = readFileSync(join(repositoryRoot, 'docs/cost.md'), 'utf8');
    expect(page).toBe(costPage(page, environments, prices));
    expect(page).toContain(prices.asOf);
    for (const { why } of Object.values(assumptions)) expect(page).toContain(why);
  });

  test('the services of the table add up to its total', () => {
    const { rows } = byService(costsOf(environments.prod, prices));
    const columns = scenarios.map((_, index) => rows.map((row) => Number(row[index + 1]!.replaceAll(/[*<]/g, ''))));
    for (const column of columns) {
      const total = column.at(-1)!;
      expect(Math.abs(column.slice(0, -1).reduce((sum, dollars) => sum + dollars, 0) - total)).toBeLessThan(0.2);
    }
  });
});

test('each row has its prices in the file, and no price stands there for nothing', () => {
  const properties = {
    ...{ ShardCount: 1, RetentionInDays: 90, BaseCapacity: 4, Timeout: 240 },
    ...{ ScheduleExpression: 'rate(1 day)', Target: { Arn: { Ref: 'Machine' } } },
  };
  const resources = Object.keys(paid).map((type) => resource(type.replace('AWS::', ''), properties));
  const used = linesOf(resources, workloadOf(resources, scenarios[0]!)).map(({ price }) => price);
  expect([...new Set(used)].sort()).toEqual(Object.keys(prices.prices).sort());
});
