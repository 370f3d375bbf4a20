/** What every engine promises: the same plan gives the same files' rows, and what cannot be right is refused. */
import { gzipSync } from 'node:zlib';
import type { Column } from '../../src/contracts/index.ts';
import type { ModelPlan, RunPlan, WrittenFile } from '../../src/domain/lake/run-plan.ts';
import { EngineError, type ModelEngine, type ObjectStore } from '../../src/ports.ts';

export interface EngineUnderTest {
  engine: ModelEngine;
  objects: ObjectStore;
  /** The rows of Parquet files, ordered by all columns, values as text. */
  read(files: WrittenFile[]): Promise<string[][]>;
  close(): Promise<void>;
}

/** `models` are the texts that the engine's SqlFiles gives for the paths of the plan. */
export function modelEngineContract(
  name: string,
  make: (models: Record<string, string>) => Promise<EngineUnderTest>,
): void {
  describe(`${name} as a model engine`, () => {
    let made: EngineUnderTest;

    beforeEach(async () => {
      made = await make(texts);
      await made.objects.put('raw/sales/dt=2026-11-21/hour=07/a.jsonl.gz', jsonLines(...newLines));
    });
    afterEach(() => made.close());

    const run = (...models: ModelPlan[]) =>
      made.engine.execute({ runId: 'r1', layer: 'clean', pass: 1, models } satisfies RunPlan);

    test('reads raw lines with the types of their columns, exactly', async () => {
      const { models } = await run(plan('models/copy.sql'));
      expect(await made.read(models[0]!.files)).toEqual([
        ['1', '19.9900', '2026-01-01 10:00:00.123', '2026-01-01', 'true'],
        ['2', '-0.0001', '2026-01-02 00:00:00', '2026-01-02', 'NULL'],
      ]);
      expect(models[0]).toMatchObject({ table: 'clean.sales', rows: 2, touched: 'whole' });
    });

    test('writes a partition into a folder and a file of its own, and says how many rows each has', async () => {
      const { models } = await run(plan('models/copy.sql', { isPartitioned: true }));
      expect(
        models[0]!.files.map(({ key, partition, rows }) => [key.replace(/\/[^/]*$/, ''), partition, rows]),
      ).toEqual([
        ['clean/sales/run=r1/dt=2026-01-01', '2026-01-01', 1],
        ['clean/sales/run=r1/dt=2026-01-02', '2026-01-02', 1],
      ]);
      expect(models[0]!.files.every((file) => file.bytes > 0)).toBe(true);
    });

    test('finds the dates that the new rows touch and reads published files of these dates only', async () => {
      const [published] = (await run(plan('models/older.sql', { isPartitioned: true }))).models;
      const again = plan('models/with-published.sql', { isPartitioned: true, runId: 'r2' });
      again.touched = { sql: 'models/touched.sql' };
      again.inputs.clean_sales = { format: 'parquet', files: published!.files, columns, onlyTouched: true };
      const { models } = await run(again);
      expect(models[0]!.touched).toEqual(['2026-01-01', '2026-01-02']);
      // Sale 90 lies on a touched date and is read again; sale 91 lies on another and stays where it is.
      expect((await made.read(models[0]!.files)).map(([id]) => id)).toEqual(['1', '2', '90']);
    });

    test('reads files that were written before a column was declared, which is null in them', async () => {
      const [before] = (await run(plan('models/copy.sql'))).models;
      const after = plan('models/with-colour.sql', { runId: 'r2' });
      const wider = [...columns, column('colour', 'VARCHAR')];
      after.inputs.clean_sales = { format: 'parquet', files: before!.files, columns: wider };
      after.output.columns = wider;
      const [first] = (await run(after)).models;
      after.inputs.clean_sales.files = [...before!.files, ...first!.files];
      after.output.prefix = 'clean/sales/run=r3';
      const { models } = await run(after);
      expect((await made.read(models[0]!.files)).map((row) => `${row[0]} ${row.at(-1)}`).sort()).toEqual(
        ['1 NULL', '1 NULL', '1 red', '1 red', '2 NULL', '2 NULL', '2 red', '2 red'].sort(),
      );
    });

    test('gives a model what an earlier one of the plan wrote', async () => {
      const second = plan('models/second.sql', { table: 'clean.second' });
      second.inputs = { clean_sales: { writtenBy: 'clean.sales', columns } };
      const { models } = await run(plan('models/copy.sql'), second);
      expect((await made.read(models[1]!.files)).map(([id]) => id)).toEqual(['1']);
    });

    test('reads nothing where an input has no files', async () => {
      const empty = plan('models/copy.sql');
      empty.inputs.raw_sales = { format: 'jsonl', files: [], columns: rawColumns };
      expect((await run(empty)).models[0]).toMatchObject({ rows: 0, files: [] });
    });

    test('returns the counts that the model asks for', async () => {
      expect((await run({ ...plan('models/copy.sql'), counts: 'models/counts.sql' })).models[0]!.counts).toEqual({
        raw_rows: 2,
        kept_rows: 2,
      });
    });

    test('refuses a column whose type is not the declared one', async () => {
      await expect(run(plan('models/wrong-type.sql'))).rejects.toThrow(
        new EngineError('clean.sales: amount must be DECIMAL(18,4), got DOUBLE. Cast it in sql/models/wrong-type.sql'),
      );
    });

    test('names the model that fails, and what is wrong with its SQL', async () => {
      await expect(run(plan('models/unknown-column.sql'))).rejects.toThrow(/^clean\.sales: .*no_such_column/);
    });

    test('shows no value of the data in an error', async () => {
      const failing = run(plan('models/bad-cast.sql'));
      await expect(failing).rejects.toThrow(/^clean\.sales: /);
      await expect(failing).rejects.not.toThrow(/secret-value/);
    });

    test.each([
      ['an object that is no gzip', async () => Buffer.from('{"sale_no": 1}')],
      ['a gzip that was cut short', async () => jsonLines(...newLines).subarray(0, 60)],
      ['a line that is no JSON', async () => gzipSync('{"sale_no": 1, "word": "secret-value\n')],
    ])('fails on %s', async (_, body) => {
      const key = 'raw/sales/dt=2026-11-21/hour=08/broken.jsonl.gz';
      await made.objects.put(key, await body());
      const broken = plan('models/copy.sql');
      broken.inputs.raw_sales = { format: 'jsonl', files: [{ key, partition: null }], columns: rawColumns };
      const failing = run(broken);
      await expect(failing).rejects.toThrow(EngineError);
      await expect(failing).rejects.not.toThrow(/secret-value/);
    });

    test('fails on an input that vanished', async () => {
      const lost = plan('models/copy.sql');
      lost.inputs.raw_sales = {
        format: 'jsonl',
        files: [{ key: 'raw/sales/gone.jsonl.gz', partition: null }],
        columns: rawColumns,
      };
      await expect(run(lost)).rejects.toThrow(/^clean\.sales: /);
    });
  });
}

