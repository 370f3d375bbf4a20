/**
 * Searches every byte under a directory for texts, in decoded form: members of gzip files, pages and dictionaries and
 * statistics of Parquet files, all values of a DuckDB file, and the bytes of everything else as they are, SQLite's pages among
 * them. File names are searched too.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetMetadata, snappyUncompress } from 'hyparquet';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import { filesBelow } from './local-stores.ts';

export interface Find {
  file: string;
  text: string;
}

/** Which of the texts stand where; files whose path begins with one of `except` are left out. */
export async function findDecoded(directory: string, texts: string[], except: string[] = []): Promise<Find[]> {
  const finds: Find[] = [];
  for (const path of filesBelow(directory)) {
    const file = relative(directory, path);
    if (except.some((prefix) => file.startsWith(prefix))) continue;
    for await (const part of decodedParts(path)) {
      for (const text of textsIn(part, texts)) finds.push({ file, text });
    }
    for (const text of textsIn(Buffer.from(file), texts)) finds.push({ file, text });
  }
  return finds;
}

/** The texts that stand in the bytes, in whatever case, in UTF-8 or Latin-1. */
export function textsIn(bytes: Uint8Array, texts: string[]): string[] {
  const searched = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1').toLowerCase();
  return texts.filter((text) => searched.includes(text.toLowerCase()));
}

/** The bytes of a file or object, and what they hold in packed form. */
export function* decoded(path: string, bytes: Buffer): Iterable<Uint8Array> {
  yield bytes;
  if (path.endsWith('.gz')) yield gunzipSync(bytes);
  if (path.endsWith('.parquet')) yield* parquetPages(bytes);
}

async function* decodedParts(path: string): AsyncIterable<Uint8Array> {
  yield* decoded(path, readFileSync(path));
  if (path.endsWith('.duckdb')) yield* databaseValues(path);
}

interface PageHeader {
  field_1: number;
  field_2: number;
  field_3: number;
  /** Of a version 2 data page. */
  field_8?: { field_5: number; field_6: number; field_7?: boolean };
}

/** The pages of all columns, dictionaries among them, unpacked. The footer, with its statistics, is in the clear anyway. */
function* parquetPages(file: Buffer): Iterable<Uint8Array> {
  const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer;
  for (const { columns } of parquetMetadata(buffer).row_groups) {
    for (const { meta_data: column } of columns) {
      if (!column) continue;
      const start = Number(column.dictionary_page_offset || column.data_page_offset);
      const reader = { view: new DataView(buffer), offset: start };
      while (reader.offset < start + Number(column.total_compressed_size)) {
        const header = deserializeTCompactProtocol(reader) as unknown as PageHeader;
        const page = new Uint8Array(buffer, reader.offset, header.field_3);
        reader.offset += header.field_3;
        // Levels stand before the values of a version 2 page, not packed.
        const levels = header.field_8 ? header.field_8.field_5 + header.field_8.field_6 : 0;
        const isPacked = column.codec === 'SNAPPY' && header.field_8?.field_7 !== false;
        if (!isPacked) yield page.subarray(levels);
        else {
          const unpacked = new Uint8Array(header.field_2 - levels);
          snappyUncompress(page.subarray(levels), unpacked);
          yield unpacked;
        }
      }
    }
  }
}

async function* databaseValues(path: string): AsyncIterable<Uint8Array> {
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  const tables = (await connection.runAndReadAll('show tables')).getRowsJson().map(([name]) => String(name));
  for (const table of tables) {
    const rows = (await connection.runAndReadAll(`select * from ${table}`)).getRowsJson();
    yield Buffer.from(rows.map((row) => row.join('\n')).join('\n'));
  }
  connection.closeSync();
  instance.closeSync();
}
