/**
 * `c360 --target aws` as a person calls it, against moto, with DuckDB behind Redshift's Data API. The functions that take
 * events and files in are called here in the place of Lambda.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CreateStateMachineCommand, SFNClient, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { clientSettings } from '../../src/adapters/aws/clients.ts';
import { S3ObjectStore } from '../../src/adapters/aws/s3-object-store.ts';
import { SqlDirectory } from '../../src/adapters/sql-directory.ts';
import { refuseWrites } from '../../src/cli/sql.ts';
import { archiveConsumer } from '../../src/flows/archive-events.ts';
import { kinesisHandler } from '../../src/flows/kinesis-handler.ts';
import { landingHandler } from '../../src/flows/landing-handler.ts';
import { runLeaseMs, runLockHolder, takeRunLock } from '../../src/flows/run-lock.ts';
import { noteRun } from '../../src/flows/run-record.ts';
import { kinesisEventOf } from '../../src/local/event-source.ts';
import { AwsFront } from '../support/aws-front.ts';
import { type FoundDeployment, failuresPrefix, newFoundDeployment } from '../support/aws-parameters.ts';
import { c360 as command, repositoryRoot } from '../support/c360.ts';
import { collect } from '../support/collect.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { describeWithMoto, motoAddress } from '../support/moto.ts';
import { RedshiftDataServer } from '../support/redshift-data-server.ts';
import { eventsOf } from '../support/stream.ts';

/** A finding of the doctor, as programs read it. */
type Finding = Record<'check' | 'state' | 'found' | 'todo', string>;

const newDirectory = temporaryDirectories();
const products = 'product_id,name,category,brand,price,cost\np1,Tea,drinks,Acme,1.50,1\np2,Mug,kitchen,Acme,none,2\n';
const hashOf = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

