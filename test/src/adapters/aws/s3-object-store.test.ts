import { inspect } from 'node:util';
import { ListMultipartUploadsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { S3ObjectStore } from '../../../../src/adapters/aws/s3-object-store.ts';
import { AdapterError } from '../../../../src/ports.ts';
import { objectStoreContract } from '../../../contracts/object-store.ts';
import { collect } from '../../../support/collect.ts';
import { type FaultyAws, faultyAws, rejection, xmlError } from '../../../support/faulty-aws.ts';
import { describeWithMoto, motoClients, newBucket, plantObjects } from '../../../support/moto.ts';

describeWithMoto('an S3 bucket', () => {
  objectStoreContract('S3', async () => {
    const { s3 } = await motoClients();
    const bucket = await newBucket(s3);
    const store = new S3ObjectStore({ client: s3, bucket, prefix: 'lake/' });
    const plant = (keys: string[]) =>
      plantObjects(
        bucket,
        keys.map((key) => `lake/${key}`),
      );
    return { store, plant, close: () => s3.destroy() };
  });
});

describeWithMoto('a bucket below a prefix', () => {
  test('shows its own objects only, under their own keys, and names them as engines find them', async () => {
    const { s3 } = await motoClients();
    const bucket = await newBucket(s3);
    const [lake, all] = ['lake/', ''].map((prefix) => new S3ObjectStore({ client: s3, bucket, prefix }));
    await all!.put('other/a', Uint8Array.of(1));
    await all!.put('lake-2/a', Uint8Array.of(1));
    await lake!.put('raw/a', Uint8Array.of(2));
    // The console's empty folders are no objects.
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'lake/raw/folder/', Body: new Uint8Array() }));
    expect(await collect(lake!.list(''))).toMatchObject([{ key: 'raw/a' }]);
    expect([...(await all!.get('lake/raw/a'))!]).toEqual([2]);
    expect(lake!.uri('raw/a b')).toBe(`s3://${bucket}/lake/raw/a b`);
    expect(() => new S3ObjectStore({ client: s3, bucket, prefix: 'lake' })).toThrow(/ends with \/, got lake/);
    s3.destroy();
  });
});

