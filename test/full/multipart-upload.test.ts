/**
 * Large objects reach S3 in parts, checked, and an upload that was cut off goes on where it ended. moto keeps parts and lists
 * them, but compares no checksums: that S3 does is planted.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { clientSettings, s3Client, uploadSettings } from '../../src/adapters/aws/clients.ts';
import { AwsError } from '../../src/adapters/aws/errors.ts';
import { type Uploaded, uploadResumably } from '../../src/adapters/aws/multipart-upload.ts';
import { type FaultyAws, faultyAws, rejection, xmlError } from '../support/faulty-aws.ts';
import { describeWithMoto, newBucket } from '../support/moto.ts';

/** The least that S3 takes, but for the last part. */
const partBytes = 5 * 1024 * 1024;
const parts = 3;
/** Part by part of another letter. */
const content = Buffer.concat(
  Array.from({ length: parts }, (_, part) => Buffer.alloc(part === parts - 1 ? 1000 : partBytes, 97 + part)),
);

async function* pieces(bytes: Buffer, size = 700_000): AsyncIterable<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describeWithMoto('an upload in parts', () => {
  let aws: FaultyAws;
  let bucket: string;
  let key: string;
  beforeAll(async () => {
    aws = await faultyAws();
    bucket = await newBucket(aws.clients.s3);
  });
  beforeEach(() => {
    key = `landing/${randomUUID()}`;
    aws.proxy.requests.length = 0;
    aws.proxy.failBy(() => undefined);
  });
  afterAll(() => aws.close());

  const upload = (bytes = content, onProgress?: (bytes: number) => void): Promise<Uploaded> =>
    uploadResumably(
      aws.clients.s3,
      bucket,
      { key, bytes: bytes.length, content: pieces(bytes) },
      { partBytes, onProgress },
    );

  const stored = async (): Promise<string> => {
    const { Body } = await aws.clients.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return hash(await Body!.transformToByteArray());
  };
  const unfinished = async (): Promise<number> =>
    ((await aws.clients.s3.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }))).Uploads ?? [])
      .length;
  /** Numbers of the parts that were sent, in the order in which they came. */
  const sentParts = () =>
    aws.proxy.requests.flatMap(({ operation }) => {
      const [, number] = /^PUT .*[?&]partNumber=(\d+)/.exec(operation) ?? [];
      return number ? [Number(number)] : [];
    });

  /** Lets every request fail from the `at`-th on, as where the connection is lost. */
  const cutFrom = (at: number, how: 'cut before' | 'cut after') => {
    let requests = 0;
    aws.proxy.failBy(() => {
      requests += 1;
      if (requests <= at) return undefined;
      return requests === at + 1 ? how : 'cut before';
    });
  };

  test('brings an object in whole, and tells how far it is', async () => {
    const told: number[] = [];
    expect(await upload(content, (bytes) => told.push(bytes))).toEqual({ knownBytes: 0 });
    expect(await stored()).toBe(hash(content));
    expect([sentParts().sort(), told.length, told.at(-1)]).toEqual([[1, 2, 3], 3, content.length]);
    expect(await unfinished()).toBe(0);
  });

  test.each([
    ['nothing', 0],
    ['a few bytes', 7],
    ['exactly one part', partBytes],
  ])('puts %s at once', async (_, size) => {
    const small = content.subarray(0, size);
    await upload(small);
    expect(await stored()).toBe(hash(small));
    expect(aws.proxy.requests.map(({ operation }) => operation.split('?')[0])).toEqual([
      `PUT /${bucket}/${key}`,
      `GET /${bucket}/${key}`,
    ]);
  });

  // Requests in order: find unfinished uploads, begin, three parts, complete.
  describe.each(['cut before', 'cut after'] as const)('%s the server acts', (how) => {
    test.each([0, 1, 2, 3, 4, 5])(
      'that was cut off at request %i goes on, and sends no part twice that came',
      async (at) => {
        cutFrom(at, how);
        expect(await rejection(upload())).toBeInstanceOf(AwsError);
        aws.proxy.failBy(() => undefined);
        aws.proxy.requests.length = 0;
        const isComplete = at === 5 && how === 'cut after';
        const { knownBytes } = await upload();
        expect(await stored()).toBe(hash(content));
        expect(knownBytes + sentParts().reduce((sum, part) => sum + (part === parts ? 1000 : partBytes), 0)).toBe(
          content.length,
        );
        if (at >= 3 && !isComplete) expect(sentParts().length).toBeLessThan(parts);
        if (at === 5 && !isComplete) expect(sentParts()).toEqual([]);
        expect(await unfinished()).toBe(0);
      },
    );
  });

  test('whose content is found to be another one meanwhile leaves nothing behind', async () => {
    const changed = new Error('planted: the file changed');
    async function* changing(): AsyncIterable<Uint8Array> {
      yield content.subarray(0, partBytes + 1);
      throw changed;
    }
    const large = { key, bytes: content.length, content: changing() };
    expect(await rejection(uploadResumably(aws.clients.s3, bucket, large, { partBytes }))).toBe(changed);
    expect(await unfinished()).toBe(0);
  });

  test('that S3 finds damaged is given up, so that the next one begins anew', async () => {
    aws.proxy.failNext(/^POST .*uploadId/, xmlError(400, 'BadDigest'));
    expect(await rejection(upload())).toMatchObject({
      code: 'BadDigest',
      message: expect.stringMatching(/complete failed/),
    });
    expect(await unfinished()).toBe(0);
    expect(await upload()).toEqual({ knownBytes: 0 });
    expect(await stored()).toBe(hash(content));
  });

  test('takes a part for known only where its size is that of the content', async () => {
    cutFrom(3, 'cut before');
    await rejection(upload());
    aws.proxy.failBy(() => undefined);
    const other = { key, bytes: content.length, content: pieces(content) };
    expect(await uploadResumably(aws.clients.s3, bucket, other, { partBytes: partBytes + 1 })).toEqual({
      knownBytes: 0,
    });
    expect(await stored()).toBe(hash(content));
  });
});

describe('an upload over a slow line', () => {
  const idleMs = 1000;
  const body = Buffer.alloc(48 * 1024 * 1024);
  let server: Server;
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  /** Uploads to a server that deals with a request so. */
  async function uploadTo(answer: RequestListener): Promise<Uploaded> {
    server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const settings = clientSettings({
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });
    const client = s3Client({ ...uploadSettings(settings, idleMs), maxAttempts: 1 });
    const object = { key: 'landing/slow', bytes: body.length, content: pieces(body) };
    return uploadResumably(client, 'bucket', object, { partBytes: body.length });
  }

  test('goes on as long as something of it moves, for longer than it may rest', async () => {
    let arrived = 0;
    const started = performance.now();
    await uploadTo(async (request, response) => {
      for await (const chunk of request) {
        const before = arrived;
        arrived += chunk.length;
        if (Math.floor(arrived / 2 ** 21) > Math.floor(before / 2 ** 21)) await sleep(80);
      }
      response.end();
    });
    expect(arrived).toBeGreaterThanOrEqual(body.length);
    expect(performance.now() - started).toBeGreaterThan(1.5 * idleMs);
  });

  test('ends where nothing moves', async () => {
    const failure = uploadTo((request) => void request.pause());
    await expect(failure).rejects.toMatchObject({ code: 'TimeoutError', retryable: true });
  });
});
