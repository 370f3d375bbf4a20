/** Spark and DuckDB return the same of one SQL text; what would not be the same is seen. One session of Spark for all of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SqlDirectory } from '../../src/adapters/sql-directory.ts';
import { tableColumns } from '../../src/domain/lake/model-header.ts';
import { readModels } from '../../src/flows/models.ts';
import { repositoryRoot } from '../support/c360.ts';
import { answerOf, compareGolden, type GoldenTest, linesOf, parseGolden } from '../support/golden.ts';
import { type GivenView, type GoldenEngine, goldenDuckDb, goldenSpark } from '../support/golden-engines.ts';
import { preludeCalls } from '../support/prelude-calls.ts';
import { describeWithSpark, SparkSession } from '../support/spark.ts';
import type { Result } from '../support/sql-engines.ts';
import { closeLint, lintSql } from '../support/sql-lint.ts';

const directory = join(import.meta.dirname, 'models');
const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test'))
  .sort();
const { models, ddl } = readModels(new SqlDirectory(join(repositoryRoot, 'sql')));

/** Rows in one common order. */
const sorted = ({ rows }: Result): string[] => linesOf(rows).sort();

/** What a test of a model tells of types: those of the table's columns that came, and those that are declared. */
function typesOf({ query }: GoldenTest, { columns, types }: Result): { actual: string[]; declared: string[] } {
  const model = models.find(({ sql }) => sql === query);
  const declared = model ? tableColumns(model.table, model.header, ddl) : [];
  return {
    actual: declared.map(({ name }) => `${name} ${types[columns.indexOf(name)]}`),
    declared: declared.map(({ name, type }) => `${name} ${type}`),
  };
}

/** SELECTs that a model must not hold, and by which rule of the lint that is seen: else by engines that differ. */
const planted: { construct: string; rule?: string; differs: boolean; select: string }[] = [
  {
    construct: 'a division of integers',
    rule: 'integer division',
    // Redshift and PostgreSQL alone cut the fraction off.
    differs: false,
    select: 'select transaction_id, quantity / 2 as half from raw_transactions',
  },
  {
    construct: 'a fraction that becomes an integer',
    rule: 'cast of a fraction',
    differs: true,
    select: 'select transaction_id, cast(quantity / 2.0 as bigint) as half from raw_transactions',
  },
  {
    construct: 'a window that does not say where NULLs sort',
    rule: 'null order',
    differs: true,
    select: 'select transaction_id, row_number() over (order by unit_price) as cheapest_no from raw_transactions',
  },
  {
    construct: 'an order that does not say where NULLs sort',
    rule: 'null order',
    differs: true,
    select: 'select transaction_id from raw_transactions order by unit_price limit 1',
  },
  {
    construct: 'the type of a sum of DECIMALs',
    differs: true,
    select: 'select sum(amount) as amount from raw_transactions',
  },
  {
    construct: 'the type of a product of DECIMALs',
    differs: true,
    select: 'select transaction_id, unit_price * amount as amount from raw_transactions',
  },
  {
    construct: 'the scale of a quotient of DECIMALs',
    differs: true,
    select:
      'select transaction_id, cast(amount as decimal(18, 4)) / nullif(unit_price, 0) as share from raw_transactions',
  },
  {
    construct: 'a large quotient of DECIMALs under a CAST',
    differs: true,
    select: `select transaction_id, cast(cast(amount as decimal(18, 4)) / nullif(unit_price, 0) as decimal(18, 4)) as share
      from raw_transactions`,
  },
  {
    construct: 'a type with a time zone',
    rule: 'cast',
    differs: true,
    select: 'select cast(ordered_at as timestamptz) as ordered_at from raw_transactions',
  },
  {
    construct: 'the clock of the session',
    rule: 'clock',
    differs: true,
    select: 'select current_timestamp as seen_at from raw_transactions',
  },
  {
    construct: 'a time with an offset from UTC',
    differs: true,
    select: "select timestamp '2026-01-01 23:30:00+02:00' as ordered_at from raw_transactions",
  },
];

const plantedRows: GivenView = {
  view: 'raw_transactions',
  columns: ['transaction_id', 'quantity', 'unit_price', 'amount', 'ordered_at'],
  rows: [
    ['t1', '3', '3', '99999999999999.9999', '2026-01-01 23:30:00'],
    ['t2', '-1', null, '1', '2024-02-29 00:00:00'],
  ],
};

describeWithSpark('Spark', () => {
  let session: SparkSession;
  let duckdb: GoldenEngine;
  let spark: GoldenEngine;

  beforeAll(async () => {
    session = new SparkSession();
    duckdb = await goldenDuckDb();
    spark = goldenSpark(session, duckdb.views);
  });

  afterAll(async () => {
    await session.close();
    await duckdb.close();
    await closeLint();
  });

  describe.each(files)('%s', (file) => {
    for (const golden of parseGolden(readFileSync(join(directory, file), 'utf8'), file)) {
      test(golden.name, async () => {
        const result = await answerOf(spark, golden);
        const { actual, expected } = compareGolden(golden, result);
        expect(actual).toEqual(expected);
        // The columns too that the test does not name.
        expect(sorted(result)).toEqual(sorted(await answerOf(duckdb, golden)));
        const types = typesOf(golden, result);
        expect(types.actual).toEqual(types.declared);
      });
    }
  });

  describe('gives what DuckDB gives for the edge values of the function', () => {
    test.each(Object.entries(preludeCalls))('%s', async (_, select) => {
      const [fromSpark, fromDuckDb] = [
        await spark.answer({ given: [], select }),
        await duckdb.answer({ given: [], select }),
      ];
      expect(sorted(fromSpark)).toEqual(sorted(fromDuckDb));
      expect(fromSpark.columns).toEqual(fromDuckDb.columns);
      expect(fromSpark.types).toEqual(fromDuckDb.types);
    });
  });

  describe('a construct that engines do not do alike is caught:', () => {
    const outcome = (engine: GoldenEngine, select: string) =>
      engine.answer({ given: [plantedRows], select }).then(
        (result) => ({ types: result.types, rows: sorted(result) }),
        () => 'refused',
      );

    test.each(planted)('$construct', async ({ select, rule, differs }) => {
      const found = (await lintSql('planted.sql', select, 'model')).map((finding) => finding.rule);
      expect(found).toEqual(rule ? [rule] : []);
      const [fromSpark, fromDuckDb] = [await outcome(spark, select), await outcome(duckdb, select)];
      if (differs) expect(fromSpark).not.toEqual(fromDuckDb);
      else expect(fromSpark).toEqual(fromDuckDb);
    });
  });
});
