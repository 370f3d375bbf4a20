/** Tables that people read: whole where there is room, and honest about what is missing where there is not. */
import { stripVTControlCharacters } from 'node:util';
import { tableText, wrapped } from '../../../src/cli/output.ts';
import type { ResultSet, Scalar } from '../../../src/ports.ts';

const table = (columns: Record<string, string>, ...rows: Scalar[][]): ResultSet => ({
  columns: Object.entries(columns).map(([name, type]) => ({ name, type })),
  rows,
});
const linesOf = (result: ResultSet, options: Parameters<typeof tableText>[1]) =>
  stripVTControlCharacters(tableText(result, options)).split('\n');
const widest = (lines: string[]) => Math.max(...lines.map((line) => line.length));

describe('a table with room', () => {
  test('has headings for people: _on, is_ and has_ are dropped', () => {
    const result = table(
      { month_on: 'DATE', first_order_on: 'DATE', is_complete_month: 'BOOLEAN', has_orders: 'BOOLEAN' },
      ['2026-01-01', '2026-01-05', true, false],
    );
    expect(linesOf(result, { width: 100 })).toEqual([
      '  month    first order  complete month  orders',
      '  ────────────────────────────────────────────',
      '  2026-01  2026-01-05   yes             no',
    ]);
  });

  test("leaves the headings of a user's own SQL as they are", () => {
    const [head] = linesOf(table({ is_new_on: 'VARCHAR' }, ['x']), { width: 100, areNamesKept: true });
    expect(head).toBe('  is_new_on');
  });

  test('shortens ids and groups digits', () => {
    const ids = ['11111111-1111-4111-8111-111111111111', '0123456789abcdef0123456789abcdef', 'a'.repeat(64)];
    const result = table({ a: 'VARCHAR', b: 'VARCHAR', c: 'VARCHAR', n: 'BIGINT' }, [...ids, 36525]);
    expect(linesOf(result, { width: 100 }).at(-1)).toBe('  11111111…  01234567…  aaaaaaaa…  36,525');
  });
});

test('a result of Redshift looks like the same one of DuckDB', () => {
  const row = ['12345.6780', 36525, 0.5, true, '2026-01-05'];
  const [duckDb, redshift] = [
    ['DECIMAL(18,4)', 'BIGINT', 'DOUBLE', 'BOOLEAN', 'DATE'],
    ['numeric', 'int8', 'float8', 'bool', 'date'],
  ].map(([a, b, c, d, e]) => linesOf(table({ a: a!, b: b!, c: c!, d: d!, e: e! }, row), { width: 100 }));
  expect(duckDb!.at(-1)).toMatch(/12,345\.68\s+36,525/);
  expect(redshift).toEqual(duckDb);
});

describe('a table without room', () => {
  test('breaks headings that are wider than their cells into lines', () => {
    const lines = linesOf(table({ average_order_value: 'BIGINT', name: 'VARCHAR' }, [1, 'abcdef']), { width: 22 });
    expect(lines).toEqual(['  average  name', '    order', '    value', '  ───────────────', '        1  abcdef']);
  });

  test('then cuts text with …, but no number and no date', () => {
    const lines = linesOf(
      table({ n: 'BIGINT', day: 'DATE', words: 'VARCHAR' }, [123_456_789, '2026-01-31', 'many words that go on']),
      { width: 40 },
    );
    expect(lines.at(-1)).toBe('  123,456,789  2026-01-31  many words t…');
  });

  test('but no id that is there to be copied', () => {
    const result = table({ id: 'ID', words: 'VARCHAR' }, ['caad0cfaefd240ed', 'many words that go on']);
    expect(linesOf(result, { width: 30 }).at(-1)).toBe('  caad0cfaefd240ed  many word…');
    expect(linesOf(result, { width: 30, isTextWrapped: true }).slice(-2)).toEqual([
      '  caad0cfaefd240ed  many words',
      '                    that go on',
    ]);
  });

  test('at last goes on below, each part led by the first two columns, which say which row it is', () => {
    const columns = { day: 'VARCHAR', name: 'VARCHAR', a: 'BIGINT', b: 'BIGINT', c: 'BIGINT' };
    const result = table(columns, ['mon', 'x', 1_000_001, 1_000_002, 1_000_003], ['tue', 'y', 4, 5, 6]);
    expect(linesOf(result, { width: 36 })).toEqual([
      '  day  name          a          b',
      '  ───────────────────────────────',
      '  mon  x     1,000,001  1,000,002',
      '  tue  y             4          5',
      '',
      '  day  name          c',
      '  ────────────────────',
      '  mon  x     1,000,003',
      '  tue  y             6',
    ]);
  });

  test('gives a column that fits beside no other a part of its own, and tells of rows not shown once', () => {
    const result = table({ day: 'DATE', name: 'VARCHAR', a: 'BIGINT', b: 'BIGINT' }, ['2026-01-31', 'x', 1e12, 2e12]);
    const lines = linesOf({ ...result, rows: [...result.rows, ...result.rows] }, { width: 24, limit: 1 });
    expect(lines.join('\n')).toMatch(/2026-01-31[\s\S]*1,000,000,000,000[\s\S]*2,000,000,000,000\n… 1 more rows/);
    expect(widest(lines)).toBeLessThanOrEqual(24);
  });

  test.each([40, 60, 80, 100, 140])('never overflows %i columns', (width) => {
    const columns = Array.from({ length: 12 }, (_, index) => [`a_long_column_name_${index}`, 'VARCHAR'] as const);
    const row = columns.map((_, index) => 'ü漢'.repeat(index));
    const lines = linesOf(table(Object.fromEntries(columns), row), { width });
    const cells = (line: string) => line.length + [...line].filter((character) => character === '漢').length;
    expect(Math.max(...lines.map(cells))).toBeLessThanOrEqual(width);
  });

  test('breaks text into lines instead where it is to be read whole', () => {
    const lines = linesOf(table({ question: 'VARCHAR' }, ['who are the best customers']), {
      width: 20,
      isTextWrapped: true,
    });
    expect(lines.slice(2)).toEqual(['  who are the best', '  customers']);
  });
});

describe('a long line', () => {
  test('is broken between words and indented', () => {
    expect(wrapped('one two three four', 4, 13)).toBe('one two\n    three\n    four');
  });
});
