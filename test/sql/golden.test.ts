/** Every model and query returns the rows that the text files in this folder (`*.test`) expect of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type GoldenTest, parseGolden, runGolden } from '../support/golden.ts';
import { type GoldenEngine, goldenDuckDb, goldenPGlite } from '../support/golden-engines.ts';
import { listSql } from '../support/sql-engines.ts';

const directory = import.meta.dirname;

/** Engines start with the first test that needs them and live as long as this file. */
const started = new Map<string, Promise<GoldenEngine>>();
const start = { duckdb: goldenDuckDb, pglite: goldenPGlite };

function engineOf(name: keyof typeof start): Promise<GoldenEngine> {
  if (!started.has(name)) started.set(name, start[name]());
  return started.get(name)!;
}

afterAll(async () => {
  for (const engine of started.values()) await (await engine).close();
});

const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test'))
  .sort();

describe.each(files)('%s', (file) => {
  let tests: GoldenTest[];
  try {
    tests = parseGolden(readFileSync(join(directory, file), 'utf8'), file);
  } catch (error) {
    test('can be read', () => {
      throw error;
    });
    return;
  }
  for (const golden of tests) {
    const engines = golden.query.startsWith('queries/') ? (['duckdb', 'pglite'] as const) : (['duckdb'] as const);
    test.each(engines)(`${golden.name} (%s)`, async (name) => {
      const { actual, expected } = await runGolden(await engineOf(name), golden);
      expect(actual).toEqual(expected);
    });
  }
});

test('every query has golden tests, and every model whose rows depend on its input', () => {
  const fixed = ['dim_date', 'dim_channel'].map((table) => `models/curated/${table}`);
  const paths = [...listSql('models/clean'), ...listSql('models/curated'), ...listSql('queries')]
    .map((path) => path.replace(/(\.counts|\.touched)?\.sql$/, ''))
    .filter((path) => !fixed.includes(path));
  expect(paths.filter((path) => !files.includes(`${path}.test`))).toEqual([]);
});

describe('a malformed test file is refused by file and line:', () => {
  const given = 'test A\ngiven fact_sales\n';
  test.each`
    text                                                      | message
    ${'given fact_sales\nline_no\n1'}                         | ${'x.test:1: expected "test <name>", got "given fact_sales"'}
    ${'# why\n\ntest A\ngiven fact_sales\nline_no\n1'}        | ${'x.test:3: test "A" has no query'}
    ${`${given}line_no | amount\n1 | 2\n3`}                   | ${'x.test:5: expected 2 cells, got 1'}
    ${`${given}\nquery queries/q.sql\n----\na`}               | ${'x.test:2: a header of column names must follow'}
    ${'test A\nselect 1'}                                     | ${'x.test:2: expected "given <view>" or "query <path>", got "select 1"'}
    ${'test A\n\nquery queries/q.sql\na\n1'}                  | ${'x.test:3: a line "----" must follow the query'}
    ${'test A\nquery queries/q.sql\n----'}                    | ${'x.test:3: a header of column names must follow'}
    ${'test A\nquery queries/q.sql\n----\na\n\ngiven t\na\n'} | ${'x.test:6: nothing may follow the expected rows, got "given t"'}
  `('$message', ({ text, message }) => {
    expect(() => parseGolden(text, 'x.test')).toThrow(message);
  });

  const query = 'query queries/02_monthly_revenue.sql\n----\n';
  test.each`
    text                                          | message
    ${`test A\ngiven nothing\na\n1\n\n${query}a`} | ${'x.test:2: there is no view nothing'}
    ${`${given}nothing\n1\n\n${query}a`}          | ${'x.test:2: fact_sales has no column nothing'}
    ${`test A\n${query}nothing`}                  | ${'x.test:1: queries/02_monthly_revenue.sql returns no column nothing'}
  `('$message', async ({ text, message }) => {
    const [golden] = parseGolden(text, 'x.test');
    await expect(runGolden(await engineOf('duckdb'), golden!)).rejects.toThrow(message);
  });
});
