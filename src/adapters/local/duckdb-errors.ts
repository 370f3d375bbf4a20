/** DuckDB's messages quote the data: what may pass is mapped here, once. */
import { EngineError } from '../../ports.ts';

/** Kinds of error whose first line names SQL and columns, never a value: as long as no data has been read. */
const speaksOfSql = /^(Parser|Binder|Catalog|Not implemented) Error: /;

/** A further line of theirs that helps: names like the one that is not known. */
const hint = /^(Did you mean|Candidate bindings)/;

/** What may be said of the other errors: the first line of this table that fits the message. */
const inOwnWords: [RegExp, string][] = [
  [/read-only mode/, 'the warehouse is read only; give one SELECT'],
  [
    /^Permission Error/,
    'SQL reaches the tables of the warehouse, neither files nor the network; give one SELECT over them',
  ],
  [
    /^Conversion Error/,
    'Conversion Error: a value cannot be read as the type that is asked for; try_cast makes it NULL',
  ],
  [/^Out of Range Error/, 'Out of Range Error: a number leaves the range of its type; cast it to a wider one first'],
  [/^Out of Memory Error/, 'Out of Memory Error: memory and the temporary folder are full; ask for less at once'],
  // DuckDB writes it with a capital letter, Node.js without.
  [/no space left on device/i, 'IO Error: no space is left on the disk; free some and run the command again'],
  [/Permission denied/, 'IO Error: this user may not read or write the file; check its rights'],
  [/Read-only file system/, 'IO Error: the file lies on a read-only file system; name another place with --data-dir'],
];

/** The error of a statement that DuckDB does not take: it has read the SQL and no data yet, and may say what is wrong with it. */
export function refusedStatement(where: string, error: unknown): EngineError {
  const message = messageOf(error).replace(/^Failed to extract statements: /, '');
  const [first = '', second = ''] = message.split('\n');
  if (!speaksOfSql.test(first)) return failedStatement(where, error);
  return new EngineError(`${where}: ${hint.test(second) ? `${first} ${second}` : first}`);
}

/** The error of a statement on its way through the data, or of a file: the kind of error, and none of its words. */
export function failedStatement(where: string, error: unknown): EngineError {
  const message = messageOf(error);
  const own = inOwnWords.find(([pattern]) => pattern.test(message))?.[1];
  const kind = /^[A-Z][A-Za-z ]* Error(?=: |$)/.exec(message)?.[0];
  return new EngineError(`${where}: ${own ?? kind ?? 'DuckDB failed, in words that may quote the data'}`);
}

const messageOf = (error: unknown): string => String((error as { message?: unknown } | undefined)?.message ?? error);
