/** Reads a landing file, CSV or JSON Lines, gzip or not, as a stream of rows with their line numbers. */
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { isObject, type JsonObject, parseJson } from '../domain/json.ts';
import { accepted, type Outcome, rejected } from '../domain/outcome.ts';
import { RefusedInput } from '../domain/refused-input.ts';

export interface FileRow {
  /** Line of the file on which the row ends, the first line being 1. */
  line: number;
  body: Uint8Array;
  outcome: Outcome<JsonObject>;
}

export type FileFormat = 'csv' | 'jsonl';

type Bytes = AsyncIterable<Uint8Array>;

/** The bytes, unpacked where they begin as gzip does. RefusedInput where the gzip is broken or cut short. */
export async function* unpacked(bytes: Bytes): Bytes {
  const { head, rest } = await peek(bytes, 2);
  if (head[0] !== 0x1f || head[1] !== 0x8b) return yield* rest;
  try {
    yield* Readable.from(rest).pipe(createGunzip()) as Bytes;
  } catch (cause) {
    throw new RefusedInput(
      'the file begins as gzip and cannot be unpacked; it may have been cut short: upload it again',
      { cause },
    );
  }
}

/** JSON Lines where the first character that is no white space is `{`, else CSV. */
export async function formatOf(bytes: Bytes): Promise<FileFormat> {
  const { head } = await peek(bytes, 4096);
  const first = new TextDecoder().decode(head).trimStart()[0];
  if (first === undefined)
    throw new RefusedInput('the file is empty; it needs a header line (CSV) or one object a line (JSON Lines)');
  return first === '{' ? 'jsonl' : 'csv';
}

export const readRows = (bytes: Bytes, format: FileFormat): AsyncIterable<FileRow> =>
  format === 'csv' ? readCsv(bytes) : readJsonLines(bytes);

interface CsvRecord {
  record: string[];
  raw: string;
  info: { lines: number };
}

async function* readCsv(bytes: Bytes): AsyncIterable<FileRow> {
  const skipped: FileRow[] = [];
  const parser = Readable.from(bytes).pipe(
    parse({
      bom: true,
      info: true,
      raw: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      // The parser's message quotes the data: only that it failed, and where, may pass.
      on_skip: (error, raw) => {
        skipped.push({
          line: Number((error as { lines?: number } | undefined)?.lines ?? 0),
          body: Buffer.from(raw ?? ''),
          outcome: rejected('not_csv', [
            { path: '', rule: 'CSV (RFC 4180): a quote in a cell is doubled and the cell quoted' },
          ]),
        });
        return undefined;
      },
    }),
  );
  let header: string[] | undefined;
  for await (const { record, raw, info } of parser as AsyncIterable<CsvRecord>) {
    yield* skipped.splice(0);
    if (header === undefined) header = record.map((name) => name.trim());
    else yield { line: info.lines, body: Buffer.from(raw), outcome: csvRow(header, record) };
  }
  yield* skipped.splice(0);
}

function csvRow(header: string[], cells: string[]): Outcome<JsonObject> {
  if (cells.length !== header.length) {
    return rejected('not_csv', [
      { path: '', rule: `${header.length} cells as in the header`, value: String(cells.length) },
    ]);
  }
  if (cells.some((cell) => cell.includes('\uFFFD'))) return rejected('not_csv', [{ path: '', rule: 'UTF-8 text' }]);
  return accepted(Object.fromEntries(header.map((name, index) => [name, cells[index]])));
}

async function* readJsonLines(bytes: Bytes): AsyncIterable<FileRow> {
  let line = 0;
  let pending: Buffer[] = [];
  for await (const chunk of bytes) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      line += 1;
      const row = jsonRow(Buffer.concat([...pending, chunk.subarray(from, end)]), line);
      if (row) yield row;
      pending = [];
      from = end + 1;
    }
    if (from < chunk.length) pending.push(Buffer.from(chunk.subarray(from)));
  }
  const row = jsonRow(Buffer.concat(pending), line + 1);
  if (row) yield row;
}

function jsonRow(body: Buffer, line: number): FileRow | undefined {
  if (body.toString('latin1').trim() === '') return undefined;
  const parsed = parseJson(body);
  if (!parsed.ok) return { line, body, outcome: parsed };
  const outcome = isObject(parsed.value)
    ? accepted(parsed.value)
    : rejected('not_json', [{ path: '', rule: 'one JSON object a line' }]);
  return { line, body, outcome };
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
