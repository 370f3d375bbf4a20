/** Two makings of a table are equal where their columns, types and rows are, each row as often as it comes; else it is told how. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectories } from './local-stores.ts';
import { openDuckDb, type SqlEngine } from './sql-engines.ts';
import { tableDifferences } from './table-differences.ts';

const newDirectory = temporaryDirectories();
let duckDb: SqlEngine;

beforeAll(async () => {
  duckDb = await openDuckDb();
});
afterAll(() => duckDb.close());

/** Files of these SELECTs, each in the folder of a date. */
async function written(name: string, ...selects: string[]) {
  const paths: string[] = [];
  for (const select of selects) {
    const folder = join(newDirectory(), `dt=2026-01-${select.includes('other folder') ? '02' : '01'}`);
    mkdirSync(folder);
    paths.push(join(folder, 'a.parquet'));
    await duckDb.run(`copy (${select}) to '${paths.at(-1)}' (format parquet)`);
  }
  return { name, paths };
}

const differences = async (ones: string[], others: string[]) =>
  tableDifferences(duckDb, ['id'], await written('one', ...ones), await written('other', ...others));

const rows = (...values: string[]) => `select * from (values ${values.join(', ')}) as rows (id, word)`;
const column = (value: string) => [`select 1 as id, ${value} as found`];

test('rows may come in another order and from other files', async () => {
  const one = [rows("(1, 'a')", '(2, null)', "(3, 'c')")];
  expect(await differences(one, [rows("(3, 'c')"), rows('(2, null)', "(1, 'a')")])).toEqual([]);
  expect(await differences([], [])).toEqual([]);
});

test.each([
  ['a value', rows("(1, 'a')"), rows("(1, 'b')"), 'at id = 1: word one "a", other "b"'],
  ['NULL beside empty text', rows("(1, '')"), rows('(1, null::varchar)'), 'at id = 1: word one "", other NULL'],
  [
    'a row that is lacking',
    rows("(1, 'a')", "(2, 'b')"),
    rows("(1, 'a')"),
    'at id = 2: one has 1 rows that other has not, and lacks 0',
  ],
  [
    'a row that comes twice',
    rows("(1, 'a')"),
    rows("(1, 'a')", "(1, 'a')"),
    'at id = 1: one has 0 rows that other has not, and lacks 1',
  ],
  [
    'the folder of a row',
    rows("(1, 'a')"),
    `${rows("(1, 'a')")} -- other folder\n`,
    'at id = 1: dt one "2026-01-01", other "2026-01-02"',
  ],
])('%s is told', async (_, one, other, told) => {
  expect(await differences([one], [other])).toEqual([told]);
});

test.each([
  ['the last bit of a DOUBLE', "'0.3'::double", "'0.30000000000000004'::double"],
  ['the sign of nought', "'0.0'::double", "'-0.0'::double"],
  ['a microsecond', "timestamp '2026-01-01 00:00:00.000001'", "timestamp '2026-01-01 00:00:00.000002'"],
  ['the last place of a DECIMAL', '0.0001::decimal(18, 4)', '0.0002::decimal(18, 4)'],
])('%s is told', async (_, one, other) => {
  expect(await differences(column(one), column(other))).toEqual([expect.stringMatching(/^at id = 1: found one /)]);
});

test.each([
  ['the precision of a DECIMAL', '1::decimal(18, 4)', '1::decimal(17, 4)'],
  ['the scale of a DECIMAL', '1::decimal(18, 4)', '1::decimal(18, 3)'],
  ['whether a time has a zone', "timestamp '2026-01-01'", "timestamptz '2026-01-01'"],
  ['the unit of a time', "timestamp '2026-01-01'", "timestamp_ms '2026-01-01'"],
  ['the width of a whole number', '1::bigint', '1::integer'],
  ['a date beside a time', "date '2026-01-01'", "timestamp '2026-01-01'"],
])('%s is told', async (_, one, other) => {
  expect(await differences(column(one), column(other))).toEqual([
    expect.stringMatching(/^column 2: one found .*, other found /),
  ]);
});

test('the names, the order and the number of columns are told', async () => {
  const [one, turned, longer] = [
    'select 1 as id, 2 as word',
    'select 2 as word, 1 as id',
    'select 1 as id, 2 as word, 3 as more',
  ];
  expect(await differences([one], [turned])).toEqual([
    'column 1: one id INT32 INTEGER, other word INT32 INTEGER',
    'column 2: one word INT32 INTEGER, other id INT32 INTEGER',
  ]);
  expect(await differences([one], [longer])).toEqual(['column 3: one none, other more INT32 INTEGER']);
  expect(await differences([one], [one, longer])).toContain(
    'column 1: one id INT32 INTEGER, other 2 different schemas in the files of other',
  );
});

test('of many rows a few are told, and how many there are', async () => {
  const told = await differences(['select id from range(20) as rows (id)'], ['select id from range(10) as rows (id)']);
  expect(told.length).toBe(6);
  expect(told.at(-1)).toBe('… and at 5 other keys');
});

test('a making without files is told', async () => {
  expect(await differences(column('1'), [])).toEqual(['no files of other']);
});
