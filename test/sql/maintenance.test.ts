/** Maintenance keeps to a few forms of statements, and reaches the tables and columns of the DDL, all of them. */
import { parseDdl } from '../../src/domain/lake/model-header.ts';
import { insertSample, sampleWarehouse } from '../support/sample-warehouse.ts';
import { createWarehouse, listSql, openDuckDb, openPGlite, readSql, type SqlEngine } from '../support/sql-engines.ts';
import { closeLint, lintSql } from '../support/sql-lint.ts';

afterAll(closeLint);

/** Columns by table; what loads keep for themselves lies where it falls. */
const ddl = new Map(
  [...parseDdl(listSql('ddl').map(readSql))]
    .filter(
      ([table]) => !['load_state', 'load_turn', 'staging_changed_partitions', 'schema_migrations'].includes(table),
    )
    .map(([table, columns]) => [table, columns.map(({ name }) => name)]),
);

/** What a statement may look like; SELECTs are held to the queries' subset. */
const forms = [
  /^alter table (?<table>\w+) alter diststyle (?:all|even)$/,
  /^alter table (?<table>\w+) alter diststyle key distkey (?<columns>\w+)$/,
  /^alter table (?<table>\w+) alter compound sortkey \((?<columns>\w+(?:, \w+)*)\)$/,
  /^vacuum (?<table>\w+)$/,
  /^analyze (?<table>\w+)$/,
];

const statementsOf = (text: string): string[] =>
  text
    .replaceAll(/^--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter(Boolean);

/** What is wrong with a statement that is no SELECT. */
function problem(statement: string): string | undefined {
  const parts = forms.map((form) => form.exec(statement)?.groups).find(Boolean);
  if (!parts) return `not one of the forms: ${statement}`;
  const columns = ddl.get(parts.table!);
  if (!columns) return `no table of the DDL: ${statement}`;
  const unknown = (parts.columns?.split(', ') ?? []).filter((column) => !columns.includes(column));
  return unknown.length > 0 ? `no column of ${parts.table}: ${unknown.join(', ')}` : undefined;
}

const isSelect = (statement: string): boolean => statement.startsWith('select');

describe.each(listSql('maintenance'))('%s', (path) => {
  const statements = statementsOf(readSql(path));

  test('says when it runs', () => expect(readSql(path)).toMatch(/^(--.*\n)*-- .*\bruns (?:after|daily|weekly)\b/i));

  test('has statements of the known forms over tables and columns that there are', async () => {
    expect(statements.length).toBeGreaterThan(0);
    expect(
      statements
        .filter((statement) => !isSelect(statement))
        .map(problem)
        .filter(Boolean),
    ).toEqual([]);
    for (const select of statements.filter(isSelect)) {
      expect((await lintSql(path, select, 'query')).map(({ message }) => message)).toEqual([]);
    }
  });
});

test.each([
  ['truncate table fact_sales', /^not one of the forms/],
  ['alter table fact_sales add column a bigint', /^not one of the forms/],
  ['vacuum', /^not one of the forms/],
  ['analyze fact_sale', /^no table of the DDL/],
  ['alter table fact_sales alter diststyle key distkey occurred_on', /^no column of fact_sales: occurred_on$/],
  ['alter table fact_event alter compound sortkey (occurred_on, ordered_on)', /^no column of fact_event: ordered_on$/],
])('%s is refused', (statement, message) => expect(problem(statement)).toMatch(message));

test.each([
  ['a distribution', 'physical_design', /alter diststyle/],
  ['its turn to be vacuumed', 'vacuum', /^vacuum/],
  ['its turn to be analyzed', 'analyze', /^analyze/],
])('every table has %s', (_what, name, form) => {
  const named = statementsOf(readSql(`maintenance/${name}.sql`))
    .filter((statement) => form.test(statement))
    .map((statement) => /^(?:alter table|vacuum|analyze) (\w+)/.exec(statement)![1]);
  expect(named.sort()).toEqual([...ddl.keys()].sort());
});

describe('on both engines alike', () => {
  const tables = sampleWarehouse(1);
  const engines: SqlEngine[] = [];

  beforeAll(async () => {
    engines.push(await openDuckDb(), await openPGlite());
    for (const engine of engines) {
      await createWarehouse(engine);
      await insertSample(engine, tables);
    }
  });
  afterAll(async () => {
    for (const engine of engines) await engine.close();
  });

  /** Table and row count of each row. */
  async function counted(path: string): Promise<unknown[]> {
    const [duckdb, pglite] = await Promise.all(engines.map((engine) => engine.select(readSql(path))));
    expect(duckdb!.rows).toEqual(pglite!.rows);
    return duckdb!.rows.map(([table, rows]) => [table, rows]);
  }

  test('health_rows.sql counts the rows of every table', async () => {
    const expected = [...ddl.keys()].sort().map((table) => [table, String(tables[table]?.length ?? 0)]);
    expect(await counted('maintenance/health_rows.sql')).toEqual(expected);
  });
});
