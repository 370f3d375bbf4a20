/** One text of DDL and queries runs on DuckDB and on PostgreSQL, Redshift's lineage, with equal results. */
import { SqlDirectory } from '../../src/adapters/sql-directory.ts';
import { migrateWarehouse } from '../../src/flows/migrate-warehouse.ts';
import { insertSample, sampleWarehouse } from '../support/sample-warehouse.ts';
import { createWarehouse, listSql, openDuckDb, openPGlite, readSql, type SqlEngine } from '../support/sql-engines.ts';
import { warehouseOver } from '../support/warehouse-over.ts';

const tables = sampleWarehouse(1);
let duckdb: SqlEngine;
let pglite: SqlEngine;

beforeAll(async () => {
  [duckdb, pglite] = await Promise.all([openDuckDb(), openPGlite()]);
  for (const engine of [duckdb, pglite]) await createWarehouse(engine);
  await insertSample(duckdb, tables);
  // The other way round, so that a query whose order is not fully determined gives another result.
  await insertSample(
    pglite,
    Object.fromEntries(Object.entries(tables).map(([table, rows]) => [table, rows.toReversed()])),
  );
});

afterAll(async () => {
  await duckdb.close();
  await pglite.close();
});

describe('the DDL', () => {
  test.each(['duckdb', 'pglite'])('may be migrated to again on %s, and keeps the rows', async (name) => {
    const engine = name === 'duckdb' ? duckdb : pglite;
    const env = { warehouse: warehouseOver(engine), sql: new SqlDirectory('sql'), clock: { now: () => new Date(0) } };
    expect((await migrateWarehouse(env)()).applied).toEqual(expect.arrayContaining(listSql('ddl')));
    expect(await migrateWarehouse(env)()).toEqual({ applied: [] });
    const { rows } = await engine.select('select count(*) from fact_sales');
    expect(rows).toEqual([[String(tables.fact_sales!.length)]]);
  });

  test('makes the same tables and views with the same columns on both engines', async () => {
    const columnsOf = async (engine: SqlEngine, schema: string) => {
      const { rows } = await engine.select(`
        select table_name, column_name, is_nullable, ordinal_position
        from information_schema.columns
        where table_schema = '${schema}' and table_name not like '%_current' and table_name not like 'staging%'
        order by table_name, ordinal_position`);
      return rows;
    };
    const columns = await columnsOf(duckdb, 'main');
    expect(columns.length).toBeGreaterThan(100);
    expect(columns).toEqual(await columnsOf(pglite, 'public'));
  });
});

describe.each(listSql('queries'))('%s', (path) => {
  test('opens with title, question, grain and definitions', () => {
    const header =
      /^-- title: .+\n-- question: .+\?\n-- grain: one row an? .+\n-- definitions: .+\n(-- {3}.+\n)*(?!--)/;
    expect(readSql(path)).toMatch(header);
  });

  test('gives equal results on both engines', async () => {
    const [fromDuckDb, fromPGlite] = [await duckdb.select(readSql(path)), await pglite.select(readSql(path))];
    expect(fromDuckDb.columns).toEqual(fromPGlite.columns);
    expect(fromDuckDb.rows).toEqual(fromPGlite.rows);
    expect(fromDuckDb.rows.length).toBeGreaterThan(1);
    // Else the equality would say nothing of that column.
    const empty = fromDuckDb.columns.filter((_, column) => fromDuckDb.rows.every((row) => row[column] === null));
    expect(empty).toEqual([]);
  });

  test('returns the types of the lake alone', async () => {
    const { types } = await duckdb.select(readSql(path));
    const allowed = ['VARCHAR', 'BIGINT', 'BOOLEAN', 'DATE', 'TIMESTAMP', 'DECIMAL(18,4)'];
    expect(types.filter((type) => !allowed.includes(type))).toEqual([]);
  });
});
