/** The file door: one landing file goes to raw/ or quarantine/, row by row, each exactly once. */
import { createHash } from 'node:crypto';
import { type Contract, contractOf, type Dataset } from '../contracts/index.ts';
import { checkHeader } from '../domain/files/check-header.ts';
import type { Mapping } from '../domain/files/mapping.ts';
import { rowReceiver } from '../domain/files/receive-row.ts';
import { rowIdRule } from '../domain/files/row-id.ts';
import type { JsonObject } from '../domain/json.ts';
import { accepted, type Outcome } from '../domain/outcome.ts';
import type { RawLine, ValidRecord } from '../domain/privacy/separate.ts';
import { type RefusalGroup, RefusalSummary } from '../domain/quality/refusal-summary.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import type { Environment } from '../ports.ts';
import { addCounts, type DoorCounts, type DoorRecord, noCounts, separateBatch, writeBatch } from './door.ts';
import { type FileShape, readRows, shapeOf, unpacked } from './read-rows.ts';
import { keepRowFormat } from './row-format.ts';

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
  /** Why rows were refused, the most frequent reason first. */
  refusals: RefusalGroup[];
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
    const { content, shape } = await survey(env, file, contract);
    const { fileId, arrivedAt, isIngested } = await register(env, file, content);
    if (isIngested) {
      await env.objects.delete([file.key]);
      return { ...noCounts, fileId, isKnown: true, refusals: [] };
    }
    const giveIds = rowIdMaker(file);
    const { reportingCurrency } = env.settings;
    const receive = rowReceiver({ contract, mapping: file.mapping, reportingCurrency });
    const refusals = new RefusalSummary();
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
      if (separated.quarantine.length > 0 && refusals.groups().length === 0) {
        await keepRowFormat(env, fileId, { shape, mapping: file.mapping });
      }
      for (const { reasons, origin } of separated.quarantine) refusals.add(reasons, Number(origin.source_line));
      const batch = `${fileId}-${String(rows[0]!.line).padStart(9, '0')}`;
      const written = await writeBatch(env, file.dataset, { batch, received: rows.length, arrivedAt }, separated);
      counts = addCounts(counts, written);
      onProgress(counts.received);
    }
    const values = { arrivedAt: arrivedAt.toISOString(), isIngested: true, rows: counts.received };
    await env.hot.write([{ table: 'files', put: { partition: file.dataset, sort: fileId, values } }]);
    await env.objects.delete([file.key]);
    return { ...counts, fileId, isKnown: false, refusals: refusals.groups() };
  };

/** Reads the whole file once: its hash, whether it can be unpacked, and whether its header has what the contract needs. */
async function survey(
  env: Environment,
  file: LandedFile,
  contract: Contract,
): Promise<{ content: string; shape: FileShape }> {
  const hash = createHash('sha256');
  for await (const chunk of unpacked(env.objects.open(file.key))) hash.update(chunk);
  const shape = await shapeOf(unpacked(env.objects.open(file.key)));
  if (shape.format === 'csv') checkHeader(shape.header, contract, file.mapping);
  return { content: hash.digest('hex'), shape };
}

interface Registered {
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
  const contentKey = { partition: `${file.dataset} contents`, sort: content };
  const known = await env.hot.get('files', contentKey);
  const times = Number(known?.values.times ?? 0);
  const last = known && (await readRegistered(env, file.dataset, String(known.values.fileId)));
  const sameFileId = fileIdOf(content, file.mapping, times);
  if (last?.fileId === sameFileId && !(file.again && last.isIngested)) return last;
  if (last && !file.again) {
    throw new RefusedInput(
      `this content came in on ${last.arrivedAt.toISOString().slice(0, 10)} with another mapping, and its rows would ` +
        'count twice; --again ingests it all the same',
    );
  }
  const registered: Registered = {
    fileId: fileIdOf(content, file.mapping, last ? times + 1 : 0),
    arrivedAt: env.clock.now(),
    isIngested: false,
  };
  const values = { arrivedAt: registered.arrivedAt.toISOString(), isIngested: false };
  await env.hot.write([
    { table: 'files', put: { partition: file.dataset, sort: registered.fileId, values }, if: { absent: true } },
    { table: 'files', put: { ...contentKey, values: { fileId: registered.fileId, times: last ? times + 1 : 0 } } },
  ]);
  return registered;
}

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

function validRecord(outcome: Outcome<JsonObject>, contract: Contract): Outcome<ValidRecord> {
  return outcome.ok ? accepted({ contract, record: outcome.value }) : outcome;
}

/** Gives each line the id that its mapping asks for; identical lines stay distinct by their occurrence in the file. */
function rowIdMaker({ dataset, mapping }: LandedFile): (lines: RawLine[]) => void {
  if (!mapping?.rowId) return () => {};
  const rule = rowIdRule(dataset, mapping.rowId);
  const seen = new Map<string, number>();
  return (lines) => {
    for (const line of lines) {
      const hash = rule.hash(line);
      const occurrence = (seen.get(hash) ?? 0) + 1;
      seen.set(hash, occurrence);
      line[rule.column] = `${hash}-${occurrence}`;
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