/** moto never throttles, never answers in part and never breaks a connection: a proxy in front of it does. */
describeWithMoto('a bucket that fails', () => {
  let aws: FaultyAws;
  let bucket: string;
  let store: S3ObjectStore;
  const body = Uint8Array.from(Buffer.from('planted-7f3a9c'));

  beforeEach(async () => {
    aws = await faultyAws();
    bucket = await newBucket(aws.clients.s3);
    store = new S3ObjectStore({ client: aws.clients.s3, bucket, timer: aws.timer });
  });
  afterEach(() => aws.close());

  test('is asked again when it throttles or the connection breaks', async () => {
    aws.proxy.failNext(/^PUT .*\/a\?/, xmlError(503, 'SlowDown'), 'cut before', xmlError(500, 'InternalError'));
    await store.put('a', body);
    aws.proxy.failNext(/^GET .*\/a\?/, xmlError(503, 'SlowDown'), 'cut before');
    expect(await store.get('a')).toEqual(body);
    aws.proxy.failNext(/list-type=2/, xmlError(503, 'SlowDown'));
    expect(await collect(store.list(''))).toHaveLength(1);
    aws.proxy.failNext(/^POST .*delete/, xmlError(503, 'SlowDown'));
    await store.delete(['a']);
    expect(await store.get('a')).toBeUndefined();
  });

  test.each`
    status | code              | retryable
    ${503} | ${'SlowDown'}     | ${true}
    ${403} | ${'AccessDenied'} | ${false}
    ${404} | ${'NoSuchBucket'} | ${false}
  `(
    'gives $code as an AdapterError, retryable $retryable, that quotes nothing',
    async ({ status, code, retryable }) => {
      aws.proxy.failAll(/./, xmlError(status, code));
      const attempts = [
        () => store.get('a'),
        () => store.put('a', body),
        () => store.put('a', pieces(20)),
        () => store.putIfAbsent('a', body),
        () => store.delete(['a']),
        () => collect(store.open('a')),
        () => collect(store.list('')),
      ];
      for (const error of await Promise.all(attempts.map((attempt) => rejection(attempt())))) {
        expect(error).toMatchObject({ name: 'AdapterError', retryable });
        expect((error as Error).message).toMatch(new RegExp(`failed with ${code} \\(HTTP ${status}`));
        expect(inspect(error, { depth: 9 })).not.toMatch(/planted/);
      }
    },
  );

  test('knows its own put if absent again when the answer to it was lost', async () => {
    aws.proxy.failNext(/^PUT .*\/a\?/, 'cut after');
    expect(await store.putIfAbsent('a', body)).toBe(true);
    expect(await store.putIfAbsent('a', body)).toBe(false);
    aws.proxy.failNext(/^PUT .*\/a\?/, 'cut after');
    expect(await store.putIfAbsent('a', body)).toBe(false);
    aws.proxy.failNext(/^PUT .*\/b\?/, 'cut after', xmlError(409, 'ConditionalRequestConflict'));
    expect(await store.putIfAbsent('b', body)).toBe(true);
  });

  test('tries a put if absent again, ever later, while another one is under way', async () => {
    aws.proxy.failNext(
      /^PUT/,
      xmlError(409, 'ConditionalRequestConflict'),
      xmlError(409, 'ConditionalRequestConflict'),
    );
    expect(await store.putIfAbsent('a', body)).toBe(true);
    expect(aws.waits).toEqual([25, 50]);
    aws.proxy.failAll(/^PUT/, xmlError(409, 'ConditionalRequestConflict'));
    expect(await rejection(store.putIfAbsent('b', body))).toMatchObject({ name: 'AdapterError', retryable: true });
    expect(aws.waits.slice(2)).toEqual([25, 50, 100, 200, 400, 800, 1000]);
  });

  test('reads an object again when its body breaks off, and never gives a part as the whole', async () => {
    const large = new Uint8Array(300_000).fill(7);
    await store.put('a', large);
    aws.proxy.failNext(/^GET/, { cutAt: 100_000 }, { cutAt: 0 });
    expect(await store.get('a')).toEqual(large);
    aws.proxy.failNext(/^GET/, { cutAt: 100_000 });
    expect(await rejection(collect(store.open('a')))).toMatchObject({ name: 'AdapterError', retryable: true });
    aws.proxy.failAll(/^GET/, { cutAt: 100_000 });
    expect(await rejection(store.get('a'))).toMatchObject({ name: 'AdapterError', retryable: true });
  });

  test('sends parts again, and leaves no part behind where the body or the bucket fails', async () => {
    aws.proxy.failNext(/^PUT .*partNumber=2/, xmlError(503, 'SlowDown'), 'cut before');
    await store.put('a', pieces(20));
    expect((await store.get('a'))?.length).toBe(20 * 1024 * 1024);
    aws.proxy.failNext(/^PUT .*partNumber=2/, xmlError(403, 'AccessDenied'));
    await expect(store.put('a', pieces(20))).rejects.toThrow(AdapterError);
    await expect(store.put('a', pieces(20, new Error('source failed')))).rejects.toThrow('source failed');
    const { Uploads = [] } = await aws.clients.s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    expect(Uploads).toEqual([]);
    expect((await store.get('a'))?.length).toBe(20 * 1024 * 1024);
  });

  test('deletes again what a delete left, and says where it may not', async () => {
    const partly = (code: string) => ({
      status: 200,
      body: `<DeleteResult><Error><Key>b</Key><Code>${code}</Code><Message>planted-7f3a9c</Message></Error></DeleteResult>`,
    });
    await store.put('a', body);
    aws.proxy.failNext(/^POST .*delete/, partly('InternalError'), partly('SlowDown'));
    await store.delete(['a', 'b']);
    expect(await store.get('a')).toBeUndefined();
    expect(aws.waits).toEqual([25, 50]);
    aws.proxy.failNext(/^POST .*delete/, partly('AccessDenied'));
    const error = await rejection(store.delete(['a', 'b']));
    expect(error).toEqual(
      new AdapterError(`bucket ${bucket}: delete of 1 out of 2 objects failed with AccessDenied`, { retryable: false }),
    );
    expect(error).toMatchObject({ retryable: false });
  });
});

async function* pieces(mebibytes: number, failure?: Error): AsyncIterable<Uint8Array> {
  for (let piece = 0; piece < mebibytes; piece += 1) yield new Uint8Array(1024 * 1024).fill(piece);
  if (failure) throw failure;
}
