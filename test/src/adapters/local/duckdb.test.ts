/** DuckDB as engine and as warehouse, in a directory. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DirectoryObjectStore } from '../../../../src/adapters/local/directory-object-store.ts';
import { DuckDbEngine } from '../../../../src/adapters/local/duckdb-engine.ts';
import { DuckDbWarehouse } from '../../../../src/adapters/local/duckdb-warehouse.ts';
import { SqlDirectory } from '../../../../src/adapters/sql-directory.ts';
import { EngineError, type SqlFiles } from '../../../../src/ports.ts';
import { type EngineUnderTest, modelEngineContract } from '../../../contracts/model-engine.ts';
import { warehouseContract } from '../../../contracts/warehouse.ts';
import { repositoryRoot } from '../../../support/c360.ts';
import { temporaryDirectories } from '../../../support/local-stores.ts';
import { parquetRows } from '../../../support/parquet-rows.ts';
import { openDuckDb } from '../../../support/sql-engines.ts';

const directory = temporaryDirectories();
const sql = new SqlDirectory(join(repositoryRoot, 'sql'));

warehouseContract('DuckDbWarehouse', async () => {
  const objects = new DirectoryObjectStore(directory());
  return {
    warehouse: new DuckDbWarehouse({ directory: directory(), objects, sql, temporaryDirectory: directory() }),
    parquet: async (name, rows) => {
      await objects.put(`curated/${name}.parquet`, Buffer.from(''));
      const engine = await openDuckDb();
      await engine.run(`copy (${rows}) to '${objects.uri(`curated/${name}.parquet`)}' (format parquet)`);
      await engine.close();
      return { key: `curated/${name}.parquet`, bytes: 1, rows: 1 };
    },
    close: async () => {},
  };
});

describe('a query of a DuckDB file', () => {
  const insert = "insert into staging_changed_partitions values (date '2026-01-01')";
  const newWarehouse = () =>
    new DuckDbWarehouse({
      directory: directory(),
      objects: new DirectoryObjectStore(directory()),
      sql,
      temporaryDirectory: directory(),
    });

  test('is one SELECT at a time', async () => {
    const warehouse = newWarehouse();
    for (const text of ['select 1; select 2', 'selec 1', '']) {
      await expect(warehouse.query(text)).rejects.toThrow(EngineError);
    }
  });

  test('changes nothing', async () => {
    const warehouse = newWarehouse();
    await expect(warehouse.query(insert)).rejects.toThrow(/read only/);
    await warehouse.transaction([]);
    await expect(warehouse.query(insert)).rejects.toThrow(/read only/);
    expect((await warehouse.query('select count(*) from staging_changed_partitions')).rows).toEqual([[0]]);
  });
});

describe.each([
  ['DuckDbEngine', undefined],
  ['DuckDbEngine, a date at a time,', 1],
])('%s', (name, spanRows) => modelEngineContract(name, (models) => engineUnderTest(models, spanRows)));

async function engineUnderTest(models: Record<string, string>, spanRows: number | undefined): Promise<EngineUnderTest> {
  const objects = new DirectoryObjectStore(directory());
  const texts: SqlFiles = { read: (path) => models[path] ?? sql.read(path), list: (folder) => sql.list(folder) };
  return {
    engine: new DuckDbEngine({ objects, sql: texts, temporaryDirectory: join(directory(), 'tmp'), spanRows }),
    objects,
    read: (files) => parquetRows(files.map(({ key }) => objects.uri(key))),
    close: async () => {},
  };
}

describe('an older file of DuckDB', () => {
  /** Warehouses of one directory, each with the files of `sql/` and these. */
  const warehouses = () => {
    const given = {
      directory: directory(),
      objects: new DirectoryObjectStore(directory()),
      temporaryDirectory: directory(),
    };
    return (more: Record<string, string>) => {
      const list = (folder: string) => [
        ...sql.list(folder),
        ...Object.keys(more).filter((path) => path.startsWith(folder)),
      ];
      const texts: SqlFiles = { read: (path) => more[path] ?? sql.read(path), list };
      return new DuckDbWarehouse({ ...given, sql: texts });
    };
  };
  const insert = { sql: "insert into dim_channel values ('web', 'Web', 'online', true)", what: 'insert' };

  test('gets a column that was added since with the next load, once, and keeps its rows', async () => {
    const at = warehouses();
    await at({}).transaction([insert]);
    const newer = at({ 'ddl/900_rank.sql': 'alter table dim_channel add column channel_rank bigint;' });
    for (const _ of [1, 2]) await newer.transaction([]);
    expect((await newer.query('select * from dim_channel')).rows).toEqual([['web', 'Web', 'online', true, null]]);
    const applied = "select count(*) from schema_migrations where file = 'ddl/900_rank.sql'";
    expect((await newer.query(applied)).rows).toEqual([[1]]);
  });

  test('stays as it is where a file that made it was changed', async () => {
    const at = warehouses();
    await at({}).transaction([insert]);
    const path = 'ddl/010_dimensions.sql';
    const changed = at({ [path]: sql.read(path).replace('channel_name varchar(32)', 'channel_name varchar(64)') });
    await expect(changed.transaction([insert])).rejects.toThrow(
      /^sql\/ddl\/010_dimensions\.sql: a file that has been applied/,
    );
    expect((await changed.query('select count(*) from dim_channel')).rows).toEqual([[1]]);
  });
});

