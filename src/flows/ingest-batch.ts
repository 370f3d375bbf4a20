/** The file door: one landing file goes to raw/ or quarantine/, row by row, each exactly once. */
import { createHash } from 'node:crypto';
import { type Contract, contractOf, type Dataset } from '../contracts/index.ts';
import { checkHeader } from '../domain/files/check-header.ts';
import type { Mapping } from '../domain/files/mapping.ts';
import type { RefusalGroup } from '../domain/quality/refusal-summary.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import type { Environment } from '../ports.ts';
import { type DoorCounts, noCounts } from './door.ts';
import { type Fingerprint, fingerprintOf, unchanged } from './fingerprint.ts';
import { RowIngest } from './ingest-rows.ts';
import { type FileShape, readRows, shapeOf, unpacked } from './read-rows.ts';

export interface LandedFile {
  dataset: Dataset;
  /** Key of the landing object. */
  key: string;
  /** How its columns become the contract's fields; absent where they are named alike. */
  mapping?: Mapping;
  /** Ingest it as a new file, although its content came in before. */
  again?: boolean;
}

export interface IngestedFile extends DoorCounts {
  /** What rows name as their origin: the SHA-256 of the unpacked content, and of the mapping where there is one. */
  fileId: string;
  /** True where an earlier upload of the same content had already been ingested. */
  isKnown: boolean;
  /** False where the time was up before the last row: the next call takes the file up where this one ended. */
  isFinished: boolean;
  /** Why rows were refused, the most frequent reason first. */
  refusals: RefusalGroup[];
}

export interface IngestOptions {
  /** Told after each batch how many rows, and how many bytes of the landing file, have been read. */
  onProgress?: (rows: number, bytes: number) => void;
  /** Asked after each batch that was written; true ends the call there. */
  isTimeUp?: () => boolean;
}

/**
 * Ingests a landed file and deletes it. The same content again changes nothing. An ingest that was cut off, or whose time
 * was up, is taken up behind the last batch that it wrote, with the arrival time of its first try; however often that
 * happens, rows, ids and counts are those of one call. Each call writes one batch at least, or finishes the file.
 * Throws RefusedInput, writing nothing, where the file as a whole cannot be read; also where it changes while it is read,
 * and then nothing is written of what changed.
 */
export const ingestBatch =
  (env: Environment, { rowsPerObject = 5000 } = {}) =>
  async (
    file: LandedFile,
    { onProgress = () => {}, isTimeUp = () => false }: IngestOptions = {},
  ): Promise<IngestedFile> => {
    const contract = contractOf(`${file.dataset}/1`);
    if (!contract) throw new RefusedInput(`${file.dataset} is not a dataset of files`);
    const { fingerprint, shape } = await survey(env, file, contract);
    const { fileId, arrivedAt, isIngested } = await register(env, file, fingerprint.sha256);
    if (isIngested) {
      await env.objects.delete([file.key]);
      return { ...noCounts, fileId, isKnown: true, isFinished: true, refusals: [] };
    }
    const { dataset, mapping } = file;
    const ingest = await RowIngest.begin(env, { dataset, mapping, shape, fileId, arrivedAt });
    const result = (isFinished: boolean): IngestedFile => {
      return { ...ingest.counts, fileId, isKnown: false, isFinished, refusals: ingest.refusals };
    };
    const source = new CountedBytes(env.objects.open(file.key));
    const content = unchanged(unpacked(source), fingerprint);
    for await (const rows of inChunks(readRows(content, shape), rowsPerObject)) {
      const isNew = await ingest.take(rows);
      onProgress(ingest.counts.received, source.bytes);
      if (isNew && isTimeUp()) return result(false);
    }
    const values = { arrivedAt: arrivedAt.toISOString(), isIngested: true, rows: ingest.counts.received };
    await env.hot.write([{ table: 'files', put: { partition: dataset, sort: fileId, values } }]);
    await env.objects.delete([file.key]);
    return result(true);
  };