const newLines = [
  { sale_no: 1, amount: '19.9900', sold_at: '2026-01-01T10:00:00.123Z', is_gift: true, word: 'secret-value' },
  { sale_no: 2, amount: '-0.0001', sold_at: '2026-01-02T00:00:00.000Z' },
];

const jsonLines = (...lines: object[]): Uint8Array =>
  gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));

const column = (columnName: string, type: Column['type']): Column => ({ name: columnName, type, description: '' });

const rawColumns: Column[] = [
  column('sale_no', 'BIGINT'),
  column('amount', 'DECIMAL(18,4)'),
  column('sold_at', 'TIMESTAMP'),
  column('is_gift', 'BOOLEAN'),
  column('word', 'VARCHAR'),
];

const columns: Column[] = [
  column('sale_no', 'BIGINT'),
  column('amount', 'DECIMAL(18,4)'),
  column('sold_at', 'TIMESTAMP'),
  column('sold_on', 'DATE'),
  column('is_gift', 'BOOLEAN'),
];

const copy = 'select sale_no, amount, sold_at, cast(sold_at as date) as sold_on, is_gift from raw_sales';

const texts: Record<string, string> = {
  'models/copy.sql': `-- One row a sale.\n${copy};\n`,
  'models/older.sql': `select sale_no + 89 as sale_no, amount, sold_at, cast(case when sale_no = 1 then date '2026-01-01' else date '2025-12-31' end as date) as sold_on,
    is_gift from raw_sales`,
  'models/with-published.sql': `${copy} union all select sale_no, amount, sold_at, sold_on, is_gift from clean_sales`,
  'models/with-colour.sql': `select sale_no, amount, sold_at, cast(sold_at as date) as sold_on, is_gift, 'red' as colour from raw_sales
    union all select sale_no, amount, sold_at, sold_on, is_gift, colour from clean_sales`,
  'models/touched.sql': 'select distinct cast(sold_at as date) as touched_on from raw_sales',
  'models/second.sql': 'select * from clean_sales where is_gift',
  'models/counts.sql':
    'select (select count(*) from raw_sales) as raw_rows, (select count(*) from result) as kept_rows',
  'models/wrong-type.sql':
    'select sale_no, cast(amount as double) as amount, sold_at, cast(sold_at as date) as sold_on, is_gift from raw_sales',
  'models/unknown-column.sql': 'select no_such_column from raw_sales',
  'models/bad-cast.sql':
    'select cast(word as bigint) as sale_no, amount, sold_at, cast(sold_at as date) as sold_on, is_gift from raw_sales',
};

function plan(sql: string, { table = 'clean.sales', runId = 'r1', isPartitioned = false } = {}): ModelPlan {
  return {
    table,
    sql,
    inputs: {
      raw_sales: {
        format: 'jsonl',
        files: [{ key: 'raw/sales/dt=2026-11-21/hour=07/a.jsonl.gz', partition: null }],
        columns: rawColumns,
      },
    },
    ...(isPartitioned && { touched: { sql: 'models/touched.sql' } }),
    output: {
      prefix: `${table.replace('.', '/')}/run=${runId}`,
      columns,
      ...(isPartitioned && { partitionColumn: 'sold_on' }),
    },
  };
}
