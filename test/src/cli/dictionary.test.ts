/** The data dictionary leaves nothing out, and gives every column a meaning. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Dataset, datasets, rawColumnsOf } from '../../../src/contracts/index.ts';
import { dataDictionary } from '../../../src/domain/reports/data-dictionary.ts';
import { c360 } from '../../support/c360.ts';
import { contracts } from '../../support/sample-records.ts';
import { listSql, readSql } from '../../support/sql-engines.ts';

const folder = mkdtempSync(join(tmpdir(), 'c360-dictionary-'));
let page: string;

beforeAll(async () => {
  page = (await c360(['dictionary', '--data-dir', join(folder, 'data')])).stdout;
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The text below a heading, up to the next. */
const section = (heading: string): string => page.split(`\n${heading}\n`)[1]?.split(/\n#+ /)[0] ?? '';

test.each(contracts.map((contract) => [contract.id, contract] as const))(
  'has each field of %s with its rule',
  (id, contract) => {
    const text = section(`### ${contract.title} (\`${id}\`)`);
    for (const { property, privacy } of contract.leaves) {
      expect(text).toMatch(new RegExp(`^\\| \`${property}\` \\|.*\\| ${privacy} \\| .+ \\|$`, 'm'));
    }
  },
);

test.each(datasets)('has each column of clean %s', (dataset: Dataset) => {
  const text = section(`### clean.${dataset}`);
  for (const { name, type } of rawColumnsOf(dataset)) expect(text).toContain(`\n| \`${name}\` | ${type} | `);
  expect(text).toMatch(/^- key: `/m);
});

test.each(listSql('models/curated').map((path) => /(\w+)\.sql$/.exec(path)![1]!))(
  'has the columns of %s as they stand in the DDL',
  (table) => {
    const ddl = listSql('ddl').map(readSql).join('\n');
    const [, body] = new RegExp(`create table if not exists ${table} \\(\n([\\s\\S]*?)\n\\);`).exec(ddl)!;
    const lines = body!.split('\n').map((line) => line.trim());
    const declared = lines.filter((line) => !line.startsWith('primary key')).map((line) => line.split(' ')[0]);
    const rows = [...section(`### curated.${table}`).matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(rows).toEqual(declared);
  },
);

test.each(listSql('queries'))('has the question and each definition of %s', (path) => {
  const text = readSql(path);
  const [, title] = /^-- title: (.*)$/m.exec(text)!;
  const [, number, name] = /(\d+)_(\w+)\.sql$/.exec(path)!;
  const answer = section(`### ${Number(number)} ${title} (\`${name}\`)`);
  expect(answer).toContain(/^-- question: (.*)$/m.exec(text)![1]!);
  const definitions = text.slice(text.indexOf('-- definitions: '), text.search(/^[^-]/m));
  expect(answer.match(/^- /gm)).toHaveLength(1 + definitions.split(/;\s/).length);
});

test('gives every column a meaning', () => {
  expect(page.match(/^\| `\w+` \|.*\| +\|$/gm)).toBeNull();
});

test('takes the meaning of a column from where it comes from, unless it has one of its own', () => {
  const column = (name: string, description = '') => ({ name, type: 'VARCHAR' as const, description });
  const header = (inputs: string[]) => ({ grain: 'One row', inputs, key: ['a'] });
  const text = dataDictionary({
    contracts: '# Contracts\n',
    tables: [
      { table: 'clean.one', header: header([]), columns: [column('a', 'the first'), column('b', 'the second')] },
      { table: 'curated.two', header: header(['curated.two', 'clean.one']), columns: [column('a')] },
      { table: 'curated.three', header: header(['curated.two']), columns: [column('a'), column('b', 'another')] },
    ],
    queries: [],
  });
  const three = text.slice(text.indexOf('### curated.three'));
  expect(three).toMatch(/`a` \| VARCHAR \| the first \|\n\| `b` \| VARCHAR \| another \|/);
});

test('goes to a file where one is named, and needs no data directory', async () => {
  const out = join(folder, 'dictionary.md');
  const { code, stdout } = await c360(['dictionary', '--out', out, '--data-dir', join(folder, 'data')]);
  expect([code, stdout, existsSync(join(folder, 'data'))]).toEqual([0, '', false]);
  expect(readFileSync(out, 'utf8')).toBe(page);
});
