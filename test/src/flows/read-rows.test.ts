import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { longestLine } from '../../../src/flows/lines.ts';
import { type FileRow, readRows, shapeOf, unpacked } from '../../../src/flows/read-rows.ts';
import { collect } from '../../support/collect.ts';

async function* inPieces(content: string | Uint8Array, size = 65_536): AsyncIterable<Uint8Array> {
  const bytes = Buffer.from(content as Uint8Array);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function rowsOf(content: string | Uint8Array, size?: number): Promise<FileRow[]> {
  const bytes = () => unpacked(inPieces(content, size));
  return collect(readRows(bytes(), await shapeOf(bytes())));
}

/** Each row as its line and its values, or the kind of its refusal. */
const brief = (rows: FileRow[]) =>
  rows.map(({ line, outcome }) => [line, outcome.ok ? Object.values(outcome.value).join('|') : outcome.rejection.kind]);

describe('a CSV file', () => {
  test.each`
    what                                   | content                                    | rows
    ${'plain'}                             | ${'a,b\n1,2\n3,4\n'}                       | ${[[2, '1|2'], [3, '3|4']]}
    ${'without a last line end'}           | ${'a,b\n1,2'}                              | ${[[2, '1|2']]}
    ${'with CRLF'}                         | ${'a,b\r\n1,2\r\n3,4\r\n'}                 | ${[[2, '1|2'], [3, '3|4']]}
    ${'with a byte order mark'}            | ${'\ufeffa,b\n1,2\n'}                      | ${[[2, '1|2']]}
    ${'with only a header'}                | ${'a,b\n'}                                 | ${[]}
    ${'with blank lines'}                  | ${'\n\na,b\n\n1,2\n  \n3,4\n\n'}           | ${[[5, '1|2'], [7, '3|4']]}
    ${'with quoted cells'}                 | ${'a,b\n"1,5","say ""hi"""\n'}             | ${[[2, '1,5|say "hi"']]}
    ${'with a line end in a cell'}         | ${'a,b\n"1\r\n\n2",x\n3,4\n'}              | ${[[4, '1\r\n\n2|x'], [5, '3|4']]}
    ${'with empty cells'}                  | ${'a,b\n,\n"",x\n'}                        | ${[[2, '|'], [3, '|x']]}
    ${'with names quoted and padded'}      | ${'"a", b \n1,2\n'}                        | ${[[2, '1|2']]}
    ${'with a short and a long row'}       | ${'a,b\n1\n1,2,3\n4,5\n'}                  | ${[[2, 'not_csv'], [3, 'not_csv'], [4, '4|5']]}
    ${'with a stray quote'}                | ${'a,b\n12" pan,x\n3,4\n'}                 | ${[[2, 'not_csv'], [3, '3|4']]}
    ${'with two stray quotes'}             | ${'a,b\n12" pan,14" lid\n3,4\n'}           | ${[[2, 'not_csv'], [3, '3|4']]}
    ${'with stray quotes in two lines'}    | ${'a,b\n12" pan,x\n3,4\n14" lid,y\n5,6\n'} | ${[[2, 'not_csv'], [3, '3|4'], [4, 'not_csv'], [5, '5|6']]}
    ${'with text behind a quoted cell'}    | ${'a,b\n"1"x,2\n3,4\n'}                    | ${[[2, 'not_csv'], [3, '3|4']]}
    ${'with a short row of two lines'}     | ${'a,b\n"1\n2"\n3,4\n'}                    | ${[[3, 'not_csv'], [4, '3|4']]}
    ${'with a quote that is never closed'} | ${'a,b\n"1,2\n3,4\n5,6'}                   | ${[[2, 'not_csv'], [3, '3|4'], [4, '5|6']]}
    ${'with NUL'}                          | ${'a,b\n1\0,2\n'}                          | ${[[2, 'not_csv']]}
    ${'with a replacement character'}      | ${'a,b\n\ufffd,2\n'}                       | ${[[2, '\ufffd|2']]}
    ${'with Latin-1 bytes'}                | ${Buffer.from('a,b\nñ,2\n3,4', 'latin1')}  | ${[[2, 'not_csv'], [3, '3|4']]}
  `('$what', async ({ content, rows }) => {
    expect(brief(await rowsOf(content))).toEqual(rows);
  });

  test('keeps a refused row to the byte, so that it can be repaired', async () => {
    const content = Buffer.from('a,b\nñ,"2\n3"x\n"4,5', 'latin1');
    const bodies = (await rowsOf(content)).map(({ body }) => Buffer.from(body).toString('latin1'));
    expect(bodies).toEqual(['ñ,"2\n', '3"x\n', '"4,5']);
  });

  test('has columns named as objects inherit them', async () => {
    const [row] = await rowsOf('__proto__,constructor\n1,2\n');
    expect(Object.entries((row!.outcome as { value: object }).value)).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]);
  });
});

