/**
 * Both doors on AWS, their functions as they are deployed and called as Lambda calls them, over a moto server behind a
 * proxy. SIGKILL twenty times a door, and faults of all services at random: every record is there once by its provenance,
 * the counts add up, and personal data are in the vault only.
 *
 * moto takes 5 to 20 ms for a request, so records are few: 4,000 events are 40 calls, 200 customers as many writes to
 * the vault, 11,000 transaction lines the three pieces in which a file is written.
 */
import { createHash, randomInt } from 'node:crypto';
import { bundle } from '../../scripts/bundle.mjs';
import { awsEnvironment } from '../../src/adapters/aws/environment.ts';
import { DuckDbWarehouse } from '../../src/adapters/local/duckdb-warehouse.ts';
import { SqlDirectory } from '../../src/adapters/sql-directory.ts';
import { landingKey } from '../../src/domain/lake/layout.ts';
import type { KinesisBatchResponse } from '../../src/flows/kinesis-handler.ts';
import { readStatus } from '../../src/flows/status.ts';
import { canaries, type GeneratorRequest, generate } from '../../src/generators/index.ts';
import { produce, recordsIn } from '../../src/local/produce.ts';
import { AdapterError, type Environment, type StreamRecord } from '../../src/ports.ts';
import { type AwsDeployment, newAwsDeployment } from '../support/aws-deployment.ts';
import { consumeAsLambda, DeployedFunction, deliverNotices } from '../support/called-as-lambda.ts';
import { secretsOf } from '../support/canary-secrets.ts';
import { collect } from '../support/collect.ts';
import { keptRecords, originText, withBrokenLines } from '../support/conservation.ts';
import { decoded, textsIn } from '../support/decoded-search.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { describeWithMoto, motoAddress } from '../support/moto.ts';
import { type Outage, randomFaults } from '../support/random-faults.ts';

const kills = 20;
const seed = Number(process.env.C360_FAULT_SEED ?? randomInt(2 ** 32));
const underFaults = `loses, doubles and leaks nothing where requests fail at random (C360_FAULT_SEED=${seed})`;
const newDirectory = temporaryDirectories();
const bundles: Record<string, string> = {};

let aws: AwsDeployment;
/** Between the functions and AWS, and between AWS and what stands outside of them: producer and event source. */
let proxy: FaultProxy;
let outerProxy: FaultProxy;
let outerEnv: Environment;
let variables: Record<string, string>;

async function deploy(options: { shards?: number } = {}): Promise<void> {
  aws = await newAwsDeployment(options);
  [proxy, outerProxy] = [new FaultProxy(await motoAddress()), new FaultProxy(await motoAddress())];
  ({ variables } = await aws.through(await proxy.start()));
  ({ env: outerEnv } = await aws.through(await outerProxy.start()));
}

async function close(): Promise<void> {
  aws.close();
  await Promise.all(functions.splice(0).map((one) => one.end()));
  await Promise.all([proxy.close(), outerProxy.close()]);
}

/** Those that may have a process running. */
const functions: DeployedFunction[] = [];

function deployed(name: string): DeployedFunction {
  const made = new DeployedFunction(bundles[name]!, variables);
  functions.push(made);
  return made;
}

/** Lets a share of all requests fail, and the services be down for a while, as seen from the functions. */
function failAtRandom(outages: Outage[]) {
  const { choose, met } = randomFaults({ seed, share: 0.15, outages });
  proxy.failBy(choose);
  // Jest's realm hides the errors of Node.js from the AWS SDK: a call whose last attempt breaks would seem another error.
  outerProxy.failBy(randomFaults({ seed, share: 0.15, breaksConnections: false }).choose);
  return met;
}

const linesOf = (dataset: string, request: GeneratorRequest): string[] =>
  withBrokenLines(
    generate(request)
      .find((file) => file.dataset === dataset)!
      .lines(),
  );

/** What a shop's exports hold, with canary persons in them. */
const shop = { events: 1500, customers: 200, transactions: 2000, faults: ['personal_data'] } satisfies GeneratorRequest;

