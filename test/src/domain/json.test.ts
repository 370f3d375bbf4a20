import { isNestedAtMost, parseJson, withoutNulls } from '../../../src/domain/json.ts';

const parse = (text: string | Uint8Array) => parseJson(Buffer.from(text as Uint8Array));

describe('JSON from bytes', () => {
  test.each([
    ['with a byte order mark', '\ufeff{"a":1}', { a: 1 }],
    ['of two equal keys keeps the last', '{"a":1,"a":2}', { a: 2 }],
    ['may hold a lone surrogate in escaped form', '{"a":"\\ud800"}', { a: '\ud800' }],
    ['may be followed by a line end', '{"a":1}\r\n', { a: 1 }],
  ])('%s', (_, text, value) => {
    expect(parse(text)).toEqual({ ok: true, value });
  });

  test('takes __proto__ and constructor for data', () => {
    const parsed = parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
    const { value } = parsed as { value: Record<string, unknown> };
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(Object.keys(withoutNulls(value))).toEqual(['__proto__', 'constructor']);
    for (const object of [value, withoutNulls(value), {}]) expect('polluted' in object).toBe(false);
  });

  test.each([
    ['{"a": NaN}'],
    ['{"a": Infinity}'],
    ["{'a': 1}"],
    ['{"a": 1,}'],
    ['{"a": 01}'],
    ['{a: 1}'],
    ['nul'],
    [''],
    ['\0'],
    ['// x'],
    ['{"a": "\t"}'],
    ['{"a": 1} {"b": 2}'],
  ])('refuses %p', (text) => {
    expect(parse(text)).toMatchObject({ ok: false, rejection: { kind: 'not_json' } });
  });

  test('refuses bytes that are no UTF-8', () => {
    const rejection = { kind: 'not_json', reasons: [{ path: '', rule: 'UTF-8 text' }] };
    expect(parse(Uint8Array.of(0x22, 0xe9, 0x22))).toEqual({ ok: false, rejection });
    expect(parse(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toEqual({ ok: false, rejection });
  });

  test('tells where it breaks', () => {
    expect(parse('{"a" 1}')).toMatchObject({
      rejection: { reasons: [{ rule: 'valid JSON, broken at character 5' }] },
    });
  });

  test.each([
    'position 4711',
    '{"x": position 4711}',
    '"at position 4711',
    '{"at position 4711": tru}',
    'at position 4711',
  ])('never quotes the data of %p in its reason, as the message of the parser does', (text) => {
    expect(JSON.stringify(parse(text))).not.toContain('4711');
  });

  test('takes a hundred thousand levels without ending the process, and measures them', () => {
    const deep = parse('['.repeat(100_000) + ']'.repeat(100_000)) as { value: unknown };
    expect(isNestedAtMost(32, deep.value)).toBe(false);
  });
});

test.each`
  value                  | most | fits
  ${1}                   | ${0} | ${true}
  ${{}}                  | ${0} | ${false}
  ${{ a: 1 }}            | ${1} | ${true}
  ${{ a: { b: [1] } }}   | ${2} | ${false}
  ${{ a: { b: [1] } }}   | ${3} | ${true}
  ${{ a: 1, b: [[[]]] }} | ${3} | ${false}
`('$value is nested at most $most deep: $fits', ({ value, most, fits }) => {
  expect(isNestedAtMost(most, value)).toBe(fits);
});
