/**
 * The whole platform as its templates deploy it, over the moto server: the bundles of the synthesized functions with the
 * environment that their template gives them, called as Lambda calls them; the synthesized state machine, its Glue job run by
 * Spark over s3://, its warehouse a Data API in front of DuckDB. Its answers are those of the platform on one machine, and no
 * function does what its role does not allow. What roles allow beyond that goes to the file that C360_UNUSED_RIGHTS names.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetPartitionsCommand } from '@aws-sdk/client-glue';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { awsEnvironment } from '../../src/adapters/aws/environment.ts';
import { KinesisEventStream } from '../../src/adapters/aws/kinesis-event-stream.ts';
import { S3ObjectStore } from '../../src/adapters/aws/s3-object-store.ts';
import { datasets } from '../../src/contracts/index.ts';
import { landingKey } from '../../src/domain/lake/layout.ts';
import type { Snapshot } from '../../src/domain/lake/snapshot.ts';
import type { EventSourceSettings } from '../../src/domain/stream/event-source-settings.ts';
import type { KinesisBatchResponse } from '../../src/flows/kinesis-handler.ts';
import type { QueueBatchResponse } from '../../src/flows/landing-handler.ts';
import { readAnswer, readQueries } from '../../src/flows/publish-answers.ts';
import { generate } from '../../src/generators/index.ts';
import { consumeStream } from '../../src/local/event-source.ts';
import { definitionOf } from '../../src/local/pipeline-definition.ts';
import { produce, recordsIn } from '../../src/local/produce.ts';
import { runPipeline } from '../../src/local/run-pipeline.ts';
import { executeStateMachine, TaskError } from '../../src/local/state-machine.ts';
import type { TaskResource } from '../../src/local/supported-states.ts';
import type { Environment, StreamRecord } from '../../src/ports.ts';
import { WatchedAwsFront } from '../support/aws-front.ts';
import { HandlerFailed } from '../support/bundled-function.ts';
import { DeployedFunction } from '../support/called-as-lambda.ts';
import { collect } from '../support/collect.ts';
import { keptRecords, originText, withBrokenLines } from '../support/conservation.ts';
import { answerOf } from '../support/custom-resource-caller.ts';
import { DeployedTemplates } from '../support/deployed-templates.ts';
import { type DoorPlatform, doorPlatform } from '../support/door-platform.ts';
import { allowing, type Call, type Statement } from '../support/iam.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { motoAddress, motoClients } from '../support/moto.ts';
import { sqs, subscribe } from '../support/moto-queue.ts';
import { RedshiftDataServer } from '../support/redshift-data-server.ts';
import { describeWithSparkOnS3, sparkOnS3 } from '../support/s3a/spark-on-s3.ts';
import { submitted } from '../support/submitted-spark.ts';
import { type Resource, resourceOf, resourcesOf, type Synthesized, synthesize } from '../support/synthesized.ts';

import { zipOf } from '../support/zip.ts';

const newDirectory = temporaryDirectories();
const events = 10_000;
const shop = { customers: 300, products: 40, transactions: 6_000, events: 110_000, months: 1, seed: 7 } as const;
/** Moves a process' clock. The vacuum lets everything be that is younger than a day. */
const twoDaysLater = `--import=data:text/javascript,${encodeURIComponent(`
  const now = Date.now;
  globalThis.Date = class extends Date {
    constructor(...given) { given.length > 0 ? super(...given) : super(Date.now()); }
    static now() { return now() + 2 * 86400000; }
  };
`)}`;
/** Events and sales of the last days of the month: each day is a partition of most tables. */
const since = '2026-10-29';

