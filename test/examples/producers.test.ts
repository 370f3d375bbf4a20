/** The producer samples, run as their README says: every event is in the stream once, as the contract wants it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { KinesisEventStream } from '../../src/adapters/aws/kinesis-event-stream.ts';
import { receiveEvent } from '../../src/domain/events/receive-event.ts';
import { generate } from '../../src/generators/index.ts';
import type { StreamRecord } from '../../src/ports.ts';
import { repositoryRoot } from '../support/c360.ts';
import { type FaultyAws, faultyAws, leavingOut } from '../support/faulty-aws.ts';
import { describeWithMoto, newStream } from '../support/moto.ts';

const samples = [
  { language: 'Node.js', command: process.execPath, args: ['examples/producers/node/producer.mjs'] },
  { language: 'Python', command: join('.venv', 'bin', 'python'), args: ['examples/producers/python/producer.py'] },
];

interface Event {
  eventId: string;
  type: string;
  timestamp: string;
  payload: object;
}
const eventOf = (line: string) => JSON.parse(line) as Event;
const eventsIn = (records: StreamRecord[]) => records.map(({ data }) => eventOf(Buffer.from(data).toString()));
const generated = [...generate({ size: 'tiny' })[3]!.lines()].slice(0, 1200).map((line) => line.trim());

describeWithMoto.each(samples)('the sample for $language', ({ command, args }) => {
  let aws: FaultyAws;
  let streamName: string;
  let stream: KinesisEventStream;

  beforeEach(async () => {
    aws = await faultyAws();
    streamName = await newStream(aws.clients.kinesis, 2);
    stream = new KinesisEventStream({ client: aws.clients.kinesis, streamName, timer: aws.timer });
  });
  afterEach(() => aws.close());

  test('brings each event into the stream once, in batches, though some are refused at first', async () => {
    const isRefused = (position: number) => position % 3 === 0;
    const codeOf = (position: number) => (isRefused(position) ? 'ProvisionedThroughputExceededException' : undefined);
    aws.proxy.failNext(/PutRecords/, leavingOut(codeOf), leavingOut(codeOf));
    expect(await produce(generated)).toEqual({ code: 0, said: `1200 events are in ${streamName}.\n`, errors: '' });
    // The first 500, what of them was refused, and what of that was refused again.
    expect(putSizes()).toEqual([500, 167, 56, 500, 200]);
    const records = await recordsOf();
    expect(eventsIn(records).sort(byId)).toEqual(generated.map(eventOf).sort(byId));
    for (const { partitionKey, data } of records) {
      const received = receiveEvent(data);
      expect(received).toMatchObject({ ok: true, value: { envelope: { eventId: partitionKey } } });
    }
  });

  test('gives an event without id and time its own, which the contract takes', async () => {
    const payload = { anonymousId: 'visitor-1', page: '/' };
    await produce([JSON.stringify({ type: 'page_view', payload }), JSON.stringify({ type: 'page_view', payload })]);
    const records = await recordsOf();
    expect(records.map(({ data }) => receiveEvent(data).ok)).toEqual([true, true]);
    expect(new Set(records.map(({ partitionKey }) => partitionKey)).size).toBe(2);
    expect(eventsIn(records).map((event) => [event.type, event.payload])).toEqual([
      ['page_view', payload],
      ['page_view', payload],
    ]);
  });

  test('keeps a batch below what Kinesis takes', async () => {
    const long = 'x'.repeat(100_000);
    const lines = Array.from({ length: 60 }, () => JSON.stringify({ type: 'log', payload: { message: long } }));
    await produce(lines);
    expect(putSizes()).toEqual([52, 8]);
    const largest = Math.max(...aws.proxy.bodies(/PutRecords/).map(bytesOf));
    expect(largest).toBeLessThanOrEqual(5 * 1024 * 1024);
  });

  test('an event that no request can hold is refused, and named by the limit alone', async () => {
    const tooLong = JSON.stringify({ type: 'log', payload: { message: 'x'.repeat(1_100_000) } });
    const { code, errors } = await produce([tooLong]);
    expect(code).toBe(1);
    expect(errors).toMatch(/an event must be at most 1048576 bytes, got 1100\d\d\d/);
  });

  test('a line that is no event is named by its number alone, and what stood before it is delivered', async () => {
    const { code, errors } = await produce([
      ...generated.slice(0, 3),
      '{"type": "log", "payload": {"message": "ada@exam',
    ]);
    expect(code).toBe(1);
    expect(errors).toMatch(/line 4 must be a JSON document with type and payload/);
    expect(errors).not.toContain('ada@');
    expect(eventsIn(await recordsOf()).sort(byId)).toEqual(generated.slice(0, 3).map(eventOf).sort(byId));
  });

  test('told to stop, it sends what it has taken and ends well', async () => {
    const child = start();
    const ended = once(child, 'exit');
    // The first batch goes out when the 501st event is taken.
    const isPut = new Promise<void>((resolve) => {
      aws.proxy.failBy((operation) => (operation === 'PutRecords' ? resolve() : undefined) as undefined);
    });
    child.stdin.write(`${generated.slice(0, 501).join('\n')}\n`);
    await Promise.race([isPut, ended]);
    child.kill('SIGTERM');
    const [said, [code]] = await Promise.all([text(child.stdout), ended]);
    expect([code, said]).toEqual([0, expect.stringMatching(/^50[01] events are in /)]);
    const ids = new Set(eventsIn(await recordsOf()).map(({ eventId }) => eventId));
    expect(ids.size).toBe(Number.parseInt(said, 10));
  });

  function start(): ChildProcessWithoutNullStreams {
    const env = {
      ...process.env,
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    };
    const child = spawn(command, [...args, streamName], { cwd: repositoryRoot, env });
    // One that has ended reads no more; its exit code tells.
    child.stdin.on('error', () => {});
    return child;
  }

  async function produce(lines: string[]): Promise<{ code: number; said: string; errors: string }> {
    const child = start();
    child.stdin.end(`${lines.join('\n')}\n`);
    const [said, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { code: code as number, said, errors };
  }

  const putSizes = () => aws.proxy.bodies(/PutRecords/).map((body) => recordsIn(body).length);

  async function recordsOf(): Promise<StreamRecord[]> {
    const shards = await stream.shards();
    return (await Promise.all(shards.map((shard) => stream.read(shard, undefined, 10_000)))).flat();
  }
});

interface PutRecord {
  PartitionKey: string;
  Data: string;
}
const recordsIn = (body: string) => (JSON.parse(body) as { Records: PutRecord[] }).Records;
const bytesOf = (body: string) =>
  recordsIn(body).reduce(
    (sum, { PartitionKey, Data }) => sum + PartitionKey.length + Buffer.byteLength(Data, 'base64'),
    0,
  );
const byId = (a: Event, b: Event) => (a.eventId < b.eventId ? -1 : 1);
