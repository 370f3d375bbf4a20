/** A quarantined record's body, as it came or repaired, received anew by the rules of the door that refused it. */
import { contractOf, type Dataset, envelopeLeaves } from '../contracts/index.ts';
import { receiveEvent } from '../domain/events/receive-event.ts';
import { rowMapper } from '../domain/files/mapping.ts';
import type { Rates } from '../domain/files/rates.ts';
import { rowReceiver } from '../domain/files/receive-row.ts';
import { rowIdRule } from '../domain/files/row-id.ts';
import { isObject, type JsonObject, parseJson } from '../domain/json.ts';
import { accepted, type Outcome, rejected } from '../domain/outcome.ts';
import type { RawLine, ValidRecord } from '../domain/privacy/separate.ts';
import { repairLine } from '../domain/quality/repair.ts';
import type { Environment } from '../ports.ts';
import type { DoorRecord, QuarantineLine } from './door.ts';
import { longestLine } from './lines.ts';
import { bodyOpener, type QuarantinedRecord } from './quarantine.ts';
import { readRates } from './rates.ts';
import { type FileShape, readRows } from './read-rows.ts';
import { type RowFormat, readRowFormat } from './row-format.ts';

/** Bytes as they came to the door, or what a person made of them: an event, or a row's values by their columns' names. */
export type Body = Uint8Array | JsonObject;

export interface Receiver {
  receive(record: QuarantinedRecord, body: Body): Promise<DoorRecord>;
  /** The event, or the row's values by their columns' names. */
  fields(record: QuarantinedRecord, body: Body): Promise<Outcome<JsonObject>>;
  /** As `fields`, by the contract's names: those that the mapping of the row's file gives its columns. */
  contractFields(record: QuarantinedRecord, body: Body): Promise<Outcome<JsonObject>>;
  /** The raw line that a gate refused, as it came or repaired, to be written again. */
  receiveLine(record: QuarantinedRecord, body: Body): Promise<Outcome<RawLine>>;
  /** Gives lines the row ids that the mappings of their files ask for. */
  giveRowIds(dataset: Dataset, lines: RawLine[]): Promise<void>;
}

export function receiver(env: Environment): Receiver {
  const formatOf = rowFormats(env);
  let rates: Rates | undefined;

  const fields = async ({ line }: QuarantinedRecord, body: Body): Promise<Outcome<JsonObject>> => {
    if (!(body instanceof Uint8Array)) return accepted(body);
    if (isCut(line, body)) return { ok: false, rejection: { kind: line.kind, reasons: line.reasons } };
    if (line.kind === 'refused_by_gate') return accepted(rawLineOf(body));
    const format = await formatOf(line.origin);
    return format?.shape.format === 'csv' ? readCsvRow(body, format.shape) : readObject(body, line);
  };

  const contractFields = async (record: QuarantinedRecord, body: Body): Promise<Outcome<JsonObject>> => {
    const row = await fields(record, body);
    if (row.ok && record.line.kind === 'refused_by_gate') return accepted(byProperty(record.dataset, row.value));
    const mapping = (await formatOf(record.line.origin))?.mapping;
    if (!row.ok || !mapping) return row;
    return accepted(rowMapper(mapping, contractOf(`${record.dataset}/1`)!)(row.value).row);
  };

  const receiveRow = async (record: QuarantinedRecord, body: Body): Promise<Outcome<ValidRecord>> => {
    const row = await fields(record, body);
    if (!row.ok) return row;
    const contract = contractOf(`${record.dataset}/1`)!;
    const mapping = (await formatOf(record.line.origin))?.mapping;
    rates ??= await readRates(env);
    const received = rowReceiver({ contract, mapping, rates })(row.value);
    return received.ok ? accepted({ contract, record: received.value }) : received;
  };

  const receive = async (record: QuarantinedRecord, body: Body): Promise<DoorRecord> => {
    const { origin, arrivedAt } = record.line;
    const bytes = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
    const outcome = record.dataset === 'events' ? receiveEvent(bytes) : await receiveRow(record, body);
    return { origin, arrivedAt: new Date(arrivedAt), body: bytes, outcome };
  };

  const openBody = bodyOpener(env);
  const receiveLine = async (record: QuarantinedRecord, body: Body): Promise<Outcome<RawLine>> => {
    const refused = await openBody(record.line);
    if (!refused) return { ok: false, rejection: { kind: record.line.kind, reasons: record.line.reasons } };
    const repaired = body instanceof Uint8Array ? readObject(body, record.line) : accepted(body);
    if (!repaired.ok) return repaired;
    rates ??= await readRates(env);
    return repairLine(record.dataset, rawLineOf(refused) as RawLine, repaired.value, rates);
  };

  const giveRowIds = async (dataset: Dataset, lines: RawLine[]): Promise<void> => {
    for (const line of lines) {
      const rowId = (await formatOf(line))?.mapping?.rowId;
      if (rowId === undefined) continue;
      const { column, hash } = rowIdRule(dataset, rowId);
      // The door numbers occurrences in the file; the line's own number cannot meet that of an identical neighbour.
      line[column] = `${hash(line)}-r${line.source_line}`;
    }
  };

  return { receive, fields, contractFields, receiveLine, giveRowIds };
}

/** What a gate refused was sealed as the JSON that raw holds. */
const rawLineOf = (body: Uint8Array): JsonObject => JSON.parse(Buffer.from(body).toString('utf8')) as JsonObject;

/** A raw line by the names that its contract gives what stands in its columns. */
function byProperty(dataset: Dataset, line: JsonObject): JsonObject {
  const contract = contractOf(
    dataset === 'events' ? `events/${line.event_type}/${line.event_version}` : `${dataset}/1`,
  );
  const leaves = [...(dataset === 'events' ? envelopeLeaves : []), ...(contract?.leaves ?? [])];
  return Object.fromEntries(leaves.map(({ property, column }) => [property, line[column]]));
}

/** What could not be kept whole cannot be received again as it is. */
const isCut = ({ kind }: QuarantineLine, body: Uint8Array) => kind === 'too_long' && body.length >= longestLine;

/** The format of the file that an origin names, read once a file; undefined for events and where it is not kept. */
function rowFormats(env: Environment): (origin: RawLine) => Promise<RowFormat | undefined> {
  const formats = new Map<string, RowFormat | undefined>();
  return async ({ source_file: file }) => {
    if (typeof file !== 'string') return undefined;
    if (!formats.has(file)) formats.set(file, await readRowFormat(env, file));
    return formats.get(file);
  };
}

function readObject(body: Uint8Array, { origin }: QuarantineLine): Outcome<JsonObject> {
  const parsed = parseJson(body);
  if (parsed.ok && isObject(parsed.value)) return accepted(parsed.value);
  if (origin.source_file === undefined) return parsed.ok ? noObject : parsed;
  return noObject;
}

const noObject = rejected('not_json', [
  { path: '', rule: 'one JSON object; a CSV row only where the header of its file is kept' },
]);

/** A body that holds no row, or more than one, is none. */
async function readCsvRow(
  body: Uint8Array,
  shape: Extract<FileShape, { format: 'csv' }>,
): Promise<Outcome<JsonObject>> {
  async function* asFile() {
    yield Buffer.from('header\n');
    yield body;
  }
  const outcomes: Outcome<JsonObject>[] = [];
  for await (const { outcome } of readRows(asFile(), shape)) outcomes.push(outcome);
  return outcomes.length === 1 ? outcomes[0]! : rejected('not_csv', [{ path: '', rule: 'one row' }]);
}