/** Reads the whole file once: what it is known by, whether it can be unpacked, whether its header has what is needed. */
async function survey(
  env: Environment,
  file: LandedFile,
  contract: Contract,
): Promise<{ fingerprint: Fingerprint; shape: FileShape }> {
  const content = () => unpacked(env.objects.open(file.key));
  const fingerprint = await fingerprintOf(content());
  const shape = await shapeOf(unchanged(content(), fingerprint));
  if (shape.format === 'csv') checkHeader(shape.header, contract, file.mapping);
  return { fingerprint, shape };
}

export interface Registered {
  fileId: string;
  /** Of the first try, whose objects every later one finds. */
  arrivedAt: Date;
  isIngested: boolean;
}

/**
 * Finds out whether the file came in before. A content is known under whichever mapping it came, since another mapping
 * makes other ids of the same rows, and they would count twice.
 */
async function register(env: Environment, file: LandedFile, content: string): Promise<Registered> {
  const { times, last } = await lastUpload(env, file.dataset, content);
  if (last?.fileId === fileIdOf(content, file.mapping, times) && !(file.again && last.isIngested)) return last;
  if (last && !file.again) throw otherMapping(last);
  const registered: Registered = {
    fileId: fileIdOf(content, file.mapping, last ? times + 1 : 0),
    arrivedAt: env.clock.now(),
    isIngested: false,
  };
  const values = { arrivedAt: registered.arrivedAt.toISOString(), isIngested: false };
  const contentKey = { partition: `${file.dataset} contents`, sort: content };
  await env.hot.write([
    { table: 'files', put: { partition: file.dataset, sort: registered.fileId, values }, if: { absent: true } },
    { table: 'files', put: { ...contentKey, values: { fileId: registered.fileId, times: last ? times + 1 : 0 } } },
  ]);
  return registered;
}

/**
 * The earlier upload of a content (SHA-256 of it unpacked); undefined where it is new. RefusedInput where it came in with
 * another mapping.
 */
export async function earlierUpload(
  env: Environment,
  { dataset, mapping }: Pick<LandedFile, 'dataset' | 'mapping'>,
  content: string,
): Promise<Registered | undefined> {
  const { times, last } = await lastUpload(env, dataset, content);
  if (last && last.fileId !== fileIdOf(content, mapping, times)) throw otherMapping(last);
  return last;
}

/** The last upload of a content, and how often it had been ingested before. */
async function lastUpload(
  env: Environment,
  dataset: Dataset,
  content: string,
): Promise<{ times: number; last?: Registered }> {
  const known = await env.hot.get('files', { partition: `${dataset} contents`, sort: content });
  const times = Number(known?.values.times ?? 0);
  return { times, last: known && (await readRegistered(env, dataset, String(known.values.fileId))) };
}

const otherMapping = ({ arrivedAt }: Registered) =>
  new RefusedInput(
    `this content came in on ${arrivedAt.toISOString().slice(0, 10)} with another mapping, and its rows would ` +
      'count twice; --again, on one machine, ingests it all the same',
  );

async function readRegistered(env: Environment, dataset: Dataset, fileId: string): Promise<Registered | undefined> {
  const item = await env.hot.get('files', { partition: dataset, sort: fileId });
  return (
    item && { fileId, arrivedAt: new Date(String(item.values.arrivedAt)), isIngested: item.values.isIngested === true }
  );
}

/** `times` is how often the content had been ingested before. */
function fileIdOf(content: string, mapping: Mapping | undefined, times: number): string {
  if (!mapping && times === 0) return content;
  const hash = createHash('sha256').update(content);
  if (mapping) hash.update(JSON.stringify(mapping));
  if (times > 0) hash.update(String(times));
  return hash.digest('hex');
}

/** Bytes as they come, counted. */
class CountedBytes implements AsyncIterable<Uint8Array> {
  bytes = 0;
  readonly #source: AsyncIterable<Uint8Array>;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for await (const chunk of this.#source) {
      this.bytes += chunk.length;
      yield chunk;
    }
  }
}

async function* inChunks<T>(items: AsyncIterable<T>, size: number): AsyncIterable<T[]> {
  let chunk: T[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length === size) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}
