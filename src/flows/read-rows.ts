/** Reads a landing file, CSV or JSON Lines, gzip or not, as a stream of rows with their line numbers. */
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { decodeUtf8, isObject, type JsonObject, parseJson } from '../domain/json.ts';
import { accepted, type Outcome, rejected } from '../domain/outcome.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import { type Line, linesOf, longestLine } from './lines.ts';

export interface FileRow {
  /** Line of the file on which the row ends, the first line being 1. */
  line: number;
  /** The row's bytes, at most `longestLine` of them. */
  body: Uint8Array;
  outcome: Outcome<JsonObject>;
}

/** `header` names a CSV file's columns; JSON Lines have none. */
export type FileShape = { format: 'csv'; header: string[] } | { format: 'jsonl' };

type Bytes = AsyncIterable<Uint8Array>;

/** The bytes, unpacked where they begin as gzip does. RefusedInput where the gzip is broken or cut short. */
export async function* unpacked(bytes: Bytes): Bytes {
  const { head, rest } = await peek(bytes, 2);
  if (head[0] !== 0x1f || head[1] !== 0x8b) return yield* rest;
  try {
    // Iterating the last stream shows the errors of all, so that the callback has nothing to do.
    yield* pipeline(Readable.from(rest), createGunzip(), () => {}) as Bytes;
  } catch (cause) {
    if (!String((cause as NodeJS.ErrnoException).code).startsWith('Z_')) throw cause;
    const message = 'the file begins as gzip and cannot be unpacked; it may have been cut short: upload it again';
    throw new RefusedInput(message, { cause });
  }
}

/** JSON Lines where the first character that is no white space is `{`, else CSV. RefusedInput where it is neither. */
export async function shapeOf(bytes: Bytes): Promise<FileShape> {
  for await (const { body } of linesOf(bytes)) {
    if (isBlank(body)) continue;
    const first = body.toString('latin1').replace(/^ï»¿/, '').trimStart()[0];
    if (first === '{') return { format: 'jsonl' };
    if (first === '[') throw new RefusedInput('the file is a JSON list; write one object a line instead');
    const text = decodeUtf8(body);
    if (text === undefined) throw new RefusedInput('the file must be UTF-8 text; save it as UTF-8 and upload it again');
    const header = cellsOf(text)?.map((name) => name.trim());
    if (!header) throw new RefusedInput('the header line is no CSV: a quote in a cell is doubled and the cell quoted');
    return { format: 'csv', header };
  }
  throw new RefusedInput('the file is empty; it needs a header line (CSV) or one object a line (JSON Lines)');
}

/** The file's rows in its order, the same ones whenever it is read. Blank lines are none. */
export async function* readRows(bytes: Bytes, shape: FileShape): AsyncIterable<FileRow> {
  if (shape.format === 'jsonl') {
    for await (const line of linesOf(bytes)) if (!isBlank(line.body)) yield jsonRow(line);
    return;
  }
  const rows = new CsvRows(shape.header);
  let isBehindHeader = false;
  for await (const line of linesOf(bytes)) {
    if (isBehindHeader) yield* rows.take(line);
    else isBehindHeader = !isBlank(line.body);
  }
  yield* rows.end();
}

function jsonRow({ line, body, isCut }: Line): FileRow {
  if (isCut) return { line, body, outcome: tooLong };
  const parsed = parseJson(body);
  if (!parsed.ok) return { line, body, outcome: parsed };
  const noObject = rejected('not_json', [{ path: '', rule: 'one JSON object a line' }]);
  return { line, body, outcome: isObject(parsed.value) ? accepted(parsed.value) : noObject };
}

/**
 * Makes rows of lines. Lines belong to one row until their quotes are even in number. Where they then are no CSV, or
 * never get even, only the first of them is refused: a stray quote costs its own line and not the rest of the file.
 */
