/** Strict JSON from bytes, with errors that never quote the data. */
import { accepted, type Outcome, rejected } from './outcome.ts';

export type JsonObject = Record<string, unknown>;

const utf8 = new TextDecoder('utf-8', { fatal: true });

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text of UTF-8 bytes without a leading byte order mark; undefined where they are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Parses one JSON text (RFC 8259, UTF-8, a leading byte order mark is taken off). Of equal keys the last counts. */
export function parseJson(bytes: Uint8Array): Outcome<unknown> {
  const text = decodeUtf8(bytes);
  if (text === undefined) return rejected('not_json', [{ path: '', rule: 'UTF-8 text' }]);
  try {
    return accepted(JSON.parse(text));
  } catch (error) {
    // V8's message quotes the text around the error; only the position, which stands behind the quote, may pass.
    const position = /at position (\d+)(?: \(line \d+ column \d+\))?$/.exec((error as Error).message)?.[1];
    const where = position ? `, broken at character ${position}` : '';
    return rejected('not_json', [{ path: '', rule: `valid JSON${where}` }]);
  }
}

/** The object without its null fields, since producers write null for what they leave out. */
export function withoutNulls(object: JsonObject): JsonObject {
  let hasNull = false;
  for (const name in object) hasNull ||= object[name] === null;
  if (!hasNull) return object;
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}

/** True where maps and lists lie at most `most` deep in each other. */
export function isNestedAtMost(most: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return most > 0 && Object.values(value).every((inner) => isNestedAtMost(most - 1, inner));
}
