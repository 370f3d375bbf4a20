import { inspect } from 'node:util';
import { SplitShardCommand } from '@aws-sdk/client-kinesis';
import { KinesisEventStream } from '../../../../src/adapters/aws/kinesis-event-stream.ts';
import { AdapterError, type NewRecord, type StreamRecord } from '../../../../src/ports.ts';
import { eventStreamContract } from '../../../contracts/event-stream.ts';
import { type FaultyAws, faultyAws, jsonError, leavingOut, rejection } from '../../../support/faulty-aws.ts';
import { describeWithMoto, motoClients, newStream } from '../../../support/moto.ts';

describeWithMoto('a Kinesis stream', () => {
  eventStreamContract('Kinesis', async () => {
    const { kinesis } = await motoClients();
    const stream = new KinesisEventStream({ client: kinesis, streamName: await newStream(kinesis, 4) });
    return { stream, close: () => kinesis.destroy() };
  });
});

/** moto never throttles, never fails a part of a put and has no empty pages: a proxy in front of it does. */
describeWithMoto('a Kinesis stream that fails', () => {
  let aws: FaultyAws;
  let streamName: string;
  let stream: KinesisEventStream;
  const shard = 'shardId-000000000000';
  const record = (text: string): NewRecord => ({ partitionKey: text, data: Buffer.from(`planted-7f3a9c ${text}`) });
  const texts = (records: StreamRecord[]) => records.map(({ data }) => Buffer.from(data).toString().split(' ')[1]);

  beforeEach(async () => {
    aws = await faultyAws();
    streamName = await newStream(aws.clients.kinesis, 1);
    stream = new KinesisEventStream({ client: aws.clients.kinesis, streamName, timer: aws.timer });
  });
  afterEach(() => aws.close());

  test('says which records of a put failed and why, and sends none of them again itself', async () => {
    const codes = [undefined, 'ProvisionedThroughputExceededException', undefined, 'InternalFailure'];
    aws.proxy.failNext(
      /PutRecords/,
      leavingOut((position) => codes[position]),
    );
    const records = ['a', 'b', 'c', 'd'].map(record);
    const results = await stream.put(records);
    expect(results).toMatchObject([
      { ok: true, shard },
      { ok: false, error: 'throttled' },
      { ok: true, shard },
      { ok: false, error: 'internal' },
    ]);
    expect(aws.proxy.bodies(/PutRecords/)).toHaveLength(1);
    const again = await stream.put(records.filter((_, index) => !results[index]!.ok));
    expect(again.map(({ ok }) => ok)).toEqual([true, true]);
    expect(texts(await stream.read(shard, undefined, 10))).toEqual(['a', 'c', 'b', 'd']);
  });

  test('counts a record of which the answer says nothing as failed', async () => {
    aws.proxy.failNext(/PutRecords/, { response: (body) => changed(body, () => ({ Records: [] })) });
    expect(await stream.put([record('a')])).toEqual([{ ok: false, error: 'internal' }]);
  });

  test.each(['ProvisionedThroughputExceededException', 'InternalFailure'])(
    'sends a whole put again after %s, and nothing of it twice',
    async (type) => {
      aws.proxy.failNext(/PutRecords/, jsonError(type), jsonError(type));
      expect(await stream.put([record('a')])).toMatchObject([{ ok: true }]);
      expect(texts(await stream.read(shard, undefined, 10))).toEqual(['a']);
    },
  );

  test.each`
    type                                        | retryable
    ${'ProvisionedThroughputExceededException'} | ${true}
    ${'KMSThrottlingException'}                 | ${true}
    ${'LimitExceededException'}                 | ${true}
    ${'AccessDeniedException'}                  | ${false}
    ${'ValidationException'}                    | ${false}
  `(
    'gives $type that lasts as an AdapterError, retryable $retryable, that quotes nothing',
    async ({ type, retryable }) => {
      aws.proxy.failAll(/PutRecords/, jsonError(type));
      const error = await rejection(stream.put([record('a')]));
      expect(error).toMatchObject({ name: 'AdapterError', retryable });
      expect((error as Error).message).toMatch(new RegExp(`^stream ${streamName}: put failed with ${type} \\(HTTP`));
      expect(inspect(error, { depth: 9 })).not.toMatch(/planted/);
      expect(await stream.read(shard, undefined, 10)).toEqual([]);
    },
  );

  test('loses nothing when answers are lost: a record may come twice', async () => {
    aws.proxy.failNext(/PutRecords/, 'cut before', 'cut after');
    expect(await stream.put([record('a'), record('b')])).toMatchObject([{ ok: true }, { ok: true }]);
    expect(texts(await stream.read(shard, undefined, 10))).toEqual(['a', 'b', 'a', 'b']);
  });

  test('does not take an empty page for the end, and does not read faster than a shard allows', async () => {
    await stream.put(['a', 'b'].map(record));
    const emptyPage = {
      response: (body: string) =>
        changed(body, () => {
          const { ShardIterator } = JSON.parse(aws.proxy.bodies(/GetRecords/).at(-1)!);
          return { Records: [], MillisBehindLatest: 5000, NextShardIterator: ShardIterator };
        }),
    };
    aws.proxy.failNext(/GetRecords/, emptyPage, emptyPage, emptyPage);
    expect(texts(await stream.read(shard, undefined, 10))).toEqual(['a', 'b']);
    expect(aws.waits).toEqual([200, 200, 200]);
  });

  test('names shards that were split as well as those that came of them, and reads each to its end', async () => {
    await stream.put(['a', 'b'].map(record));
    const split = { StreamName: streamName, ShardToSplit: shard, NewStartingHashKey: String(2n ** 127n) };
    await aws.clients.kinesis.send(new SplitShardCommand(split));
    await stream.put(Array.from({ length: 40 }, (_, index) => record(`later${index}`)));
    const shards = await stream.shards();
    expect(shards).toHaveLength(3);
    expect(shards[0]).toBe(shard);
    const read = await Promise.all(shards.map((one) => stream.read(one, undefined, 100)));
    expect(read.flat()).toHaveLength(42);
    // A shard that was closed has no next page.
    const lastPage = {
      response: (body: string) => changed(body, () => ({ NextShardIterator: undefined, MillisBehindLatest: 9 })),
    };
    aws.proxy.failNext(/GetRecords/, lastPage);
    const last = read[0]!.at(-1);
    expect(await stream.read(shard, last?.sequence ?? '0', 100)).toEqual([]);
  });

  test('says that repeating does not help where the stream or its permission is missing', async () => {
    const missing = new KinesisEventStream({ client: aws.clients.kinesis, streamName: 'no-stream' });
    expect(await rejection(missing.put([record('a')]))).toMatchObject({ name: 'AdapterError', retryable: false });
    expect(await rejection(missing.shards())).toMatchObject({ name: 'AdapterError', retryable: false });
    aws.proxy.failNext(/ListShards/, jsonError('AccessDeniedException'));
    await expect(stream.shards()).rejects.toThrow(AdapterError);
  });
});

interface Body {
  Records: object[];
}

function changed(body: string, change: (body: Body) => object): string {
  const parsed = JSON.parse(body);
  return JSON.stringify({ ...parsed, ...change(parsed) });
}
