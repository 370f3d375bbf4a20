/** Two engines over lakes of their own: whatever one says or writes other than the other is told. */
import { dirname } from 'node:path';
import { DirectoryObjectStore } from '../../src/adapters/local/directory-object-store.ts';
import { DuckDbEngine } from '../../src/adapters/local/duckdb-engine.ts';
import type { Column } from '../../src/contracts/index.ts';
import type { ModelPlan, ModelResult } from '../../src/domain/lake/run-plan.ts';
import type { ModelEngine, ObjectStore } from '../../src/ports.ts';
import { temporaryDirectories } from './local-stores.ts';
import { ParityEngine, shareInputs } from './parity-engine.ts';
import { readSql } from './sql-engines.ts';

const newDirectory = temporaryDirectories();
const columns: Column[] = [
  { name: 'sale_no', type: 'BIGINT', description: '' },
  { name: 'sold_on', type: 'DATE', description: '' },
];
const model = '-- One row a sale.\n-- key: sale_no\n';
const copied = `${model}select sale_no, sold_on from raw_sales union all select sale_no, sold_on from clean_sales`;

/** What the second engine says in place of what it has done. */
type Change = (made: ModelResult, lake: ObjectStore) => Promise<ModelResult>;

/** Two engines, of which the second runs another text, or says something else of what it did. */
function bothEngines(text = copied, change: Change = async (made) => made) {
  const [objects, lake] = [new DirectoryObjectStore(newDirectory()), new DirectoryObjectStore(newDirectory())];
  shareInputs(objects, lake);
  const texts = { read: () => copied, list: () => [] };
  const engineOf = (store: ObjectStore, read: () => string) => {
    const sql = { list: () => [], read: (path: string) => (path.startsWith('prelude') ? readSql(path) : read()) };
    return new DuckDbEngine({ objects: store, sql, temporaryDirectory: newDirectory() });
  };
  const other = engineOf(lake, () => text);
  const changed: ModelEngine = {
    execute: async (plan) => {
      const result = await other.execute(plan);
      return { ...result, models: await Promise.all(result.models.map((made) => change(made, lake))) };
    },
  };
  const parity = new ParityEngine({
    first: { name: 'one', engine: engineOf(objects, () => copied), objects },
    second: { name: 'other', engine: changed, objects: lake },
    sql: texts,
  });
  return { parity, objects };
}

const texts = {
  sales: [
    { sale_no: 1, sold_on: '2026-01-01' },
    { sale_no: 2, sold_on: '2026-01-01' },
    { sale_no: 3, sold_on: '2026-01-02' },
  ],
  later: [{ sale_no: 9, sold_on: '2026-01-01' }],
};

/** Runs the model over raw lines and what was published before. */
async function run(
  { parity, objects }: ReturnType<typeof bothEngines>,
  runId: string,
  lines: keyof typeof texts,
  published: ModelResult['files'] = [],
): Promise<ModelResult> {
  const key = `raw/sales/${lines}.jsonl`;
  await objects.put(key, Buffer.from(texts[lines].map((line) => `${JSON.stringify(line)}\n`).join('')));
  const check = 'select 3 as judged_rows, 1 as odd';
  const plan: ModelPlan = {
    table: 'clean.sales',
    sql: 'sales.sql',
    inputs: {
      raw_sales: { format: 'jsonl', files: [{ key, partition: null }], columns },
      clean_sales: { format: 'parquet', files: published, columns },
    },
    checks: {
      together: check,
      each: { odd: check },
      refused: { odd: 'select sale_no, 0 as redrive_count from result where sale_no in (1, 9)' },
    },
    touched: { dates: ['2026-01-01', '2026-01-02'] },
    output: { prefix: `clean/sales/run=${runId}`, columns, partitionColumn: 'sold_on' },
  };
  return (await parity.execute({ runId, layer: 'clean', pass: 1, models: [plan] })).models[0]!;
}

