/**
 * Puts a large object into S3 in parts, and takes an upload up again that was cut off. The key is to follow from the content
 * (its hash), so that parts which lie there under it are parts of the same content. S3 checks each part by its checksum when
 * it comes, and the whole object by another one before it is seen.
 */
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type Part,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { AwsError, adapterError } from './errors.ts';

/** An upload has at most so many parts. */
const mostParts = 10_000;
const megabyte = 1024 * 1024;
/** Parts under way at a time; each is held in memory. */
const partsAtOnce = 4;

export interface LargeObject {
  key: string;
  bytes: number;
  /** The content from its beginning, in whatever pieces. An error of it passes as it is, and ends the upload for good. */
  content: AsyncIterable<Uint8Array>;
}

export interface UploadOptions {
  /** Told how many bytes are in S3, those of an earlier try included. */
  onProgress?: (bytes: number) => void;
  /** Bytes of a part, at least 5 MiB; by default 8 MiB, or what 10,000 parts need. */
  partBytes?: number;
}

export interface Uploaded {
  /** Bytes that an earlier try had sent. */
  knownBytes: number;
}

type Place = { Bucket: string; Key: string };

/**
 * Puts the object, which is seen whole or not at all. Where AWS fails, the parts that came stay: the next call sends those
 * that are missing.
 */
export async function uploadResumably(
  client: S3Client,
  bucket: string,
  { key, bytes, content }: LargeObject,
  { onProgress = () => {}, partBytes = partBytesOf(bytes) }: UploadOptions = {},
): Promise<Uploaded> {
  const place = { Bucket: bucket, Key: key };
  const parts = piecesOf(content, partBytes);
  if (bytes <= partBytes) {
    for await (const { body } of parts) await put(client, place, body);
    onProgress(bytes);
    return { knownBytes: 0 };
  }
  const upload = new MultipartUpload(client, place, onProgress);
  await upload.begin();
  try {
    await upload.send(parts);
  } catch (error) {
    // What the content itself throws says that it is another one by now.
    if (upload.isContentAtFault) await upload.abort();
    throw error;
  }
  await upload.complete(bytes);
  return { knownBytes: upload.knownBytes };
}

/** Whole MiB, so that it follows from the size alone: whoever goes on with an upload cuts the same parts. */
function partBytesOf(bytes: number): number {
  return Math.max(8, Math.ceil(bytes / mostParts / megabyte)) * megabyte;
}

class MultipartUpload {
  /** Bytes of parts that lay there already. */
  knownBytes = 0;
  isContentAtFault = false;
  readonly #client: S3Client;
  readonly #place: Place;
  readonly #onProgress: (bytes: number) => void;
  readonly #parts: CompletedPart[] = [];
  #UploadId = '';
  #known = new Map<number, Part>();
  #done = 0;
  /** CRC-32 of all parts that have been read. */
  #checksum = 0;

  constructor(client: S3Client, place: Place, onProgress: (bytes: number) => void) {
    this.#client = client;
    this.#place = place;
    this.#onProgress = onProgress;
  }

  /** Finds the upload that was cut off, or begins one. */
  async begin(): Promise<void> {
    const begun = await this.#unfinished();
    if (begun !== undefined) {
      this.#UploadId = begun;
      this.#known = await this.#listParts();
      return;
    }
    const command = new CreateMultipartUploadCommand({
      ...this.#place,
      ChecksumAlgorithm: 'CRC32',
      ChecksumType: 'FULL_OBJECT',
    });
    this.#UploadId = (await this.#call('begin', () => this.#client.send(command))).UploadId!;
  }

  /** Sends the parts that are missing, some at a time; throws when those under way have ended. */
  async send(parts: AsyncIterable<Piece>): Promise<void> {
    const failures: unknown[] = [];
    const underWay = new Set<Promise<void>>();
    try {
      for await (const part of parts) {
        this.#checksum = crc32(part.body, this.#checksum);
        const sent = this.#sendPart(part)
          .catch((error: unknown) => void failures.push(error))
          .finally(() => underWay.delete(sent));
        underWay.add(sent);
        if (underWay.size >= partsAtOnce) await Promise.race(underWay);
        if (failures.length > 0) break;
      }
    } catch (error) {
      this.isContentAtFault = true;
      failures.unshift(error);
    }
    await Promise.all(underWay);
    if (failures.length > 0) throw failures[0];
  }