class CsvRows {
  readonly #header: string[];
  #waiting: Line[] = [];
  #size = 0;
  #quotes = 0;

  constructor(header: string[]) {
    this.#header = header;
  }

  *take(line: Line): Iterable<FileRow> {
    if (this.#waiting.length === 0 && isBlank(line.body)) return;
    this.#waiting.push(line);
    this.#size += line.body.length;
    this.#quotes += quotesIn(line.body);
    if (line.isCut || this.#size > longestLine) return yield* this.#refuseFirst();
    if (this.#quotes % 2 === 1) return;
    const body = Buffer.concat(this.#waiting.map((part) => part.body));
    const outcome = csvRow(this.#header, body);
    const isTorn = outcome === noCsv || outcome === noText;
    if (isTorn && this.#waiting.length > 1) return yield* this.#refuseFirst();
    this.#forget();
    yield { line: line.line, body, outcome };
  }

  /** The rows of the lines that waited for a quote until the file's end. */
  *end(): Iterable<FileRow> {
    while (this.#waiting.length > 0) yield* this.#refuseFirst();
  }

  /** Refuses the first waiting line and takes the others anew. */
  *#refuseFirst(): Iterable<FileRow> {
    const [{ line, body, isCut }, ...others] = this.#waiting as [Line, ...Line[]];
    this.#forget();
    yield { line, body, outcome: isCut ? tooLong : noCsv };
    for (const other of others) yield* this.take(other);
  }

  #forget(): void {
    this.#waiting = [];
    this.#size = 0;
    this.#quotes = 0;
  }
}

const tooLong = rejected('too_long', [{ path: '', rule: 'at most 1 MiB' }]);
const noText = rejected('not_csv', [{ path: '', rule: 'UTF-8 text' }]);
/** What a torn write or another format leaves behind: CSV has no way to mean it, as JSON has. */
const hasNul = rejected('not_csv', [{ path: '', rule: 'text without NUL bytes' }]);
const noCsv = rejected('not_csv', [
  { path: '', rule: 'CSV (RFC 4180): a quote in a cell is doubled and the cell quoted' },
]);

function csvRow(header: string[], body: Buffer): Outcome<JsonObject> {
  const text = decodeUtf8(body);
  if (text === undefined) return noText;
  if (text.includes('\0')) return hasNul;
  const cells = cellsOf(text);
  if (!cells) return noCsv;
  if (cells.length !== header.length) {
    const rule = `${header.length} cells as in the header`;
    return rejected('not_csv', [{ path: '', rule, value: String(cells.length) }]);
  }
  return accepted(Object.fromEntries(header.map((name, index) => [name, cells[index]])));
}

/** The cells of one row; undefined where its quotes are no CSV. The parser's message would quote them. */
function cellsOf(text: string): string[] | undefined {
  const row = text.replace(/\r?\n$/, '');
  if (!row.includes('"')) return row.split(',');
  try {
    // The row is one whatever line ends its cells hold: NUL stands in no text.
    const rows = parse(row, { record_delimiter: '\0', relax_column_count: true });
    return rows.length === 1 ? rows[0] : undefined;
  } catch {
    return undefined;
  }
}

function quotesIn(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(34); at !== -1; at = bytes.indexOf(34, at + 1)) count += 1;
  return count;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.length === 0 || (bytes.length < 100 && bytes.toString('latin1').trim() === '');
}

/** The first `length` bytes, and an iterable of all bytes. */
async function peek(bytes: Bytes, length: number): Promise<{ head: Uint8Array; rest: Bytes }> {
  const iterator = bytes[Symbol.asyncIterator]();
  const taken: Uint8Array[] = [];
  let size = 0;
  while (size < length) {
    const next = await iterator.next();
    if (next.done) break;
    taken.push(next.value);
    size += next.value.length;
  }
  async function* all(): Bytes {
    yield* taken;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { head: Buffer.concat(taken).subarray(0, length), rest: all() };
}