test('where all is equal nothing is told', async () => {
  const both = bothEngines();
  const { files } = await run(both, 'r1', 'sales');
  both.parity.compareLists({ 'clean.sales': files });
  await both.parity.compareTables({ 'clean.sales': files });
  expect(both.parity.differences).toEqual([]);
});

test.each<[string, Change, string]>([
  [
    'touched dates',
    async (made) => ({ ...made, touched: ['2026-01-02', '2026-01-03'] }),
    'touched: one ["2026-01-01"], other ["2026-01-03"]',
  ],
  ['rows', async (made) => ({ ...made, rows: 4 }), 'rows: one 3, other 4'],
  ['counts', async (made) => ({ ...made, counts: { raw_rows: 3 } }), 'counts: one {}, other {"raw_rows":3}'],
  ['checks', async (made) => ({ ...made, checks: [] }), 'checks: one [{"name":"odd","rows":3,"failures":1}], other []'],
  [
    'the number of refused rows',
    async ({ refused: _, ...made }) => made,
    'refused: one {"key":"plans/r1/refused/clean.sales.jsonl","rows":{"odd":1}}, other undefined',
  ],
  [
    'refused rows',
    async (made, lake) => {
      await lake.put(made.refused!.key, Buffer.from('{"check_name":"odd","sale_no":2,"redrive_count":0}\n'));
      return made;
    },
    'refused rows: one ["{\\"check_name\\":\\"odd\\",\\"sale_no\\":1,\\"redrive_count\\":0}"], other ["{\\"check_name\\":\\"odd\\",\\"sale_no\\":2,\\"redrive_count\\":0}"]',
  ],
])('%s that differ are told', async (_, change, told) => {
  const both = bothEngines(copied, change);
  await run(both, 'r1', 'sales');
  expect(both.parity.differences).toEqual([`clean.sales ${told}`]);
});

test('a partition of two files, of which one is told as lying elsewhere, is told', async () => {
  const both = bothEngines(copied, async (made) => ({
    ...made,
    files: made.files.map((file) => ({ ...file, partition: '2026-01-01' })),
  }));
  await run(both, 'r1', 'sales');
  expect(both.parity.differences).toEqual([
    'clean.sales partition 2026-01-01: one {"files":1,"rows":2}, other {"files":2,"rows":3}',
    'clean.sales files in partition 2026-01-01: one 1, other 2',
    'clean.sales partition 2026-01-02: one {"files":1,"rows":1}, other undefined',
  ]);
});

test('each engine goes on with what it wrote itself', async () => {
  const both = bothEngines(copied.replace('from raw_sales', 'from raw_sales where sale_no <> 2'));
  const { files } = await run(both, 'r1', 'sales');
  both.parity.differences.length = 0;
  await run(both, 'r2', 'later', files);
  expect(both.parity.differences).toContain(
    'clean.sales at sale_no = 2: one has 1 rows that other has not, and lacks 0',
  );
});

test('what is published and only one of them has is told, by its rows and without them', async () => {
  const both = bothEngines(copied, async (made) => ({ ...made, files: made.files.slice(0, 1) }));
  const { files } = await run(both, 'r1', 'sales');
  const told = () => both.parity.differences.splice(0);
  told();
  both.parity.compareLists({ 'clean.sales': files });
  expect(told()).toEqual(['clean.sales partition 2026-01-02: one {"files":1,"rows":1}, other undefined']);
  await both.parity.compareTables({ 'clean.sales': files });
  expect(told()).toEqual(['clean.sales at sale_no = 3: one has 1 rows that other has not, and lacks 0']);
});

test('what an earlier pass of a run wrote stands for nothing once the run has written anew', async () => {
  const both = bothEngines();
  const { files } = await run(both, 'r1', 'sales');
  await run(both, 'r1', 'later');
  const dates = both.parity.counterparts(files).map(({ key }) => dirname(key));
  expect(dates).toEqual(['clean/sales/run=r1/dt=2026-01-01']);
});
