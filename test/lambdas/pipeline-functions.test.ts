/** The pipeline's functions as the template deploys them: bundled, and called in a process of their own over moto. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { landingKey } from '../../src/domain/lake/layout.ts';
import { landingHandler } from '../../src/flows/landing-handler.ts';
import { takeRunLock } from '../../src/flows/run-lock.ts';
import { type AwsDeployment, newAwsDeployment } from '../support/aws-deployment.ts';
import { callBundle } from '../support/bundled-function.ts';
import { collect } from '../support/collect.ts';
import { emittedMetrics } from '../support/emitted-metrics.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { describeWithMoto } from '../support/moto.ts';
import { newTopic, type TopicUnderTest } from '../support/moto-queue.ts';
import { resourcesOf, synthesize } from '../support/synthesized.ts';

const directory = temporaryDirectories()();
const { pipeline: template } = synthesize(directory, {}, { withBundles: true }).templates;

/** Flow -> folder of what is deployed as its function. */
const bundles = Object.fromEntries(
  resourcesOf(template, 'AWS::Lambda::Function').map(({ Metadata, Properties }) => {
    const { S3Key } = Properties.Code as { S3Key: string };
    return [String(Metadata?.['C360::Flow']), join(directory, `asset.${S3Key.replace('.zip', '')}`)];
  }),
);
const pathOf = (flow: string) => join(bundles[flow]!, 'index.mjs');

test('each function has a bundle of its own, below a megabyte, with the SQL files beside it', () => {
  expect(new Set(Object.values(bundles)).size).toBe(8);
  for (const folder of Object.values(bundles)) {
    expect(statSync(join(folder, 'index.mjs')).size).toBeLessThan(1_000_000);
    expect(existsSync(join(folder, 'sql/load/set_load_state.sql'))).toBe(true);
  }
});

test('a bundle holds the clients that its function uses, and no others', () => {
  const clients = {
    'redshift-data': 'warehouse',
    AmazonSimpleNotificationService: 'topic',
    Kinesis_20131202: 'stream',
    AWSGlue: 'catalog',
  };
  const heldIn = (flow: string) => {
    const text = readFileSync(pathOf(flow), 'utf8');
    expect(text).not.toMatch(/duckdb[-_]node|aws-cdk-lib/);
    return Object.entries(clients).flatMap(([name, what]) => (text.includes(name) ? [what] : []));
  };
  expect(Object.fromEntries(Object.keys(bundles).map((flow) => [flow, heldIn(flow)]))).toEqual({
    'plan-run': ['warehouse'],
    'judge-quality': [],
    'exclude-rows': [],
    'plan-curated': [],
    'publish-snapshot': [],
    'load-warehouse': ['warehouse', 'catalog'],
    'publish-answers': ['warehouse'],
    notify: ['topic'],
  });
});

describeWithMoto('over AWS', () => {
  let aws: AwsDeployment;
  let topic: TopicUnderTest;

  beforeEach(async () => {
    aws = await newAwsDeployment();
    topic = await newTopic(aws.clients.sns);
  });
  afterEach(() => aws.close());

  const call = async <Answer>(flow: string, ...events: object[]) =>
    callBundle<Answer>(pathOf(flow), { ...aws.variables, C360_ALERTS_TOPIC: topic.topicArn }, events);
  const keys = async (prefix: string) => (await collect(aws.objects.list(prefix))).map(({ key }) => key);
  const products = 'product_id,name,category,brand,price,cost\np1,Tea,drinks,Acme,1.50,1\n';

  /** Brings a file in at its door. */
  async function ingest(): Promise<void> {
    const key = landingKey('products', createHash('sha256').update(products).digest('hex'));
    await aws.objects.put(key, Buffer.from(products));
    const body = JSON.stringify({ Records: [{ s3: { bucket: { name: 'any' }, object: { key } } }] });
    const told = { onIngested: () => {}, onRefused: () => {}, onFailure: () => {} };
    const handler = landingHandler(aws.env, told);
    await handler({ Records: [{ messageId: 'a', body }] }, { getRemainingTimeInMillis: () => 900_000 });
  }

  interface Planned {
    runId: string;
    next: string;
  }

  test('a run begins with the lock and its plan, once for an execution, and ends with its record and an alert', async () => {
    await ingest();
    const planned = await call<Planned>(
      'plan-run',
      ...['one', 'one', 'two'].map((execution) => ({ execution, input: {} })),
    );
    const [first, again, other] = planned.answers;
    expect(first).toMatchObject({ kind: 'run', next: 'models', snapshot: { number: 0 } });
    expect(again).toEqual(first);
    expect(other).toBeUndefined();
    expect(planned.output).toContain('holds the run lock');
    const { runId } = first!;
    expect(await keys('plans/')).toEqual([`plans/${runId}/clean.json`, `plans/${runId}/inputs.json`]);

    const Cause = JSON.stringify({ ErrorMessage: 'SystemExit: run_models failed: clean.products: Conversion Error' });
    const failed = { CleanModels: { Error: 'States.TaskFailed', Cause } };
    const ended = await call('notify', { execution: 'one', input: { ...first, failed } });
    expect(ended.answers).toEqual([{ status: 'failed' }]);
    const seconds = expect.any(Number);
    expect(emittedMetrics(ended.output)).toEqual([
      { Environment: 'test', Outcome: 'failed', EndedRuns: 1 },
      { Environment: 'test', RunSeconds: seconds },
      { Environment: 'test', Step: 'plan', StepSeconds: seconds },
    ]);
    expect(await aws.env.hot.query('locks', 'run')).toEqual([]);
    const [run] = await aws.env.hot.query('runs', 'runs');
    expect(run).toMatchObject({ sort: runId, values: { status: 'failed', failedStep: 'clean models' } });
    expect(await topic.received()).toMatchObject([
      {
        Subject: 'Customer 360: a run failed at clean models',
        Message: expect.stringContaining('failed at clean models: clean.products: Conversion Error'),
      },
    ]);
  });

  test.each`
    flow                  | payload                           | said
    ${'judge-quality'}    | ${{ runId: 'x', layer: 'clean' }} | ${'plans/x/clean.result.json is missing'}
    ${'exclude-rows'}     | ${{ runId: 'x' }}                 | ${'plans/x/clean.json is missing'}
    ${'plan-curated'}     | ${{ runId: 'x' }}                 | ${'plans/x/inputs.json is missing'}
    ${'publish-snapshot'} | ${{ runId: 'x' }}                 | ${'plans/x/inputs.json is missing'}
    ${'load-warehouse'}   | ${{ runId: 'x', snapshot: 7 }}    | ${'snapshot 7 is missing'}
    ${'publish-answers'}  | ${{ runId: 'x', snapshot: 7 }}    | ${'snapshot 7 is missing'}
  `('$flow runs its own task: $said', async ({ flow, payload, said }) => {
    await aws.objects.put('plans/x/clean.gate.1.json', Buffer.from('{"pass": 1}'));
    await takeRunLock(aws.env)({ runId: 'x', process: 'one' }, { leaseMs: 60_000 });
    const { answers, output } = await call(flow, payload);
    expect(answers).toEqual([undefined]);
    expect(output).toContain(said);
  });
});