describe('values of DuckDB', () => {
  const answerTo = async (expression: string) => {
    const objects = new DirectoryObjectStore(directory());
    const warehouse = new DuckDbWarehouse({ directory: directory(), objects, sql, temporaryDirectory: directory() });
    return (await warehouse.query(`select ${expression} as value`)).rows[0]![0];
  };

  test.each([
    ['[1, 2]', '[1,2]'],
    ["{'price': cast(1.5 as decimal(18, 4))}", '{"price":"1.5000"}'],
    ["map {'a': 1}", '[{"key":"a","value":1}]'],
    ["interval '1 month 2 days 3 hours'", '1 month 2 days 03:00:00'],
    ["timestamptz '2026-01-01 00:00:00+00'", '2026-01-01T00:00:00Z'],
    ["timestamp 'infinity'", 'infinity'],
    ['cast(9007199254740993 as hugeint)', '9007199254740993'],
  ])('%s comes as text that can be read', async (expression, text) => {
    expect(await answerTo(expression)).toBe(text);
  });
});

describe('a DuckDB warehouse file', () => {
  test('is not made by a query', async () => {
    const folder = directory();
    const objects = new DirectoryObjectStore(directory());
    const warehouse = new DuckDbWarehouse({ directory: folder, objects, sql, temporaryDirectory: directory() });
    expect((await warehouse.query('select count(*) from fact_sales')).rows).toEqual([[0]]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is opened by other processes while a load runs, since the load works on a copy', async () => {
    const objects = new DirectoryObjectStore(directory());
    const folder = directory();
    const [writer, reader] = [1, 2].map(
      () => new DuckDbWarehouse({ directory: folder, objects, sql, temporaryDirectory: directory() }),
    );
    await writer!.transaction([]);
    const dates = Array.from({ length: 500 }, (_, day) => `(date '2026-01-01' + ${day})`).join(', ');
    const load = writer!.transaction([
      { sql: `insert into staging_changed_partitions values ${dates}`, what: 'dates' },
    ]);
    const seen = new Set<unknown>();
    let isLoading = true;
    const loaded = load.then(() => {
      isLoading = false;
    });
    while (isLoading) seen.add((await reader!.query('select count(*) from staging_changed_partitions')).rows[0]![0]);
    await loaded;
    seen.add((await reader!.query('select count(*) from staging_changed_partitions')).rows[0]![0]);
    expect([...seen].sort()).toEqual([0, 500]);
  });
});
