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

describe('a table without room', () => {
  test('breaks headings that are wider than their cells onto two lines', () => {
    const lines = linesOf(table({ average_order_value: 'BIGINT', name: 'VARCHAR' }, [1, 'abcdef']), { width: 22 });
    expect(lines).toEqual(['      average  name', '  order value', '  ───────────────────', '            1  abcdef']);
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

  test('at last leaves out columns, and says which and how to get them', () => {
    const names = Array.from({ length: 9 }, (_, index) => `number_${index}`);
    const result = table(
      Object.fromEntries(names.map((name) => [name, 'BIGINT'])),
      names.map(() => 1_000_000),
    );
    const lines = linesOf(result, { width: 60 });
    expect(widest(lines)).toBeLessThanOrEqual(60);
    expect(lines[0]).toMatch(/number 0 .*number 4$/);
    expect(lines.slice(3).join(' ')).toBe(
      '… no room for number_5, number_6, number_7, number_8 (--format csv is complete)',
    );
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
