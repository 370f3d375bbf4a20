/** What every engine promises: the same plan gives the same files' rows, and what cannot be right is refused. */
import { gzipSync } from 'node:zlib';
import type { Column } from '../../src/contracts/index.ts';
import type { CompiledChecks, FileInput, ModelPlan, RunPlan, WrittenFile } from '../../src/domain/lake/run-plan.ts';
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

    test('makes each date of its own records, and reads published files of these dates only, where the input tells the day', async () => {
      const [published] = (await run(plan('models/older.sql', { isPartitioned: true }))).models;
      const { models } = await run(byDay(published!.files));
      expect(models[0]!.touched).toEqual(['2026-01-01', '2026-01-02']);
      expect((await made.read(models[0]!.files)).map(([id]) => id)).toEqual(['1', '2', '90']);
    });

    test('writes only the dates that the plan names, also those without a record, where it is told to', async () => {
      const again = byDay([]);
      again.output.onlyTouched = true;
      const { models } = await run({ ...again, touched: { dates: ['2026-01-02', '2026-01-03'] } });
      expect(models[0]!.touched).toEqual(['2026-01-02', '2026-01-03']);
      expect((await made.read(models[0]!.files)).map(([id]) => id)).toEqual(['2']);
    });

    test('makes nothing of an input without records that tells the day', async () => {
      const empty = byDay([]);
      empty.inputs.raw_sales = { ...(empty.inputs.raw_sales as FileInput), files: [] };
      expect((await run(empty)).models[0]).toMatchObject({ rows: 0, files: [], touched: [] });
    });

    test('refuses a record without a day', async () => {
      const key = 'raw/sales/dt=2026-11-21/hour=08/undated.jsonl.gz';
      await made.objects.put(key, jsonLines({ sale_no: 3 }));
      const undated = byDay([]);
      undated.inputs.raw_sales = { ...(undated.inputs.raw_sales as FileInput), files: [{ key, partition: null }] };
      await expect(run(undated)).rejects.toThrow(new EngineError('clean.sales: day must not be null'));
    });

    test('refuses a row without a partition', async () => {
      await expect(run(plan('models/undated.sql', { isPartitioned: true }))).rejects.toThrow(
        new EngineError('clean.sales: sold_on must not be null'),
      );
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

    test('measures checks over the rows that it made, their counts and the inputs', async () => {
      const checked = { ...plan('models/copy.sql'), counts: 'models/counts.sql' };
      checked.checks = checksOf({
        no_gift: 'select count(*) as judged_rows, sum(case when is_gift then 1 else 0 end) as no_gift from result',
        all_kept:
          'select 2 as judged_rows, raw_rows - kept_rows as all_kept from counts cross join (select 1 as one) as one',
      });
      expect((await run(checked)).models[0]!.checks).toEqual([
        { name: 'no_gift', rows: 2, failures: 1 },
        { name: 'all_kept', rows: 2, failures: 0 },
      ]);
    });

    test('tells which check cannot run, without a value of the data, and what the others found', async () => {
      const checked = plan('models/copy.sql');
      const sound = 'select count(*) as judged_rows, count(*) as sound from result';
      const casting = 'select 1 as judged_rows, max(cast(word as bigint)) as casting from raw_sales';
      checked.checks = checksOf({ sound, casting, silent: 'select 1 as judged_rows, null as silent' });
      const { checks } = (await run(checked)).models[0]!;
      expect(checks).toEqual([
        { name: 'sound', rows: 2, failures: 2 },
        { name: 'casting', error: expect.stringMatching(/^clean\.sales: /) },
        { name: 'silent', error: 'clean.sales: silent gives no number' },
      ]);
      expect(JSON.stringify(checks)).not.toContain('secret-value');
    });

    test('writes down the rows that a broken check refuses', async () => {
      const checked = plan('models/copy.sql');
      checked.checks = {
        ...checksOf({ no_gift: 'select 2 as judged_rows, 1 as no_gift', quiet: 'select 2 as judged_rows, 0 as quiet' }),
        refused: {
          no_gift: 'select sale_no, 0 as redrive_count from result where is_gift',
          quiet: 'select sale_no, 0 as redrive_count from result',
        },
      };
      const { refused } = (await run(checked)).models[0]!;
      expect(refused).toEqual({ key: 'plans/r1/refused/clean.sales.jsonl', rows: { no_gift: 1 } });
      const text = Buffer.from((await made.objects.get(refused!.key))!).toString();
      expect(JSON.parse(text)).toEqual({ check_name: 'no_gift', sale_no: 1, redrive_count: 0 });
    });

    test('leaves out the records that exclusions name by origin and by how often they came back', async () => {
      const key = 'raw/sales/dt=2026-11-21/hour=09/a.jsonl.gz';
      const from = (line: number, rest: object) => ({ ...newLines[0]!, source_file: 'f', source_line: line, ...rest });
      await made.objects.put(
        key,
        jsonLines(from(1, { sale_no: 1 }), from(2, { sale_no: 2 }), from(1, { sale_no: 3, redrive_count: 1 })),
      );
      const excluded = [
        { source_file: 'f', source_line: 1, redrive_count: 0 },
        { source_file: 'g', source_line: 2, redrive_count: 0 },
        { source_shard: 's', source_sequence: '2', redrive_count: 0 },
      ];
      await made.objects.put(
        'exclusions/r0.1.jsonl',
        Buffer.from(excluded.map((line) => `${JSON.stringify(line)}\n`).join('')),
      );
      const without = plan('models/copy.sql');
      without.inputs.raw_sales = {
        format: 'jsonl',
        files: [{ key, partition: null }],
        columns: [
          ...rawColumns,
          column('source_file', 'VARCHAR'),
          column('source_line', 'BIGINT'),
          column('redrive_count', 'BIGINT'),
        ],
        without: { files: ['exclusions/r0.1.jsonl'], origin: ['source_file', 'source_line'] },
      };
      const { models } = await run(without);
      expect((await made.read(models[0]!.files)).map(([id]) => id)).toEqual(['2', '3']);
    });

    test('refuses a column whose type is not the declared one', async () => {
      await expect(run(plan('models/wrong-type.sql'))).rejects.toThrow(
        new EngineError('clean.sales: amount must be DECIMAL(18,4), got DOUBLE. Cast it in sql/models/wrong-type.sql'),
      );
    });

    test('names the model that fails, and what is wrong with its SQL', async () => {
      await expect(run(plan('models/unknown-column.sql'))).rejects.toThrow(/^clean\.sales: .*no_such_column/);
    });

    test('says what is wrong with SQL that it cannot read', async () => {
      await expect(run(plan('models/unreadable.sql'))).rejects.toThrow(/^clean\.sales: .*\btwo\b/);
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

/** Checks that each have a SELECT; together they are one that joins these. */
const checksOf = (each: Record<string, string>): CompiledChecks => {
  const names = Object.keys(each);
  const parts = names.map((name) => `(${each[name]}) as of_${name}`);
  const counts = names.map((name) => `of_${name}.${name}`);
  const together = `select of_${names[0]}.judged_rows, ${counts.join(', ')} from ${parts.join(' cross join ')}`;
  return { together, each, refused: {} };
};

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
  'models/undated.sql': `select sale_no, amount, sold_at, case when sale_no = 1 then cast(sold_at as date) end as sold_on, is_gift from raw_sales`,
  'models/touched.sql': 'select distinct cast(sold_at as date) as touched_on from raw_sales',
  'models/second.sql': 'select * from clean_sales where is_gift',
  'models/counts.sql':
    'select (select count(*) from raw_sales) as raw_rows, (select count(*) from result) as kept_rows',
  'models/wrong-type.sql':
    'select sale_no, cast(amount as double) as amount, sold_at, cast(sold_at as date) as sold_on, is_gift from raw_sales',
  'models/unknown-column.sql': 'select no_such_column from raw_sales',
  'models/unreadable.sql': 'select sale_no as one two from raw_sales',
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

/** The plan of a model that is made a date at a time, of the raw records and the published files. */
function byDay(published: WrittenFile[]): ModelPlan {
  const model = plan('models/with-published.sql', { isPartitioned: true, runId: 'r2' });
  const { touched: _, ...others } = model;
  const raw = { ...(model.inputs.raw_sales as FileInput), day: 'cast(sold_at as date)' };
  const clean: FileInput = { format: 'parquet', files: published, columns, onlyTouched: true };
  return { ...others, isMadeByDate: true, inputs: { raw_sales: raw, clean_sales: clean } };
}