describe('a JSON Lines file', () => {
  test.each`
    what                           | content                                          | rows
    ${'plain'}                     | ${'{"a":1}\n{"a":2}\n'}                          | ${[[1, '1'], [2, '2']]}
    ${'with blank lines and CRLF'} | ${'\r\n{"a":1}\r\n\r\n \t\r\n{"a":2}'}           | ${[[2, '1'], [5, '2']]}
    ${'with a byte order mark'}    | ${'\ufeff{"a":1}\n'}                             | ${[[1, '1']]}
    ${'with what is no object'}    | ${'{"a":1}\n[1]\n1\nnull\n"x"\n'}                | ${[[1, '1'], [2, 'not_json'], [3, 'not_json'], [4, 'not_json'], [5, 'not_json']]}
    ${'with broken lines'}         | ${'{"a":\n{"a":NaN}\n{"a":3}\n'}                 | ${[[1, 'not_json'], [2, 'not_json'], [3, '3']]}
    ${'with a line of Latin-1'}    | ${Buffer.from('{"a":"ñ"}\n{"a":2}\n', 'latin1')} | ${[[1, 'not_json'], [2, '2']]}
    ${'with equal keys'}           | ${'{"a":1,"a":2}\n'}                             | ${[[1, '2']]}
    ${'with NUL bytes'}            | ${'{"a":1}\n\0\0\n{"a":2}\n'}                    | ${[[1, '1'], [2, 'not_json'], [3, '2']]}
  `('$what', async ({ content, rows }) => {
    expect(brief(await rowsOf(content))).toEqual(rows);
  });
});

describe('a file', () => {
  test.each(['a,b\n"1\n",é\n\n2,"x""y"\n3\n"4', '{"a":"é"}\n\n{"b":1}\nx\n{"c":2}'])(
    'gives the same rows in whatever pieces it comes: %j',
    async (content) => {
      const whole = await rowsOf(content);
      for (let size = 1; size < 12; size += 1) expect(await rowsOf(content, size)).toEqual(whole);
    },
  );

  test('gives the same rows packed with gzip, also in several members', async () => {
    const [head, tail] = ['a,b\n1,2\n3', ',4\n5,6\n'];
    const whole = await rowsOf(head + tail);
    expect(whole).toHaveLength(3);
    expect(await rowsOf(gzipSync(head + tail), 7)).toEqual(whole);
    expect(await rowsOf(Buffer.concat([gzipSync(head), gzipSync(tail)]))).toEqual(whole);
  });

  test('loses none of its rows, whatever their cells hold', async () => {
    const cell = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', ' ', 'a') }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1 }), async (cells) => {
        const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
        const rows = await rowsOf(`a,b\n${cells.map((row) => row.map(quoted).join(',')).join('\r\n')}`);
        expect(rows.map(({ outcome }) => outcome)).toEqual(cells.map(([a, b]) => ({ ok: true, value: { a, b } })));
      }),
    );
  });

  test.each([
    ['empty', '', /the file is empty/],
    ['blank', ' \n\n\t\n', /the file is empty/],
    ['an empty gzip', gzipSync(''), /the file is empty/],
    [
      'a gzip cut short',
      gzipSync('a,b\n1,2\n'.repeat(1000)).subarray(0, -20),
      /cannot be unpacked; it may have been cut short/,
    ],
    [
      'a gzip that is broken',
      Buffer.concat([gzipSync('x').subarray(0, 12), Buffer.from('nonsense')]),
      /cannot be unpacked/,
    ],
    [
      'a gzip with something behind it',
      Buffer.concat([gzipSync('a,b\n1,2\n'), Buffer.from('x')]),
      /cannot be unpacked/,
    ],
    ['only the first bytes of a gzip', Uint8Array.of(0x1f, 0x8b), /cannot be unpacked/],
    ['a JSON list', '[\n{"a":1}\n]', /the file is a JSON list; write one object a line/],
    ['UTF-16', Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'), /the file must be UTF-8 text/],
    ['without a header that can be read', 'a",b\n1,2\n', /the header line is no CSV/],
  ])('that is %s is refused', async (_, content, message) => {
    await expect(rowsOf(content)).rejects.toThrow(
      expect.objectContaining({ name: 'RefusedInput', message: expect.stringMatching(message) }),
    );
  });

  test('whose source fails passes the failure on, in gzip as well', async () => {
    const failure = new Error('the disk is gone');
    async function* failing() {
      yield gzipSync('a,b\n1,2\n'.repeat(1000)).subarray(0, 30);
      throw failure;
    }
    await expect(collect(unpacked(failing()))).rejects.toBe(failure);
  });
});

describe('a row over 1 MiB', () => {
  const long = 'x'.repeat(longestLine + 1);

  test.each([
    [
      'in JSON Lines',
      `{"a":1}\n{"a":"${long}"}\n{"a":2}\n`,
      [
        [1, '1'],
        [2, 'too_long'],
        [3, '2'],
      ],
    ],
    [
      'in CSV',
      `a,b\n1,${long}\n3,4\n`,
      [
        [2, 'too_long'],
        [3, '3|4'],
      ],
    ],
    [
      'as the last, without a line end',
      `a,b\n1,2\n3,${long}`,
      [
        [2, '1|2'],
        [3, 'too_long'],
      ],
    ],
  ])('is refused %s, and its neighbours are not', async (_, content, rows) => {
    expect(brief(await rowsOf(content))).toEqual(rows);
  });

  test('is cut, so that a file without line ends does not fill the memory', async () => {
    const [row] = await rowsOf(`{${long.repeat(8)}`);
    expect(row!.body.length).toBe(longestLine);
  });

  test('does not come about by a quote that is never closed: it costs its own line, in linear time', async () => {
    const lines = Array.from({ length: 100_000 }, (_, line) => (line % 30_000 === 7 ? `"${line},x` : `${line},2`));
    const began = performance.now();
    const rows = await rowsOf(`a,b\n${lines.join('\n')}\n`);
    expect(rows.filter(({ outcome }) => !outcome.ok).map(({ line }) => line)).toEqual([9, 30_009, 60_009, 90_009]);
    expect(rows).toHaveLength(100_000);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
