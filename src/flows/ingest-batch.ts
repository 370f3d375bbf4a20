/** The file door: one landing file goes to raw/ or quarantine/, row by row, each exactly once. */
import { createHash } from 'node:crypto';
import { type Contract, contractOf, type Dataset, rawColumnsOf } from '../contracts/index.ts';
import { type Mapping, mapRow, typedRow } from '../domain/files/mapping.ts';
import { accepted, type Outcome, rejected } from '../domain/outcome.ts';
import { canonicalText, type RawLine } from '../domain/privacy/separate.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import { violations } from '../domain/validate.ts';
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
import { type FileFormat, type FileRow, formatOf, readRows, unpacked } from './read-rows.ts';

export interface LandedFile {
  dataset: Dataset;
  /** Key of the landing object. */
  key: string;
  /** How its columns become the contract's fields; absent where they are named alike. */
  mapping?: Mapping;
}

export interface IngestedFile extends DoorCounts {
  /** What rows name as their origin: the content's SHA-256, and the mapping's where there is one. */
  fileId: string;
  /** True where an earlier upload of the same content had already been ingested. */
  isKnown: boolean;
}

const rowsPerObject = 5000;

/**
 * Ingests a landed file and deletes it. The same content again changes nothing; an ingest that was cut off is taken up
 * with the arrival time of its first try, and so finds the objects it had written.
 * Throws RefusedInput, writing nothing, where the file as a whole cannot be read.
 */
export const ingestBatch =
  (env: Environment) =>
  async (file: LandedFile, onProgress: (rows: number) => void = () => {}): Promise<IngestedFile> => {
    const contract = contractOf(`${file.dataset}/1`);
    if (!contract) throw new RefusedInput(`${file.dataset} is not a dataset of files`);
    const { fileId, format } = await survey(env, file, contract);
    const arrivedAt = await register(env, file.dataset, fileId);
    if (arrivedAt === 'ingested') {
      await env.objects.delete([file.key]);
      return { ...noCounts, fileId, isKnown: true };
    }
    const giveIds = rowIdMaker(file);
    let counts = noCounts;
    for await (const rows of inChunks(readRows(unpacked(env.objects.open(file.key)), format), rowsPerObject)) {
      const records = rows.map((row) => receiveRow(env, row, fileId, arrivedAt, contract, file.mapping));
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
): Promise<{ fileId: string; format: FileFormat }> {
  const hash = createHash('sha256');
  async function* hashed() {
    for await (const chunk of env.objects.open(file.key)) {
      hash.update(chunk);
      yield chunk;
    }
  }
  for await (const _ of unpacked(hashed())) {
    // Only that it can be read to its end matters here.
  }
  const content = hash.digest('hex');
  const format = await formatOf(unpacked(env.objects.open(file.key)));
  await checkHeader(env, file, contract, format);
  const fileId = file.mapping
    ? createHash('sha256').update(content).update(JSON.stringify(file.mapping)).digest('hex')
    : content;
  return { fileId, format };
}

async function checkHeader(env: Environment, file: LandedFile, contract: Contract, format: FileFormat): Promise<void> {
  if (format !== 'csv') return;
  const firstRow = await first(readRows(unpacked(env.objects.open(file.key)), format));
  if (!firstRow?.outcome.ok) return;
  const header = Object.keys(firstRow.outcome.value);
  const needed = file.mapping
    ? Object.values(file.mapping.columns)
    : contract.leaves.filter((leaf) => leaf.required).map((leaf) => leaf.property);
  const missing = needed.filter((name) => !header.includes(name));
  if (missing.length > 0) {
    throw new RefusedInput(
      `the header lacks ${missing.join(', ')}; name the columns as ${contract.dataset} does (docs/contracts.md) or give a mapping with --map`,
    );
  }
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

function receiveRow(
  env: Environment,
  row: FileRow,
  fileId: string,
  arrivedAt: Date,
  contract: Contract,
  mapping: Mapping | undefined,
): DoorRecord {
  return {
    origin: { source_file: fileId, source_line: row.line },
    arrivedAt,
    body: row.body,
    outcome: validRow(env, row, contract, mapping),
  };
}

function validRow(
  env: Environment,
  row: FileRow,
  contract: Contract,
  mapping: Mapping | undefined,
): Outcome<ValidRecord> {
  if (!row.outcome.ok) return row.outcome;
  const { row: mapped, broken } = mapping ? mapRow(row.outcome.value, mapping) : { row: row.outcome.value, broken: [] };
  if (broken.length > 0) {
    const reasons = broken.map((field) => ({ path: `/${field}`, rule: `format ${mapping?.formats[field]}` }));
    return rejected('schema_violation', reasons, contract.id);
  }
  const record = typedRow(mapped, contract.leaves);
  const reasons = violations(contract.id, record, contract);
  if (reasons.length > 0) return rejected('schema_violation', reasons, contract.id);
  const reporting = env.settings.reportingCurrency;
  if (contract.dataset === 'transactions' && record.currency !== reporting) {
    const reason = {
      path: '/currency',
      rule: `a currency with a rate; only ${reporting} has one`,
      value: String(record.currency),
    };
    return rejected('currency_without_rate', [reason], contract.id);
  }
  return accepted({ contract, record, head: {}, unknownFieldCount: 0 });
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

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