/** Does the work again until no service fails in it for good. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AdapterError && error.retryable)) throw error;
    }
  }
}

async function streamed(): Promise<StreamRecord[]> {
  const records: StreamRecord[] = [];
  for (const shard of await aws.stream.shards()) {
    for (let after: string | undefined; ; ) {
      const page = await aws.stream.read(shard, after, 1000);
      if (page.length === 0) break;
      records.push(...page);
      after = page.at(-1)!.sequence;
    }
  }
  return records;
}

async function expectBalanced(): Promise<void> {
  const { objects, variables } = aws;
  const sql = new SqlDirectory('sql');
  const warehouse = new DuckDbWarehouse({
    directory: newDirectory(),
    objects,
    sql,
    temporaryDirectory: newDirectory(),
  });
  const { isBalanced, unfinishedFiles } = await readStatus(awsEnvironment(variables, { warehouse, sql }))();
  expect([isBalanced, unfinishedFiles]).toEqual([true, 0]);
}

/** Every record of the stream is in the lake, once. */
async function expectArchivedOnce(): Promise<void> {
  const expected = (await streamed()).map(({ shard, sequence }) =>
    originText({ source_shard: shard, source_sequence: sequence }),
  );
  expect((await keptRecords(aws.objects, 'events')).origins).toEqual(expected.sort());
  await expectBalanced();
}

interface Landed {
  dataset: 'customers' | 'transactions';
  lines: string[];
}

const contentOf = ({ lines }: Landed) => Buffer.from(lines.join(''));
const fileIdOf = (file: Landed) => createHash('sha256').update(contentOf(file)).digest('hex');
const keyOf = (file: Landed) => landingKey(file.dataset, fileIdOf(file));

/** Every row of the file is in the lake, once. */
async function expectIngestedOnce(file: Landed): Promise<void> {
  // Line 1 is the header.
  const expected = file.lines
    .slice(1)
    .map((_, row) => originText({ source_file: fileIdOf(file), source_line: row + 2 }));
  expect((await keptRecords(aws.objects, file.dataset)).origins).toEqual(expected.sort());
  await expectBalanced();
}

/** The canaries that came in are in no object, nor in its name, in no item outside the vault, in nothing that was printed. */
async function expectNoLeak(incoming: string, output: string): Promise<void> {
  const secrets = textsIn(Buffer.from(incoming), secretsOf(canaries(shop)));
  expect(secrets.length).toBeGreaterThan(100);
  const objects = await collect(aws.objects.list(''));
  expect(objects.map(({ key }) => key.split('/')[0]).filter((folder) => !/^(raw|quarantine)$/.test(folder!))).toEqual(
    [],
  );
  const texts: Uint8Array[] = [await aws.hotItems(), output, JSON.stringify(objects)].map((text) => Buffer.from(text));
  for (const { key } of objects) texts.push(...decoded(key, Buffer.from((await aws.objects.get(key))!)));
  expect(texts.flatMap((text) => textsIn(text, secrets))).toEqual([]);
}