describeWithSparkOnS3('the platform on AWS', () => {
  let synthesized: Synthesized;
  let outdir: string;
  let clients: Awaited<ReturnType<typeof motoClients>>;
  let templates: DeployedTemplates;
  let redshift: RedshiftDataServer;
  let front: WatchedAwsFront;
  let address: string;
  let lake: S3ObjectStore;
  let stream: KinesisEventStream;
  /** The Lambda service: it keeps its own place in the stream. */
  let lambda: DoorPlatform;
  let received: Awaited<ReturnType<typeof subscribe>>;
  const functions = new Map<string, DeployedFunction>();

  const parameter = (path: string): string => templates.parameters.get(`/customer-360/test/${path}`)!;

  beforeAll(async () => {
    outdir = newDirectory();
    synthesized = synthesize(outdir, { reportingCurrency: 'USD' }, { withBundles: true });
    clients = await motoClients();
    templates = await DeployedTemplates.deploy(clients, { ...synthesized, outdir });
    lake = new S3ObjectStore({ client: clients.s3, bucket: parameter('data/bucket') });
    stream = new KinesisEventStream({ client: clients.kinesis, streamName: parameter('data/stream') });
    redshift = await RedshiftDataServer.start(async (uri) => (await lake.get(uri.split('/').slice(3).join('/')))!);
    front = new WatchedAwsFront(await motoAddress(), redshift, templates.sealedUnder);
    address = await front.start();
    for (const template of Object.values(synthesized.templates)) {
      for (const { flow, path, variables } of templates.functions(template)) {
        functions.set(flow, new DeployedFunction(path, { ...variables, ...asLambdaGives(flow) }));
      }
    }
    lambda = doorPlatform(newDirectory());
    received = await subscribe(clients.sns, parameter('data/alerts-topic-arn'));
    await putAssets();
  }, 300_000);
  afterAll(async () => {
    lambda?.close();
    await Promise.all([...functions.values()].map((one) => one.end()));
    await front?.close();
    await redshift?.close();
    templates?.glue.destroy();
    for (const client of Object.values(clients ?? {})) client.destroy();
  });

  /** What Lambda adds to a function's environment. The access key tells who calls. */
  const asLambdaGives = (caller: string) => ({
    AWS_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL: address,
    AWS_ACCESS_KEY_ID: caller,
    AWS_SECRET_ACCESS_KEY: 'test',
    ...(caller === 'vacuum-lake' && { NODE_OPTIONS: twoDaysLater }),
  });

  /** The folders that the job reads as archives, in the bucket of `cdk bootstrap`. */
  async function putAssets(): Promise<void> {
    const { pipeline } = synthesized.templates;
    const { DefaultArguments } = resourceOf(pipeline, 'AWS::Glue::Job').Properties;
    const { '--sql': sql } = templates.resolve(pipeline, DefaultArguments) as Record<string, string>;
    const [, , bucket = '', key = ''] = sql!.split('/');
    await clients.s3.send(
      new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }),
    );
    const folder = join(outdir, `asset.${key.replace('.zip', '')}`);
    await new S3ObjectStore({ client: clients.s3, bucket }).put(key, zipOf(folder));
  }

  const mappingOf = (flow: string): Record<string, unknown> => {
    const { ingestion } = synthesized.templates;
    const [id] = Object.entries(ingestion.Resources).find(([, { Metadata }]) => Metadata?.['C360::Flow'] === flow)!;
    const isOf = ({ Properties }: Resource) => JSON.stringify(Properties.FunctionName).includes(`"${id}"`);
    return resourcesOf(ingestion, 'AWS::Lambda::EventSourceMapping').find(isOf)!.Properties;
  };

  test(`takes ${events} events from the stream: each is in raw or in quarantine, once`, async () => {
    const lines = withBrokenLines(linesOf('events', ({ timestamp = '' }) => timestamp >= since)).slice(0, events);
    expect(lines.length).toBe(events);
    await produce({ ...lambda.env, stream }, 'events', recordsIn([Buffer.from(lines.join(''))]));
    const archive = functions.get('archive-events')!;
    const invoke = archive.call.bind(archive)<KinesisBatchResponse>;
    const settings = settingsOf(mappingOf('archive-events'));
    await consumeStream({ ...lambda.env, stream }, { consumer: 'archive-events', settings, invoke });

    const streamed: StreamRecord[] = [];
    for (const shard of await stream.shards()) streamed.push(...(await readShard(shard)));
    expect(streamed.length).toBe(events);
    const { origins, quarantined } = await keptRecords(lake, 'events');
    const expected = streamed.map(({ shard, sequence }) =>
      originText({ source_shard: shard, source_sequence: sequence }),
    );
    expect(origins).toEqual(expected.sort());
    expect(quarantined.length).toBe(events / 100);
  }, 300_000);

  async function readShard(shard: string): Promise<StreamRecord[]> {
    const records: StreamRecord[] = [];
    for (;;) {
      const next = await stream.read(shard, records.at(-1)?.sequence, 1000);
      if (next.length === 0) return records;
      records.push(...next);
    }
  }

  test.each(['customers', 'products', 'transactions'] as const)(
    'takes in %s from landing, told of them by the bucket, and empties it',
    async (dataset) => {
      const isRecent = ({ ordered_at = since }) => ordered_at >= since;
      const generated = linesOf(dataset, isRecent);
      const refused = dataset === 'transactions' ? [withHugeQuantity(generated)] : [];
      const lines = [...withBrokenLines(generated), ...refused];
      const content = Buffer.from(lines.join(''));
      await lake.put(landingKey(dataset, createHash('sha256').update(content).digest('hex')), content);
      await deliverNotices();
      expect(await keysOf('landing/')).toEqual([]);
      const { raw, quarantined } = await keptRecords(lake, dataset);
      expect(raw.length + quarantined.length).toBe(lines.length - 1);
      expect(quarantined.length).toBe(Math.floor(generated.length / 100));
    },
    120_000,
  );

  /** Gives the queue's messages to the function until none is left, as Lambda does. */
  async function deliverNotices(): Promise<void> {
    const QueueName = parameter('data/landing-queue-arn').split(':').at(-1);
    const { QueueUrl } = await sqs<{ QueueUrl: string }>('GetQueueUrl', { QueueName });
    const { BatchSize } = mappingOf('ingest-batch');
    for (;;) {
      const asked = { QueueUrl, MaxNumberOfMessages: BatchSize };
      const { Messages = [] } = await sqs<{ Messages?: Message[] }>('ReceiveMessage', asked);
      if (Messages.length === 0) return;
      const Records = Messages.map(({ MessageId, Body }) => ({ messageId: MessageId, body: Body }));
      const { batchItemFailures } = await functions.get('ingest-batch')!.call<QueueBatchResponse>({ Records });
      expect(batchItemFailures).toEqual([]);
      for (const { ReceiptHandle } of Messages) await sqs('DeleteMessage', { QueueUrl, ReceiptHandle });
    }
  }

  test('makes the tables of its warehouse when it is deployed, and tells CloudFormation', async () => {
    const answer = await answerOf((event) => functions.get('migrate-warehouse')!.call(event));
    expect(answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'warehouse-migrations' });
    const migrated = redshift.statements.filter((sql) => sql.startsWith('create table if not exists'));
    expect(migrated.length).toBeGreaterThan(10);
    expect(redshift.statements).toContain('create role c360_reader');
  });

  test('runs its state machine to a snapshot whose answers are those of one machine, row for row', async () => {
    const { pipeline } = synthesized.templates;
    const { machine } = definitionOf({ ...pipeline });
    const output = await executeStateMachine(machine, {
      name: 'execution-1',
      input: { kind: 'run' },
      call: callService,
    });
    expect(output).toMatchObject({ next: 'models', excluded: { pass: 1 }, snapshot: { number: 1 } });
    expect((await received()).map(({ Subject }) => Subject)).toEqual([
      'Customer 360: refused rows wait in quarantine (1)',
    ]);
    expect(await keysOf('snapshots/')).toEqual(['snapshots/00000001.json']);
    await expectCatalogOf(JSON.parse(Buffer.from((await lake.get('snapshots/00000001.json'))!).toString()));

    const local = doorPlatform(newDirectory(), lambda.clock.now().toISOString());
    const now = new Date();
    local.clock.advance((now.getTime() - local.clock.now().getTime()) / 60_000);
    await copyRaw(local.env);
    await runPipeline(local.env);
    for (const { name } of readQueries(local.env.sql)) {
      const [here, onAws] = [
        await readAnswer(local.env, name),
        await readAnswer({ ...local.env, objects: lake }, name),
      ];
      expect({ name, columns: onAws!.columns.map((one) => one.name), rows: onAws!.rows }).toEqual({
        name,
        columns: here!.columns.map((one) => one.name),
        rows: here!.rows,
      });
      expect(here!.asOf).toBe(onAws!.asOf);
    }
    local.close();
  }, 900_000);

  /** Each published file lies where a partition of the catalog points, and no partition points anywhere else. */
  async function expectCatalogOf({ tables }: Pick<Snapshot, 'tables'>): Promise<void> {
    const DatabaseName = parameter('data/catalog-database');
    for (const [table, files] of Object.entries(tables)) {
      const { Partitions = [] } = await templates.glue.send(
        new GetPartitionsCommand({ DatabaseName, TableName: table.replace('.', '_') }),
      );
      const folders = files.map(
        ({ key }) => `s3://${parameter('data/bucket')}/${key.slice(0, key.lastIndexOf('/') + 1)}`,
      );
      const pointed = Partitions.map(({ StorageDescriptor }) => StorageDescriptor!.Location);
      expect(pointed.sort()).toEqual([...new Set(folders)].sort());
    }
  }

  /** What the doors made: the raw objects, and their account of each. */
  async function copyRaw(to: Environment): Promise<void> {
    for (const key of await keysOf('raw/')) await to.objects.put(key, (await lake.get(key))!);
    const [pipeline] = templates.functions(synthesized.templates.pipeline);
    // Not by the front, where the functions' own calls are written down.
    const own = { ...asLambdaGives('test'), AWS_ENDPOINT_URL: await motoAddress() };
    const { hot } = awsEnvironment({ ...pipeline!.variables, ...own });
    for (const dataset of datasets) {
      const items = await hot.query('batches', dataset);
      await to.hot.write(items.map((put) => ({ table: 'batches', put })));
    }
  }

  /** Does what a state asks of a service of AWS. */
  async function callService(
    _state: string,
    resource: TaskResource,
    parameters: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    if (resource.endsWith('lambda:invoke')) return invoke(parameters);
    if (resource.endsWith('glue:startJobRun.sync')) return runJob(parameters);
    throw new Error(`no state should have asked for ${resource}`);
  }

  async function invoke({ FunctionName, Payload }: Record<string, unknown>): Promise<Record<string, unknown>> {
    const flow = String(FunctionName).split(':').at(-1)!;
    try {
      return { StatusCode: 200, Payload: await functions.get(flow)!.call(Payload as object) };
    } catch (error) {
      if (!(error instanceof HandlerFailed)) throw error;
      const { errorType, message: errorMessage } = error;
      throw new TaskError(errorType, { errorType, errorMessage }, error);
    }
  }

  /** The job with its script and its SQL as they are deployed, and with the arguments of job and state. */
  async function runJob({ Arguments }: Record<string, unknown>): Promise<Record<string, unknown>> {
    const { pipeline } = synthesized.templates;
    const { DefaultArguments } = resourceOf(pipeline, 'AWS::Glue::Job').Properties;
    const given = { ...(templates.resolve(pipeline, DefaultArguments) as object), ...(Arguments as object) };
    const spark = sparkOnS3(address);
    Object.assign(spark.installation.environment, { AWS_ACCESS_KEY_ID: 'models' });
    const { status, stderr } = await submitted({ ...spark, temporaryDirectory: newDirectory() })(
      Object.entries(given).flat().map(String),
    );
    if (status !== 0)
      throw new TaskError('States.TaskFailed', { JobRunState: 'FAILED', ErrorMessage: stderr }, undefined);
    return { JobRunState: 'SUCCEEDED' };
  }

  test('keeps its warehouse in shape', async () => {
    await functions.get('maintain-warehouse')!.call({});
    expect(redshift.statements.at(-1)).toMatch(/vacuum|analyze/i);
  });

  test('clears what a killed run left and old snapshots out of the lake, and keeps what readers see', async () => {
    const published = await keysOf('c');
    const snapshot = (await lake.get('snapshots/00000001.json'))!;
    const numbers = Array.from({ length: 11 }, (_, index) => String(index + 2).padStart(8, '0'));
    for (const number of numbers) await lake.put(`snapshots/${number}.json`, snapshot);
    for (const folder of ['clean/events', 'curated/fact_event']) {
      await lake.put(`${folder}/run=killed/dt=2026-10-29/part-0.parquet`, Buffer.from('four'));
    }
    // The warehouse holds the first.
    expect(await functions.get('vacuum-lake')!.call({})).toEqual({ snapshots: [2], files: 2, bytes: 8 });
    expect(await keysOf('c')).toEqual(published);
  });

  test('does nothing that a role does not allow', () => {
    const allowed = new Map(
      [...Object.values(synthesized.templates)].flatMap((template) =>
        templates.functions(template).map(({ flow, statements }) => [flow, statements] as const),
      ),
    );
    const { pipeline } = synthesized.templates;
    const role = Object.keys(pipeline.Resources).find((id) => id.startsWith('ModelsRole'))!;
    allowed.set('models', templates.statementsOf(pipeline, role));
    const refused = [...front.calls].flatMap(([caller, calls]) =>
      calls
        .filter((one) => !allowing(allowed.get(caller) ?? [], one))
        .map((one) => `${caller}: ${one.action} ${one.resource}`),
    );
    expect([...new Set(refused)]).toEqual([]);
    // Else what is not called would be allowed anything.
    expect([...front.calls.keys()].sort()).toEqual([...allowed.keys()].sort());
    const beyond = [...allowed].flatMap(([caller, statements]) =>
      unused(statements, front.calls.get(caller) ?? []).map((right) => `${caller}: ${templates.inWords(right)}`),
    );
    expect(beyond.length).toBeGreaterThan(0);
    if (process.env.C360_UNUSED_RIGHTS) writeFileSync(process.env.C360_UNUSED_RIGHTS, `${beyond.join('\n')}\n`);
  });

  const keysOf = async (prefix: string): Promise<string[]> => (await collect(lake.list(prefix))).map(({ key }) => key);
});

