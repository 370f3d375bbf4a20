/** The file door: one landing file goes to raw/ or quarantine/, row by row, each exactly once. */
import { createHash } from 'node:crypto';
import { type Contract, contractOf, type Dataset, rawColumnsOf } from '../contracts/index.ts';
import type { Mapping } from '../domain/files/mapping.ts';
import { rowReceiver } from '../domain/files/receive-row.ts';
import type { JsonObject } from '../domain/json.ts';
import { accepted, type Outcome } from '../domain/outcome.ts';
import { canonicalText, type RawLine } from '../domain/privacy/separate.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import type { Environment } from '../ports.ts';
import {
  addCounts,
  type DoorCounts,
  type DoorRecord,
  noCounts,
  separateBatch,
  type ValidRecord,
  writeBatch,
} from './door.ts';
import { type FileShape, readRows, shapeOf, unpacked } from './read-rows.ts';

export interface LandedFile {
  dataset: Dataset;
  /** Key of the landing object. */
  key: string;
  /** How its columns become the contract's fields; absent where they are named alike. */
  mapping?: Mapping;
}

export interface IngestedFile extends DoorCounts {
  /** What rows name as their origin: the SHA-256 of the unpacked content, and of the mapping where there is one. */
  fileId: string;
  /** True where an earlier upload of the same content had already been ingested. */
  isKnown: boolean;
}

/**
 * Ingests a landed file and deletes it. The same content again changes nothing; an ingest that was cut off is taken up
 * with the arrival time of its first try, and so finds the objects it had written.
 * Throws RefusedInput, writing nothing, where the file as a whole cannot be read.
 */
export const ingestBatch =
  (env: Environment, { rowsPerObject = 5000 } = {}) =>
  async (file: LandedFile, onProgress: (rows: number) => void = () => {}): Promise<IngestedFile> => {
    const contract = contractOf(`${file.dataset}/1`);
    if (!contract) throw new RefusedInput(`${file.dataset} is not a dataset of files`);
    const { fileId, shape } = await survey(env, file, contract);
    const arrivedAt = await register(env, file.dataset, fileId);
    if (arrivedAt === 'ingested') {
      await env.objects.delete([file.key]);
      return { ...noCounts, fileId, isKnown: true };
    }
    const giveIds = rowIdMaker(file);
    const { reportingCurrency } = env.settings;
    const receive = rowReceiver({ contract, mapping: file.mapping, reportingCurrency });
    let counts = noCounts;
    for await (const rows of inChunks(readRows(unpacked(env.objects.open(file.key)), shape), rowsPerObject)) {
      const records = rows.map(
        (row): DoorRecord => ({
          origin: { source_file: fileId, source_line: row.line },
          arrivedAt,
          body: row.body,
          outcome: validRecord(row.outcome.ok ? receive(row.outcome.value) : row.outcome, contract),
        }),
      );
      const separated = await separateBatch(env, records);
      giveIds(separated.lines);
      const batch = `${fileId}-${String(rows[0]!.line).padStart(9, '0')}`;
      const written = await writeBatch(env, file.dataset, { batch, received: rows.length, arrivedAt }, separated);
      counts = addCounts(counts, written);
      onProgress(counts.received);
    }
    const values = { arrivedAt: arrivedAt.toISOString(), isIngested: true, rows: counts.received };
    await env.hot.write([{ table: 'files', put: { partition: file.dataset, sort: fileId, values } }]);
    await env.objects.delete([file.key]);
    return { ...counts, fileId, isKnown: false };
  };

/** Reads the whole file once: its hash, whether it can be unpacked, and whether its header has what the contract needs. */
async function survey(
  env: Environment,
  file: LandedFile,
  contract: Contract,
): Promise<{ fileId: string; shape: FileShape }> {
  const hash = createHash('sha256');
  for await (const chunk of unpacked(env.objects.open(file.key))) hash.update(chunk);
  const shape = await shapeOf(unpacked(env.objects.open(file.key)));
  if (shape.format === 'csv') checkHeader(shape.header, file, contract);
  const content = hash.digest('hex');
  const fileId = file.mapping
    ? createHash('sha256').update(content).update(JSON.stringify(file.mapping)).digest('hex')
    : content;
  return { fileId, shape };
}

function checkHeader(header: string[], { mapping }: LandedFile, contract: Contract): void {
  const needed = mapping
    ? Object.values(mapping.columns)
    : contract.leaves.filter((leaf) => leaf.required).map((leaf) => leaf.property);
  const missing = needed.filter((name) => !header.includes(name));
  if (missing.length > 0) {
    throw new RefusedInput(
      `the header lacks ${missing.join(', ')}; name the columns as ${contract.dataset} does (docs/contracts.md) or give a mapping with --map`,
    );
  }
  const known = mapping ? needed : contract.leaves.map((leaf) => leaf.property);
  const twice = known.filter((name) => header.indexOf(name) !== header.lastIndexOf(name));
  if (twice.length > 0) throw new RefusedInput(`the header names ${twice.join(', ')} twice; which one counts?`);
}

/** Remembers when the file first arrived; the time of the first try names the objects of every later one. */
async function register(env: Environment, dataset: Dataset, fileId: string): Promise<Date | 'ingested'> {
  const known = await env.hot.get('files', { partition: dataset, sort: fileId });
  if (known?.values.isIngested === true) return 'ingested';
  if (known) return new Date(known.values.arrivedAt as string);
  const arrivedAt = env.clock.now();
  const values = { arrivedAt: arrivedAt.toISOString(), isIngested: false };
  await env.hot.write([{ table: 'files', put: { partition: dataset, sort: fileId, values }, if: { absent: true } }]);
  return arrivedAt;
}

function validRecord(outcome: Outcome<JsonObject>, contract: Contract): Outcome<ValidRecord> {
  return outcome.ok ? accepted({ contract, record: outcome.value, head: {}, unknownFieldCount: 0 }) : outcome;
}

/**
 * Gives each line the id that its mapping asks for: a hash of the line without its provenance, and the number of its
 * occurrence in the file, so that identical lines stay distinct lines. The line holds the random subject id in place of
 * the natural id, so that the hash cannot be enumerated.
 */
function rowIdMaker({ dataset, mapping }: LandedFile): (lines: RawLine[]) => void {
  if (!mapping?.rowId) return () => {};
  const column = contractOf(`${dataset}/1`)!.leaves.find((leaf) => leaf.property === mapping.rowId)!.column;
  const provenance = ['source_file', 'source_line', 'arrived_at', 'unknown_field_count', column];
  const hashed = rawColumnsOf(dataset).filter(({ name }) => !provenance.includes(name) && !name.endsWith('_sealed'));
  const seen = new Map<string, number>();
  return (lines) => {
    for (const line of lines) {
      const hash = createHash('sha256').update(canonicalText(line, hashed)).digest('hex').slice(0, 32);
      const occurrence = (seen.get(hash) ?? 0) + 1;
      seen.set(hash, occurrence);
      line[column] = `${hash}-${occurrence}`;
    }
  };
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
