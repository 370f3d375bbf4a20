/** The object store on AWS: an S3 bucket, or what lies below a prefix in it. */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { objectKeyProblem } from '../../domain/limits/object-key.ts';
import { AdapterError, type ObjectStore, type StoredObject, type Timer } from '../../ports.ts';
import { adapterError, attemptsOf, errorCode, httpStatus, refusal } from './errors.ts';
import { type Attempt, retrying, systemTimer } from './retry.ts';

/** DeleteObjects takes so many keys. */
const maxDeletes = 1000;

/** 10,000 parts of this size are 80 GB. */
const partBytes = 8 * 1024 * 1024;
const partsAtOnce = 2;

export interface S3ObjectStoreOptions {
  client: S3Client;
  bucket: string;
  /** Stands before every key in the bucket: empty, or ends with a slash. */
  prefix?: string;
  timer?: Timer;
}

export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #Bucket: string;
  readonly #prefix: string;
  readonly #timer: Timer;

  constructor({ client, bucket, prefix = '', timer = systemTimer }: S3ObjectStoreOptions) {
    if (prefix !== '' && !prefix.endsWith('/')) throw refusal(`a prefix is empty or ends with /, got ${prefix}`);
    this.#client = client;
    this.#Bucket = bucket;
    this.#prefix = prefix;
    this.#timer = timer;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const place = this.#place(key);
    return retrying(this.#timer, async (): Promise<Attempt<Uint8Array | undefined>> => {
      const answer = await this.#find(key, place);
      if (answer === undefined) return { value: undefined };
      try {
        return { value: await answer.Body!.transformToByteArray() };
      } catch (error) {
        return { again: brokenOff(key, error) };
      }
    });
  }

  async *open(key: string): AsyncIterable<Uint8Array> {
    const answer = await this.#find(key, this.#place(key));
    if (answer === undefined) throw refusal(`there is no object ${key}`);
    try {
      yield* answer.Body as Readable;
    } catch (error) {
      throw brokenOff(key, error);
    }
  }

  async put(key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const place = this.#place(key);
    if (body instanceof Uint8Array) {
      await this.#call(`object ${key}: put`, () => this.#client.send(new PutObjectCommand({ ...place, Body: body })));
      return;
    }
    const source = watched(body);
    const params = { ...place, Body: Readable.from(source.pieces) };
    const upload = new Upload({ client: this.#client, params, partSize: partBytes, queueSize: partsAtOnce });
    try {
      await upload.done();
    } catch (error) {
      throw source.failure ? source.failure.error : adapterError(`object ${key}: put`, error);
    }
  }

  async putIfAbsent(key: string, body: Uint8Array): Promise<boolean> {
    const writer = randomUUID();
    let timesSent = 0;
    const command = { ...this.#place(key), Body: body, IfNoneMatch: '*', Metadata: { writer } };
    return retrying(this.#timer, async (): Promise<Attempt<boolean>> => {
      try {
        await this.#client.send(new PutObjectCommand(command));
        return { value: true };
      } catch (error) {
        const failure = adapterError(`object ${key}: put`, error);
        timesSent += attemptsOf(error);
        if (httpStatus(error) === 409) return { again: failure };
        if (httpStatus(error) !== 412) throw failure;
        // A request that was sent again may have met itself: it was kept, and the answer was lost.
        return { value: timesSent > 1 && (await this.#writerOf(key)) === writer };
      }
    });
  }

  async *list(prefix: string, after = ''): AsyncIterable<StoredObject> {
    const StartAfter = after === '' ? undefined : this.#prefix + after;
    let ContinuationToken: string | undefined;
    do {
      const query = { Bucket: this.#Bucket, Prefix: this.#prefix + prefix, StartAfter, ContinuationToken };
      const page = await this.#call('listing', () => this.#client.send(new ListObjectsV2Command(query)));
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
        // What the S3 console shows as an empty folder is an object; no key of this store ends with a slash.
        if (Key.endsWith('/')) continue;
        yield { key: Key.slice(this.#prefix.length), bytes: Size, modifiedAt: LastModified! };
      }
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  }

  async delete(keys: string[]): Promise<void> {
    const objects = keys.map((key) => ({ Key: this.#place(key).Key }));
    for (let start = 0; start < objects.length; start += maxDeletes) {
      await this.#deleteSome(objects.slice(start, start + maxDeletes));
    }
  }

  uri(key: string): string {
    const { Bucket, Key } = this.#place(key);
    return `s3://${Bucket}/${Key}`;
  }

  async #deleteSome(Objects: { Key: string }[]): Promise<void> {
    await retrying(this.#timer, async (): Promise<Attempt<void>> => {
      const command = new DeleteObjectsCommand({ Bucket: this.#Bucket, Delete: { Objects, Quiet: true } });
      const { Errors = [] } = await this.#call('delete', () => this.#client.send(command));
      const [first] = Errors;
      if (!first) return { value: undefined };
      const what = `bucket ${this.#Bucket}: delete of ${Errors.length} out of ${Objects.length} objects`;
      const failure = adapterError(what, { name: first.Code });
      if (!failure.retryable) throw failure;
      return { again: failure };
    });
  }

  async #find(key: string, place: { Bucket: string; Key: string }): Promise<GetObjectCommandOutput | undefined> {
    try {
      return await this.#client.send(new GetObjectCommand(place));
    } catch (error) {
      if (errorCode(error) === 'NoSuchKey') return undefined;
      throw adapterError(`object ${key}: get`, error);
    }
  }

  async #writerOf(key: string): Promise<string | undefined> {
    const head = new HeadObjectCommand(this.#place(key));
    return (await this.#call(`object ${key}: head`, () => this.#client.send(head))).Metadata?.writer;
  }

  #place(key: string): { Bucket: string; Key: string } {
    const problem = objectKeyProblem(key);
    if (problem !== undefined) throw refusal(problem);
    return { Bucket: this.#Bucket, Key: this.#prefix + key };
  }

  async #call<T>(what: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw adapterError(`bucket ${this.#Bucket}: ${what}`, error);
    }
  }
}

/** Whatever the reason, a checksum that does not fit among them, the object itself may be whole. */
function brokenOff(key: string, error: unknown): AdapterError {
  return new AdapterError(`object ${key}: its body broke off with ${errorCode(error)}`, { retryable: true });
}

interface Source {
  pieces: AsyncIterable<Uint8Array>;
  /** What the body itself threw, as opposed to the store. */
  failure?: { error: unknown };
}

/** The pieces of a body, with a note of its failure. Written out, since an upload that fails throws into the generator. */
function watched(body: AsyncIterable<Uint8Array>): Source {
  const iterator = body[Symbol.asyncIterator]();
  const next = async () => {
    try {
      return await iterator.next();
    } catch (error) {
      source.failure = { error };
      throw error;
    }
  };
  async function* pieces(): AsyncIterable<Uint8Array> {
    try {
      for (let piece = await next(); !piece.done; piece = await next()) yield piece.value;
    } finally {
      await iterator.return?.();
    }
  }
  const source: Source = { pieces: pieces() };
  return source;
}