/** What the statements allow and no call was: each action on each resource. */
function unused(statements: Statement[], calls: Call[]): string[] {
  return statements.flatMap((statement) =>
    [statement.Action].flat().flatMap((Action) =>
      [statement.Resource].flat().flatMap((Resource) => {
        const alone = [{ ...statement, Action, Resource }];
        return calls.some((one) => allowing(alone, one)) ? [] : [`${Action} ${Resource}`];
      }),
    ),
  );
}

interface Message {
  MessageId: string;
  Body: string;
  ReceiptHandle: string;
}

/** The generated lines of a dataset, its header kept, whose record is wanted. */
function linesOf(dataset: string, isWanted: (record: Record<string, string>) => boolean): string[] {
  const { lines } = generate(shop).find((file) => file.dataset === dataset)!;
  const [first = '', ...others] = lines();
  if (dataset === 'events') return [first, ...others].filter((line) => isWanted(JSON.parse(line)));
  const names = first.trimEnd().split(',');
  const record = (line: string) =>
    Object.fromEntries(
      line
        .trimEnd()
        .split(',')
        .map((cell, index) => [names[index], cell]),
    );
  return [first, ...others.filter((line) => isWanted(record(line)))];
}

/** A sale like the first one, that keeps its contract and that the gate of the clean layer refuses. */
function withHugeQuantity([header = '', first = '']: string[]): string {
  const at = header.trimEnd().split(',').indexOf('quantity');
  return first
    .split(',')
    .map((cell, index) => (index === 0 ? 'refused' : index === at ? '20000' : cell))
    .join(',');
}

/** The event source as the template says, but that nothing is waited for. */
const settingsOf = (mapping: Record<string, unknown>): EventSourceSettings => ({
  batchSize: Number(mapping.BatchSize),
  maxBatchingWindowSeconds: 0,
  maxRecordAgeSeconds: Number(mapping.MaximumRecordAgeInSeconds),
  retryAttempts: Number(mapping.MaximumRetryAttempts),
  bisectBatchOnError: mapping.BisectBatchOnFunctionError === true,
  reportBatchItemFailures: true,
  parallelizationFactor: 1,
  startingPosition: 'TRIM_HORIZON',
  onFailurePrefix: 'failed/archive-events/',
});
