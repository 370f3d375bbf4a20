/**
 * The warehouse's migration, over PostgreSQL, which stands for Redshift's lineage: a file is applied once and recorded, an
 * upgrade keeps the rows, and a file that changed is applied again or refused.
 */
import { join } from 'node:path';
import { SqlDirectory } from '../../../src/adapters/sql-directory.ts';
import { maintainWarehouse } from '../../../src/flows/maintain-warehouse.ts';
import { migrateWarehouse } from '../../../src/flows/migrate-warehouse.ts';
import type { SqlFiles } from '../../../src/ports.ts';
import { repositoryRoot } from '../../support/c360.ts';
import { openPGlite, type SqlEngine } from '../../support/sql-engines.ts';
import { type WatchedWarehouse, warehouseOver } from '../../support/warehouse-over.ts';

const shipped = new SqlDirectory(join(repositoryRoot, 'sql'));
const clock = { now: () => new Date('2026-03-01T04:05:06.789Z') };
const ownTable = 'ddl/000_migrations.sql';
const table = 'create table if not exists dim_shade (\n  shade varchar(16) not null -- Its name\n);';
const view = 'create or replace view shades as select shade from dim_shade;';

let engine: SqlEngine;
let warehouse: WatchedWarehouse;
beforeAll(async () => {
  engine = await openPGlite();
});
afterAll(() => engine.close());
beforeEach(async () => {
  await engine.run('drop schema public cascade; create schema public');
  warehouse = warehouseOver(engine);
});

/** `sql/` with these files alone, and the table of migrations. */
const only = (files: Record<string, string>): SqlFiles => {
  const all: Record<string, string> = {
    [ownTable]: shipped.read(ownTable),
    'maintenance/physical_design.sql': '',
    ...files,
  };
  return {
    read: (path) => all[path]!,
    list: (folder) =>
      Object.keys(all)
        .filter((path) => path.startsWith(`${folder}/`))
        .sort(),
  };
};

const migrate = (sql: SqlFiles) => migrateWarehouse({ warehouse, sql, clock })();
const rows = async (select: string) => (await engine.select(select)).rows;
const names = (files: string) =>
  rows(`select column_name from information_schema.columns where table_name = '${files}' order by ordinal_position`);

describe('an empty warehouse', () => {
  test('gets every file in order, each with its record in one transaction; what cannot be in one stands alone', async () => {
    const { applied } = await migrate(shipped);
    expect(applied).toEqual([
      ...shipped.list('ddl'),
      'access/010_roles.sql',
      'access/020_grants.sql',
      'maintenance/physical_design.sql',
    ]);
    expect(await rows('select file, applied_at from schema_migrations order by applied_at, file')).toEqual(
      [...applied].sort().map((file) => [file, '2026-03-01 04:05:06']),
    );
    expect(await rows('select count(*) from fact_sales')).toEqual([['0']]);
    const { ran } = warehouse;
    const roles = ran.indexOf('create role c360_reader');
    expect(ran[roles - 1]).toBe('begin');
    expect(ran[roles + 3]).toBe("delete from schema_migrations where file = 'access/010_roles.sql'");
    expect(ran[roles + 4]).toMatch(
      /^insert into schema_migrations .*'access\/010_roles\.sql', '[0-9a-f]{64}', timestamp/,
    );
    expect(ran[roles + 5]).toBe('commit');
    const design = ran.indexOf('alter table dim_customer alter diststyle all');
    expect(ran[design - 1]).toBe('commit');
    expect(ran.slice(design).indexOf('begin')).toBe(15);
  });

  test('that is brought up to date again gets nothing, and neither do other comments and line breaks', async () => {
    await migrate(only({ 'ddl/010.sql': table }));
    expect(
      await migrate(
        only({ 'ddl/010.sql': `-- New.\n${table.replace('Its name', 'As painters say').replace('(\n  ', '( ')}` }),
      ),
    ).toEqual({
      applied: [],
    });
  });
});

describe('an upgrade', () => {
  const first = { 'ddl/010.sql': table, 'ddl/020.sql': view };

  test('applies a new file once, and keeps the rows', async () => {
    await migrate(only(first));
    await engine.run("insert into dim_shade values ('teal')");
    const second = only({ ...first, 'ddl/030.sql': 'alter table dim_shade add column warmth bigint; -- 1 to 9' });
    expect(await migrate(second)).toEqual({ applied: ['ddl/030.sql'] });
    expect(await migrate(second)).toEqual({ applied: [] });
    expect(await rows('select shade, warmth from dim_shade')).toEqual([['teal', null]]);
  });

  test('applies a view again that has changed', async () => {
    await migrate(only(first));
    const changed = only({
      ...first,
      'ddl/020.sql': 'create or replace view shades as\nselect shade, 1 as n from dim_shade;',
    });
    expect(await migrate(changed)).toEqual({ applied: ['ddl/020.sql'] });
    expect(await names('shades')).toEqual([['shade'], ['n']]);
    expect(await rows("select count(*) from schema_migrations where file = 'ddl/020.sql'")).toEqual([['1']]);
  });

  test('refuses a table that was changed in place, says what to do, and changes nothing', async () => {
    await migrate(only(first));
    const changed = only({
      ...first,
      'ddl/010.sql': table.replace('16', '32'),
      'ddl/030.sql': 'create table if not exists t (a bigint);',
    });
    await expect(migrate(changed)).rejects.toThrow(
      'sql/ddl/010.sql: a file that has been applied may not change, but its statements are others than on that day; ' +
        'take them back, and write the change into a new file behind it, such as `alter table … add column …`',
    );
    expect(await names('t')).toEqual([]);
  });

  test('whose file fails midway names file and statement, keeps the files before it and nothing of it, and goes on from there', async () => {
    const broken = {
      ...first,
      'ddl/030.sql': 'create table if not exists t (a bigint);\ninsert into missing values (1);',
    };
    await expect(migrate(only(broken))).rejects.toThrow(/^sql\/ddl\/030\.sql, statement 2: /);
    expect([await names('t'), await names('shades')]).toEqual([[], [['shade']]]);
    const repaired = only({ ...first, 'ddl/030.sql': 'create table if not exists t (a bigint);' });
    expect(await migrate(repaired)).toEqual({ applied: ['ddl/030.sql', 'maintenance/physical_design.sql'] });
  });
});

test('a file whose name could be more than a name is refused', async () => {
  await expect(migrate(only({ "ddl/0'10.sql": table }))).rejects.toThrow(
    "sql/ddl/0'10.sql: a name has letters, digits, dots and _ alone",
  );
});

test('upkeep vacuums every table and then analyzes it, each statement by itself', async () => {
  expect(await maintainWarehouse({ warehouse, sql: shipped })()).toEqual({ statements: 16 });
  expect(warehouse.ran.map((sql) => sql.split(' ')[0])).toEqual([
    ...Array(8).fill('vacuum'),
    ...Array(8).fill('analyze'),
  ]);
  expect(warehouse.ran[0]).toBe('vacuum fact_event');
});