  /** Makes the parts one object, if all of it is as it was read. */
  async complete(MpuObjectSize: number): Promise<void> {
    const command = new CompleteMultipartUploadCommand({
      ...this.#place,
      UploadId: this.#UploadId,
      MultipartUpload: { Parts: this.#parts.sort((a, b) => a.PartNumber! - b.PartNumber!) },
      ChecksumType: 'FULL_OBJECT',
      ChecksumCRC32: base64(this.#checksum),
      MpuObjectSize,
    });
    try {
      await this.#call('complete', () => this.#client.send(command));
    } catch (error) {
      // Parts that are not as they should be would be taken for good again and again.
      if (error instanceof AwsError && /^(BadDigest|InvalidPart)/.test(error.code)) await this.abort();
      throw error;
    }
  }

  async abort(): Promise<void> {
    const command = new AbortMultipartUploadCommand({ ...this.#place, UploadId: this.#UploadId });
    await this.#call('abort', () => this.#client.send(command));
  }

  async #sendPart({ number: PartNumber, body }: Piece): Promise<void> {
    const ChecksumCRC32 = base64(crc32(body));
    const known = this.#known.get(PartNumber);
    const isKnown = known?.Size === body.length && (known.ChecksumCRC32 ?? ChecksumCRC32) === ChecksumCRC32;
    const command = { ...this.#place, UploadId: this.#UploadId, PartNumber, Body: body, ChecksumCRC32 };
    const { ETag } = isKnown
      ? known
      : await this.#call(`part ${PartNumber}`, () => this.#client.send(new UploadPartCommand(command)));
    this.#parts.push({ PartNumber, ETag, ChecksumCRC32 });
    if (isKnown) this.knownBytes += body.length;
    this.#done += body.length;
    this.#onProgress(this.#done);
  }

  /** The upload of this key that was begun last. */
  async #unfinished(): Promise<string | undefined> {
    const { Bucket, Key } = this.#place;
    const command = new ListMultipartUploadsCommand({ Bucket, Prefix: Key });
    const { Uploads = [] } = await this.#call('find unfinished uploads', () => this.#client.send(command));
    const begun = Uploads.filter((upload) => upload.Key === Key);
    return begun.sort((a, b) => Number(a.Initiated) - Number(b.Initiated)).at(-1)?.UploadId;
  }

  async #listParts(): Promise<Map<number, Part>> {
    const parts = new Map<number, Part>();
    let PartNumberMarker: string | undefined;
    do {
      const command = new ListPartsCommand({ ...this.#place, UploadId: this.#UploadId, PartNumberMarker });
      const page = await this.#call('list parts', () => this.#client.send(command));
      for (const part of page.Parts ?? []) parts.set(part.PartNumber!, part);
      PartNumberMarker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    } while (PartNumberMarker !== undefined);
    return parts;
  }

  async #call<T>(what: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw adapterError(`object ${this.#place.Key}: ${what}`, error);
    }
  }
}

async function put(client: S3Client, place: Place, Body: Uint8Array): Promise<void> {
  try {
    await client.send(new PutObjectCommand({ ...place, Body }));
  } catch (error) {
    throw adapterError(`object ${place.Key}: put`, error);
  }
}

interface Piece {
  /** Counted from 1. */
  number: number;
  body: Uint8Array;
}

/** Pieces of one size, the last one shorter; an empty content is one empty piece. */
async function* piecesOf(content: AsyncIterable<Uint8Array>, size: number): AsyncIterable<Piece> {
  let number = 1;
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of content) {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + size - held);
      parts.push(part);
      held += part.length;
      from += part.length;
      if (held < size) continue;
      yield { number, body: Buffer.concat(parts) };
      number += 1;
      parts = [];
      held = 0;
    }
  }
  if (held > 0 || number === 1) yield { number, body: Buffer.concat(parts) };
}

/** A checksum as S3 writes it: four bytes, the most significant first. */
function base64(checksum: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(checksum);
  return bytes.toString('base64');
}
