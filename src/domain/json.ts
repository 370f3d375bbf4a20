/** Strict JSON from bytes, with errors that never quote the data. */
import { accepted, type Outcome, rejected } from './outcome.ts';

export type JsonObject = Record<string, unknown>;

const utf8 = new TextDecoder('utf-8', { fatal: true });

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses one JSON text (RFC 8259, UTF-8, a leading byte order mark is taken off). */
export function parseJson(bytes: Uint8Array): Outcome<unknown> {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return rejected('not_json', [{ path: '', rule: 'UTF-8 text' }]);
  }
  try {
    return accepted(JSON.parse(text));
  } catch (error) {
    // V8's message quotes the text around the error; only the position may pass.
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    return rejected('not_json', [
      { path: '', rule: position ? `valid JSON, broken at character ${position}` : 'valid JSON' },
    ]);
  }
}
