/** Searches a directory for personal data in decoded form: gzip unpacked, Parquet and DuckDB read by SQL, the rest as text. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/** What is searched for: whole phrases, compared word by word. */
export class PersonalDataSearch {
  readonly #phrases = new Map<string, string>();
  #mostWords = 1;

  /** Adds a phrase under the name of its kind. */
  add(kind: string, phrase: string): void {
    const words = wordsOf(phrase);
    if (words.length === 0) return;
    this.#phrases.set(words.join(' '), kind);
    this.#mostWords = Math.max(this.#mostWords, words.length);
  }

  /** The kinds found in a text, with how often. */
  kindsIn(text: string): Map<string, number> {
    const found = new Map<string, number>();
    const words = wordsOf(text);
    for (let start = 0; start < words.length; start += 1) {
      let phrase = '';
      for (let length = 1; length <= this.#mostWords && start + length <= words.length; length += 1) {
        phrase = length === 1 ? words[start]! : `${phrase} ${words[start + length - 1]}`;
        const kind = this.#phrases.get(phrase);
        if (kind) found.set(kind, (found.get(kind) ?? 0) + 1);
      }
    }
    return found;
  }

  /** Finds by file: `hot.sqlite: email 3`. Folders named in `except` are left out. */
  async findIn(directory: string, except: string[]): Promise<{ files: number; finds: string[] }> {
    const finds: string[] = [];
    const paths = readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !except.some((folder) => relative(directory, path).startsWith(`${folder}/`)));
    const parquet = paths.filter((path) => path.endsWith('.parquet'));
    const texts: [string, Iterable<string> | AsyncIterable<string>][] = [
      ...paths
        .filter((path) => !path.endsWith('.parquet') && !path.endsWith('.duckdb'))
        .map((path): [string, string[]] => [relative(directory, path), [relative(directory, path), decoded(path)]]),
      ...byTable(parquet).map(([table, files]): [string, AsyncIterable<string>] => [table, parquetTexts(files)]),
      ...paths
        .filter((path) => path.endsWith('.duckdb'))
        .map((path): [string, AsyncIterable<string>] => [relative(directory, path), databaseTexts(path)]),
    ];
    for (const [name, parts] of texts) {
      for await (const text of parts) {
        for (const [kind, times] of this.kindsIn(text)) finds.push(`${name}: ${kind} ${times}`);
      }
    }
    return { files: paths.length, finds };
  }
}

const wordsOf = (text: string): string[] => text.match(/[\p{L}\p{N}@.'’+_-]+/gu) ?? [];

function decoded(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString(path.endsWith('.sqlite') ? 'latin1' : 'utf8');
}

/** Parquet files by the folder of their run: files of one table share their columns. */
function byTable(files: string[]): [string, string[]][] {
  return [...Map.groupBy(files, (file) => /^(.*\/run=[^/]+)/.exec(file)?.[1] ?? file)];
}

async function* parquetTexts(files: string[]): AsyncIterable<string> {
  const list = files.map((file) => `'${file}'`).join(', ');
  yield* sqlTexts(':memory:', async (connection) => {
    await connection.run(`create table files as select * from read_parquet([${list}], hive_partitioning = false)`);
    return ['files'];
  });
}

async function* databaseTexts(path: string): AsyncIterable<string> {
  yield* sqlTexts(path, async (connection) =>
    (await connection.runAndReadAll('show tables')).getRowsJson().map(([name]) => String(name)),
  );
}

/** The distinct values of all text columns of each table. */
async function* sqlTexts(
  path: string,
  tablesOf: (connection: DuckDBConnection) => Promise<string[]>,
): AsyncIterable<string> {
  const instance = await DuckDBInstance.create(path, path === ':memory:' ? {} : { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  for (const table of await tablesOf(connection)) {
    const columns = (await connection.runAndReadAll(`describe ${table}`)).getRowObjectsJson();
    for (const { column_name: name, column_type: type } of columns) {
      if (type !== 'VARCHAR') continue;
      const values = await connection.runAndReadAll(
        `select distinct "${name}" from ${table} where "${name}" is not null`,
      );
      yield values
        .getRowsJson()
        .map(([value]) => String(value))
        .join('\n');
    }
  }
  connection.closeSync();
  instance.closeSync();
}