describeWithMoto('on AWS', () => {
  beforeAll(async () => {
    for (const name of ['archive-events', 'ingest-batch']) {
      bundles[name] = bundle(name, newDirectory()).outfile;
    }
  });
  afterEach(close);

  describe('the door of events', () => {
    test(`killed ${kills} times loses nothing and doubles nothing`, async () => {
      await deploy();
      const lines = linesOf('events', { events: 4000, customers: 300 });
      await produce(aws.env, 'events', recordsIn([Buffer.from(lines.join(''))]));
      const archive = deployed('archive-events');
      // What a call does, in order: each is cut off before and after the service acted.
      const counting = new RegExp(aws.variables.C360_TABLE_BATCHES!);
      const places = [/^Query/, /^BatchGetItem/, /^PUT .*quarantine/, /^PUT .*raw/, counting];
      let killed = 0;
      let archived = 0;
      await consumeAsLambda(aws.env, async (event) => {
        const isDue = killed < kills && archived >= (lines.length * (killed + 1)) / (kills + 2);
        const place = places[Math.floor(killed / 2) % places.length]!;
        proxy.failBy((operation, body) => {
          if (!isDue || !place.test(`${operation} ${body}`)) return undefined;
          proxy.failBy(() => undefined);
          killed += 1;
          archive.interrupt();
          return killed % 2 === 0 ? 'cut before' : 'cut after';
        });
        const answer = await archive.call<KinesisBatchResponse>(event);
        archived += event.Records.length;
        return answer;
      });
      await archive.end();
      expect(archive.interrupted).toBe(kills);
      await expectArchivedOnce();
    });

    test(underFaults, async () => {
      await deploy({ shards: 2 });
      const met = failAtRandom([
        { service: 'kms', from: 0, requests: 12 },
        { service: 'kms', from: 24, requests: 12 },
        { service: 'dynamo', from: 150, requests: 40 },
        { service: 's3', from: 20, requests: 20 },
      ]);
      const lines = linesOf('events', shop);
      const text = lines.join('');
      outerProxy.failNext(/^PutRecords/, 'cut after', 'cut before');
      await persistently(() => produce(outerEnv, 'events', recordsIn([Buffer.from(text)])));

      // A process takes one call at a time: each shard has its own, and Lambda ends it after some calls.
      const archives = new Map((await aws.stream.shards()).map((shard) => [shard, deployed('archive-events')]));
      let calls = 0;
      let thrown = 0;
      await persistently(() =>
        consumeAsLambda(outerEnv, async (event) => {
          const archive = archives.get(event.Records[0]!.eventID.split(':')[0]!)!;
          calls += 1;
          if (calls % 7 === 0) await archive.end();
          return archive.call<KinesisBatchResponse>(event).catch((error: unknown) => {
            thrown += 1;
            throw error;
          });
        }),
      );
      for (const archive of archives.values()) await archive.end();
      // None of these faults lasts: a handler that threw would have taken one for a fault of its own.
      expect(thrown).toBe(0);
      expect(met.faults).toBeGreaterThan(0.1 * met.requests);
      // A put whose answer was lost is made again: records may come twice, none may be missing.
      const put = (await streamed()).map(({ data }) => `${Buffer.from(data)}\n`);
      expect(lines.filter((line) => !new Set(put).has(line))).toEqual([]);
      await expectArchivedOnce();
      await expectNoLeak(text, [...archives.values()].map(({ output }) => output).join(''));
    });
  });

  describe('the door of files', () => {
    const killsOfEach = kills / 2;

    test.each<Landed>([
      { dataset: 'customers', lines: linesOf('customers', { customers: 200 }) },
      { dataset: 'transactions', lines: linesOf('transactions', { transactions: 11_000, customers: 300 }) },
    ])(`killed ${killsOfEach} times over $dataset loses nothing and doubles nothing`, async (file) => {
      const land = async () => {
        await deploy();
        await aws.objects.put(keyOf(file), contentOf(file));
        return deployed('ingest-batch');
      };
      // The first call makes subjects and keys that every later one finds: what is measured is a second one.
      const measured = await land();
      let first = 0;
      proxy.failBy((_, body) => {
        if (!/"isIngested":\{"BOOL":true\}/.test(body)) return undefined;
        proxy.failBy(() => undefined);
        first = proxy.requests.length;
        measured.interrupt();
        return 'cut before';
      });
      await deliverNotices(measured, [keyOf(file)], 2);
      const whole = proxy.requests.length - first;
      await close();

      const ingest = await land();
      let killed = 0;
      let requests = 0;
      proxy.failBy(() => {
        requests += 1;
        // Each call begins with the file's first row.
        if (killed === killsOfEach || requests < (whole * (killed + 1)) / (killsOfEach + 1)) return undefined;
        killed += 1;
        requests = 0;
        ingest.interrupt();
        return killed % 2 === 0 ? 'cut before' : 'cut after';
      });
      expect(await deliverNotices(ingest, [keyOf(file)], killsOfEach + 1)).toBe(killsOfEach + 1);
      await ingest.end();
      expect(ingest.interrupted).toBe(killsOfEach);
      await expectIngestedOnce(file);
    });

    test(underFaults, async () => {
      await deploy();
      const met = failAtRandom([
        { service: 'kms', from: 0, requests: 12 },
        { service: 'dynamo', from: 60, requests: 40 },
        { service: 's3', from: 10, requests: 20 },
      ]);
      const files = (['customers', 'transactions'] as const).map((dataset) => ({
        dataset,
        lines: linesOf(dataset, shop),
      }));
      for (const file of files) await persistently(() => outerEnv.objects.put(keyOf(file), contentOf(file)));
      const ingest = deployed('ingest-batch');
      await deliverNotices(ingest, files.map(keyOf), 100);
      await ingest.end();
      expect(met.faults).toBeGreaterThan(0.1 * met.requests);
      for (const file of files) await expectIngestedOnce(file);
      await expectNoLeak(files.map(({ lines }) => lines.join('')).join(''), ingest.output);
    });
  });
});
