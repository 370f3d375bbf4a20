/** The lines of a file, whatever its size and that of its lines. */

export interface Line {
  /** Its number, the first being 1. */
  line: number;
  /** Its bytes with the line end, at most `longestLine` of them. */
  body: Buffer;
  /** True where it has more. */
  isCut: boolean;
}

/** As long as a stream's record may be: 1 MiB. */
export const longestLine = 1_048_576;

/** Lines end with a line feed, or with the file. */
export async function* linesOf(bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncIterable<Line> {
  let line = 1;
  let parts: Buffer[] = [];
  let size = 0;
  const add = (part: Uint8Array) => {
    // No more than the limit is kept, whatever a file without line ends holds; copied, since the source may go on using it.
    if (size < longestLine) parts.push(Buffer.from(part.subarray(0, longestLine - size)));
    size += part.length;
  };
  const take = (): Line => {
    const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    const taken = { line, body, isCut: size > longestLine };
    line += 1;
    parts = [];
    size = 0;
    return taken;
  };
  for await (const chunk of bytes) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      add(chunk.subarray(from, end + 1));
      yield take();
      from = end + 1;
    }
    if (from < chunk.length) add(chunk.subarray(from));
  }
  if (size > 0) yield take();
}

/** The line's bytes without its line end: a line feed, or carriage return and line feed. */
export function withoutLineEnd({ body }: Line): Buffer {
  const text = body.at(-1) === 10 ? body.subarray(0, -1) : body;
  return text.at(-1) === 13 ? text.subarray(0, -1) : text;
}