describeWithMoto('c360 against a deployment', () => {
  let aws: FoundDeployment;
  let redshift: RedshiftDataServer;
  let front: AwsFront;
  let shell: Record<string, string>;
  let sfn: SFNClient;
  beforeAll(async () => {
    // The settings of this deployment, config/dev.yaml, say its currency.
    aws = await newFoundDeployment({ environment: 'dev' });
    redshift = await RedshiftDataServer.start(() => Promise.reject(new Error('nothing is copied here')));
    front = new AwsFront(await motoAddress(), redshift);
    shell = { ...aws.shell, AWS_ENDPOINT_URL: await front.start() };
    sfn = new SFNClient({ ...clientSettings(shell) });
    const definition = JSON.stringify({ StartAt: 'End', States: { End: { Type: 'Succeed' } } });
    const name = aws.stateMachineArn.split(':').at(-1);
    await sfn.send(new CreateStateMachineCommand({ name, definition, roleArn: 'arn:aws:iam::123456789012:role/any' }));
    const sql = new SqlDirectory(join(repositoryRoot, 'sql'));
    for (const path of sql.list('ddl')) {
      const request = { WorkgroupName: 'a', Database: 'b', Sql: sql.read(path) };
      expect((await redshift.answer('ExecuteStatement', request)).status).toBe(200);
    }
  });
  afterAll(async () => {
    sfn.destroy();
    await front.close();
    await redshift.close();
    aws.close();
  });

  /** All that the commands below say. */
  const said: string[] = [];
  const c360 = async (...args: string[]) => {
    const ended = await command(args, shell);
    said.push(ended.stdout, ended.stderr);
    return ended;
  };
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await c360(...args, '--format', 'json');
    return { code, stderr, value: stdout === '' ? undefined : JSON.parse(stdout) };
  };
  const fileOf = (name: string, content: string | Uint8Array) => {
    const file = join(newDirectory(), name);
    writeFileSync(file, content);
    return file;
  };
  const keys = async (prefix: string) => (await collect(aws.objects.list(prefix))).map(({ key }) => key);
  const inStream = async () => {
    const [shard] = await aws.stream.shards();
    return aws.stream.read(shard!, undefined, 1000);
  };
  /** Calls ingest-batch for what has landed. */
  const ingest = async () => {
    const Records = (await keys('landing/')).map((key, index) => ({
      messageId: String(index),
      body: JSON.stringify({ Records: [{ s3: { object: { key } } }] }),
    }));
    const answer = await landingHandler(aws.env)({ Records }, { getRemainingTimeInMillis: () => 300_000 });
    expect(answer).toEqual({ batchItemFailures: [] });
  };

  test('produce puts events into the stream once, and leaves the archive to the function', async () => {
    const file = fileOf('events.jsonl', Buffer.concat(eventsOf(0, 30).flatMap((event) => [event, Buffer.from('\n')])));
    const first = await json('produce', file);
    expect([first.code, first.value]).toEqual([0, { sent: 30 }]);
    expect(first.stderr).toMatch(/archive-events takes them to the lake/);
    expect(await inStream()).toHaveLength(30);
    expect(await keys('raw/')).toEqual([]);
    expect((await json('produce', file)).value).toEqual({ sent: 0 });
    expect(await inStream()).toHaveLength(30);
  });

  test('upload lands a file under its hash; once it is ingested, the same file changes nothing', async () => {
    const content = gzipSync(products);
    const file = fileOf('products.csv.gz', content);
    const landed = await json('upload', 'products', file);
    expect([landed.code, landed.value]).toMatchObject([0, { state: 'waiting', isKnown: false, received: 0 }]);
    expect(landed.stderr).toMatch(/ingest-batch is notified and takes it in/);
    const key = `landing/products/${hashOf(content)}`;
    expect(await keys('landing/')).toEqual([key]);
    const again = await json('upload', 'products', file);
    expect(again.stderr).toMatch(/It lies in landing\/ already; ingest-batch is notified of it once more/);
    expect(await keys('landing/')).toEqual([key, `${key}.rest`]);
    await ingest();
    const known = await json('upload', 'products', file, '--wait');
    expect([known.code, known.value]).toMatchObject([
      0,
      { state: 'ingested', isKnown: true, received: 2, raw: 1, quarantined: 1 },
    ]);
    expect(known.stderr).toMatch(/This content came in before; nothing changed/);
    expect(await keys('landing/')).toEqual([]);
  });

  test('upload with a mapping puts that beside the file, by a name that follows from its content', async () => {
    const map = fileOf(
      'map.yaml',
      'dataset: products\ncolumns: {product_id: id, name: title}\nconstants: {category: a, brand: b, price: "1", cost: "1"}\n',
    );
    const content = 'id,title\np9,Pot\n';
    const { code } = await json('upload', 'products', fileOf('p.csv', content), '--map', map);
    expect(code).toBe(0);
    const [mapping] = await keys('mappings/products/');
    const name = /^mappings\/products\/(m[0-9a-f]{16})\.json$/.exec(mapping!)![1];
    expect(await keys('landing/')).toEqual([`landing/products/${name}/${hashOf(content)}`]);
    await ingest();
    expect(await keys('landing/')).toEqual([]);
    expect((await json('upload', 'products', fileOf('p.csv', content), '--map', map)).value).toMatchObject({
      isKnown: true,
      raw: 1,
    });
  });

  test('upload --wait tells why the door refused a file', async () => {
    const content = 'product_id,name,category,brand,price,cost\np1,Tea,drinks,Acme,7,1\n';
    const refused = { refusedAt: '2100-01-01T00:00:00.000Z', reason: 'planted reason', dataset: 'products' };
    const file = fileOf('refused.csv', content);
    // Refused once already: that does not count for what is landed anew, which somebody else refuses while it is waited for.
    const item = {
      partition: 'refused',
      sort: hashOf(content),
      values: { ...refused, refusedAt: '2000-01-01T00:00:00.000Z', reason: 'an old reason' },
    };
    await aws.env.hot.write([{ table: 'files', put: item }]);
    const waiting = json('upload', 'products', file, '--wait');
    while ((await keys('landing/')).length === 0) await new Promise(setImmediate);
    await aws.env.hot.write([{ table: 'files', put: { ...item, values: refused } }]);
    expect(await waiting).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/the file was refused: planted reason/),
    });
    await ingest();
  });

  test('upload refuses before anything is sent what the door would refuse', async () => {
    const { code, stderr } = await json('upload', 'products', fileOf('a.csv', 'a,b\n1,2\n'));
    expect([code, stderr]).toEqual([1, expect.stringMatching(/product_id/)]);
    expect(await keys('landing/')).toEqual([]);
  });

  test('redrive --failures brings back what Lambda gave up on, and empties the store', async () => {
    const records = await inStream();
    const failures = new S3ObjectStore({ client: aws.clients.s3, bucket: aws.failuresBucket });
    const invocation = { version: '1.0', requestContext: { condition: 'RecordAgeExceeded' } };
    const payload = JSON.stringify(kinesisEventOf(records));
    const key = `${failuresPrefix}shardId-000000000000/2026/03/01/2026-03-01T10.00.00-0001`;
    await failures.put(key, Buffer.from(JSON.stringify({ ...invocation, payload })));
    // Another mapping gave up on the same records: one that was made anew has another folder.
    await failures.put('aws/lambda/another-mapping/x', Buffer.from(JSON.stringify({ ...invocation, payload })));
    await failures.put(`${key}-no-payload`, Buffer.from(JSON.stringify(invocation)));
    const { code, value, stderr } = await json('redrive', '--failures');
    expect([code, value]).toMatchObject([0, { batches: 2, unreadable: 1, received: 30, raw: 30 }]);
    expect(stderr).toMatch(
      /^1 objects of the on-failure store hold no batch: have the events of their time sent again/m,
    );
    expect(stderr).not.toMatch(/key of their day/);
    expect(stderr).toMatch(/Next: c360 run/);
    expect((await collect(failures.list(''))).map((one) => one.key)).toEqual([`${key}-no-payload`]);
    // Lambda may have been at it meanwhile: nothing is doubled.
    await kinesisHandler(aws.env, archiveConsumer(aws.env))(kinesisEventOf(records));
    expect((await json('status')).value.datasets[0]).toMatchObject({ dataset: 'events', received: 30, raw: 30 });
  });

  test('status tells the same conservation as on one machine, of the stores on AWS', async () => {
    const { code, value } = await json('status');
    expect([code, value]).toMatchObject([0, { isBalanced: true, loadedSnapshot: 0, deployment: 'dev' }]);
    const counts = value.datasets.map(({ dataset, received, raw, pending }: Record<string, unknown>) => [
      dataset,
      received,
      raw,
      pending,
    ]);
    expect(counts).toContainEqual(['events', 30, 30, 30]);
    expect((await c360('status')).stdout).toMatch(/No snapshot yet. Next: c360 run/);
  });

  describe('where the warehouse refuses the person', () => {
    const refused =
      'its user has no right to it: the tag RedshiftDbRoles of its IAM role gives it one (docs/deploy.md)';
    beforeEach(() => {
      const failed = { Status: 'FAILED', Error: 'ERROR: permission denied for relation load_state' };
      const response = (body: string) => JSON.stringify({ ...JSON.parse(body), ...failed });
      front.failNext(/^DescribeStatement$/, { response });
    });

    test('status says so, and what else it knows', async () => {
      const { code, stdout, stderr } = await c360('status');
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining(`The warehouse could not be asked: query: ${refused}`),
      ]);
      expect(stdout).toMatch(/events +yes +30 +30 /);
    });

    test('status says so to programs', async () => {
      const { code, value } = await json('status');
      expect([code, value]).toMatchObject([1, { isBalanced: true, warehouseError: expect.stringContaining(refused) }]);
      expect(value).not.toHaveProperty('loadedSnapshot');
    });

    test('snapshots are listed all the same', async () => {
      const { code, value, stderr } = await json('snapshots');
      expect([code, value, stderr]).toEqual([1, { rows: [] }, expect.stringContaining(refused)]);
    });

    test('the doctor tells it as a finding of its own', async () => {
      const { findings } = (await json('doctor')).value as { findings: Finding[] };
      const of = (check: string) => findings.find((finding) => finding.check === check);
      expect(of('warehouse')).toMatchObject({ state: 'wrong', found: expect.stringContaining(refused) });
      expect(of('conservation')).toMatchObject({ state: 'ok' });
    });
  });

  test('sql and query ask Redshift', async () => {
    const { stdout } = await c360('sql', 'select count(*) as sales from fact_sales', '--format', 'csv');
    expect(stdout).toBe('sales\n0\n');
    expect((await json('query', '2')).value).toMatchObject({ name: 'monthly_revenue', snapshot: 0, rows: [] });
  });

  test('runs lists what functions wrote down of runs, and shows one', async () => {
    await noteRun(aws.env, '20260301T030000Z-0badcafe', {
      status: 'failed',
      failedStep: 'clean gate',
      reason: 'planted',
    });
    const { stdout } = await c360('runs', '--format', 'csv');
    expect(stdout).toMatch(/^20260301T030000Z-0badcafe,run,failed/m);
    expect((await json('runs', 'show', '20260301T030000Z-0badcafe')).value).toMatchObject({ reason: 'planted' });
  });

  test('vacuum clears the lake beside runs that may go on: a file of the last day stays, though no snapshot names it', async () => {
    const file = 'clean/events/run=going-on/dt=2026-03-01/part-0.parquet';
    await aws.objects.put(file, Buffer.from('a'));
    const { code, value, stderr } = await json('vacuum');
    expect([code, value]).toEqual([0, { snapshots: 0, files: 0, bytes: 0, is_dry_run: false }]);
    expect(stderr).toMatch(/0 snapshots and 0 files, 0\.0 MB, are removed/);
    expect(await keys('clean/')).toEqual([file]);
  });

  test('doctor says what of the deployment is there and what is wrong', async () => {
    const { code, value } = await json('doctor');
    const findings = Object.fromEntries(
      value.findings.map(({ check, state, found }: Record<string, string>) => [check, `${state}: ${found}`]),
    );
    expect(findings).toMatchObject({
      parameters: 'ok: all below /customer-360/dev/',
      clock: expect.stringMatching(/^ok: \d+ s from that of AWS$/),
      tables: 'ok: 8 active',
      stream: 'ok: active, 1 shards, keeps records for 24 h',
      topic: 'ok: alerts reach 1',
      'state machine': 'ok: active',
      'on-failure store': 'wrong: 1 batches that were not archived',
      'last run': 'wrong: 20260301T030000Z-0badcafe failed at clean gate: planted',
      conservation: 'ok: every record is accounted for',
      warehouse: 'ok: empty: nothing is published yet',
    });
    expect(code).toBe(1);
  });

  describe('a run', () => {
    /** Lets an execution hold the run lock. moto's executions execute nothing: they go on until they are stopped. */
    const holding = async (runId: string, isAborted: boolean) => {
      const name = `of-${runId}`;
      const { executionArn } = await sfn.send(
        new StartExecutionCommand({ stateMachineArn: aws.stateMachineArn, name }),
      );
      if (isAborted) await sfn.send(new StopExecutionCommand({ executionArn }));
      await takeRunLock(aws.env)({ runId, process: name }, { leaseMs: runLeaseMs });
      await noteRun(aws.env, runId, { execution: name, currentStep: 'clean models' });
    };
    const lastRun = async () =>
      ((await json('doctor')).value.findings as Finding[]).find(({ check }) => check === 'last run');

    test('that was aborted is told as interrupted, and the next one takes its lock', async () => {
      const runId = '20260302T030000Z-0badcafe';
      await holding(runId, true);
      expect((await json('runs')).value.rows[0]).toMatchObject({ run: runId, status: 'interrupted' });
      expect(await lastRun()).toMatchObject({
        state: 'wrong',
        found: `${runId} interrupted at clean models: it was ended from outside before it could say why`,
        todo: 'c360 run --target aws --env dev takes up what is missing',
      });
      const { code, stderr } = await c360('run', '--detach');
      expect([code, stderr]).toEqual([0, expect.stringContaining(`Run ${runId} was ended from outside, and its lock`)]);
      expect(await runLockHolder(aws.env)).toBeUndefined();
      expect((await json('runs', 'show', runId)).value).toMatchObject({ status: 'interrupted' });
    });

    test('that is going on is told as such, and no second one is started', async () => {
      const runId = '20260303T030000Z-0badcafe';
      await holding(runId, false);
      expect((await json('runs')).value.rows[0]).toMatchObject({ run: runId, status: 'running' });
      expect(await lastRun()).toMatchObject({ state: 'ok', found: `${runId} running` });
      const { code, stderr } = await c360('run');
      const wayOut = `wait for it to end (c360 runs show ${runId} --target aws --env dev)`;
      expect([code, stderr]).toEqual([1, expect.stringContaining(`run ${runId} is going on; ${wayOut}`)]);
    });
  });

  test('every command that these commands name works at the same place', () => {
    const named = said.flatMap((text) => text.match(/\bc360 [a-z]+[^\n`;,(]*/g) ?? []);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((one) => !one.includes('--target aws --env dev'))).toEqual([]);
  });
});

describe('what the command loads', () => {
  /** Packages that a module imports without being asked to, by way of others. */
  function packagesOf(module: string, seen = new Set<string>()): string[] {
    if (seen.has(module)) return [];
    seen.add(module);
    const text = readFileSync(module, 'utf8');
    const imported = [...text.matchAll(/^(?:import|export) (?!type )(?:[^;]*? from )?'([^']+)';/gm)].map(
      ([, from]) => from!,
    );
    return imported.flatMap((from) =>
      from.endsWith('.ts') && from.startsWith('.') ? packagesOf(join(dirname(module), from), seen) : [from],
    );
  }

  test('is no SDK of AWS, until a deployment is asked for', () => {
    expect(packagesOf(join(repositoryRoot, 'src/cli/main.ts')).filter((name) => name.startsWith('@aws-sdk'))).toEqual(
      [],
    );
    const deployment = packagesOf(join(repositoryRoot, 'src/adapters/aws/deployment.ts'));
    expect(deployment).toContain('@aws-sdk/client-ssm');
  });
});

describe('on AWS', () => {
  const inShell = { AWS_REGION: '', AWS_DEFAULT_REGION: '', HOME: '/nonexistent', C360_TARGET: 'aws' };

  test.each([
    [['demo'], 'c360 demo works with --target local only: deploy (docs/deploy.md)'],
    [['serve'], 'c360 serve works with --target local only: there a schedule starts the runs'],
    [['rollback', '3'], 'c360 rollback works with --target local only: it works on one machine so far'],
    [
      ['trace', 'x'],
      "c360 trace works with --target local only: there c360 sql 'select …' --target aws --env dev finds a row by its id; where it came from stands in the tables clean_*",
    ],
    [['quarantine', 'list'], 'c360 quarantine works with --target local only: quarantined records wait in the lake'],
    [['reset', '--yes'], 'c360 reset works with --target local only: docs/deploy.md says how'],
    [['redrive'], 'with --target aws redrive takes --failures only'],
    [
      ['upload', 'products', 'README.md', '--again'],
      '--again is for --target local; on AWS a content is ingested once',
    ],
    [['run', '--engine', 'duckdb'], '--engine is for --target local; on AWS the models run on Spark (Glue)'],
    [['sql', 'delete from fact_sales'], 'c360 sql takes one select, with, show or explain'],
    [['runs', '--env', '../prod'], '--env must be the name of a deployment, such as dev, got ../prod'],
  ])('%j is refused, with what to do instead', async (args, refusal) => {
    const { code, stdout, stderr } = await command(args, inShell);
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining(refusal)]);
  });

  test.each([
    ['run', '--detach'],
    ['replay', '--detach'],
    ['upload', 'products', 'README.md', '--wait'],
  ])('%s … %s says that it is for AWS', async (...args) => {
    const { code, stderr } = await command(args, { C360_TARGET: 'local' });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/--(detach|wait) is for --target aws/)]);
  });
});

describe('SQL that Redshift is asked', () => {
  test.each([
    'select \'into\' as a, "into" from b -- into c',
    ' WITH a AS (SELECT 1) SELECT * FROM a;',
    'show tables from schema a.b',
    'explain select 1',
  ])('may read: %s', (statement) => {
    expect(() => refuseWrites(statement)).not.toThrow();
  });

  test.each([
    'select * into copied from fact_sales',
    'drop table fact_sales',
    'call refresh()',
    'select 1; drop table fact_sales',
    '/* select */ truncate fact_sales',
    'explain delete from fact_sales',
    "unload ('select 1') to 's3://b/k'",
  ])('may not write: %s', (statement) => {
    expect(() => refuseWrites(statement)).toThrow(/takes one select/);
  });
});
