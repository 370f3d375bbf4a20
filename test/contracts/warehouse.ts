/** What every warehouse promises. */
import { EngineError, type Warehouse, type WarehouseStatement } from '../../src/ports.ts';

export interface WarehouseUnderTest {
  warehouse: Warehouse;
  /** Makes a Parquet file of the SELECT's rows and returns its key. */
  parquet(name: string, select: string): Promise<{ key: string; bytes: number; rows: number }>;
  close(): Promise<void>;
}

const sql = (text: string): WarehouseStatement => ({ sql: text, what: `planted: ${text}` });

export function warehouseContract(name: string, make: () => Promise<WarehouseUnderTest>): void {
  describe(`${name} as a warehouse`, () => {
    let made: WarehouseUnderTest;
    let warehouse: Warehouse;

    beforeEach(async () => {
      made = await make();
      warehouse = made.warehouse;
    });
    afterEach(() => made.close());

    const rows = async (text: string) => (await warehouse.query(text)).rows;

    test('has the tables of the DDL from the beginning, empty', async () => {
      expect(await rows('select count(*) from fact_sales')).toEqual([[0]]);
      expect(await rows('select count(*) from load_state')).toEqual([[0]]);
    });

    test('gives values as JSON can hold them, with their columns', async () => {
      const result =
        await warehouse.query(`select cast(9 as bigint) as whole, cast('1.50' as decimal(18, 4)) as money, cast('x' as varchar(9)) as word,
        cast(0.5 as double precision) as part, 1 = 1 as flag, date '2024-02-29' as day, timestamp '2024-02-29 01:02:03.456' as moment,
        cast(null as bigint) as nothing`);
      expect(result.columns.map((column) => column.name)).toEqual([
        'whole',
        'money',
        'word',
        'part',
        'flag',
        'day',
        'moment',
        'nothing',
      ]);
      expect(result.rows).toEqual([[9, '1.5000', 'x', 0.5, true, '2024-02-29', '2024-02-29T01:02:03.456Z', null]]);
    });

    test('runs statements in order', async () => {
      await warehouse.transaction([
        sql("insert into staging_changed_partitions values (date '2026-01-01'), (date '2026-01-02')"),
        sql("delete from staging_changed_partitions where partition_on < date '2026-01-02'"),
      ]);
      expect(await rows('select partition_on from staging_changed_partitions')).toEqual([['2026-01-02']]);
    });

    test('keeps nothing of a transaction in which one statement fails, and names that statement', async () => {
      const failing = warehouse.transaction([
        sql("insert into staging_changed_partitions values (date '2026-01-01')"),
        sql('insert into no_such_table values (1)'),
      ]);
      await expect(failing).rejects.toThrow(EngineError);
      await expect(failing).rejects.toThrow(/planted: insert into no_such_table/);
      expect(await rows('select count(*) from staging_changed_partitions')).toEqual([[0]]);
    });

    /** As a caller does whose transaction takes longer than one call. */
    async function advance(id: string, statements: WarehouseStatement[]): Promise<void> {
      for (let calls = 0; calls < 100; calls += 1) {
        if ((await warehouse.advance(id, statements)) === 'committed') return;
      }
      throw new Error('it has no end');
    }

    test('runs a transaction that goes on behind its call once and in order, and shows it when it is committed', async () => {
      const before = await rows('select count(*) from staging_changed_partitions');
      await advance('a', [
        sql("insert into staging_changed_partitions values (date '2026-01-01'), (date '2026-01-02')"),
        sql('create temp table planted as select max(partition_on) as latest_on from staging_changed_partitions'),
        sql('delete from staging_changed_partitions where partition_on < (select latest_on from planted)'),
      ]);
      await advance('b', [sql("insert into staging_changed_partitions values (date '2026-01-03')")]);
      expect([before, await rows('select partition_on from staging_changed_partitions order by 1')]).toEqual([
        [[0]],
        [['2026-01-02'], ['2026-01-03']],
      ]);
    });

    test('keeps nothing of one that goes on behind its call in which one statement fails, and names that statement', async () => {
      const failing = advance('a', [
        sql("insert into staging_changed_partitions values (date '2026-01-01')"),
        sql('insert into no_such_table values (1)'),
      ]);
      await expect(failing).rejects.toThrow(EngineError);
      await expect(failing).rejects.toThrow(/planted: insert into no_such_table/);
      expect(await rows('select count(*) from staging_changed_partitions')).toEqual([[0]]);
    });

    test('shows no value of the data in an error', async () => {
      const failing = warehouse.transaction([
        { sql: "select cast('secret-value' as bigint) as whole", what: 'a cast' },
      ]);
      await expect(failing).rejects.toThrow(/^a cast: /);
      await expect(failing).rejects.not.toThrow(/secret-value/);
    });

    test('copies Parquet files by the position of their columns', async () => {
      const files = [
        await made.parquet('one', "select 'web' as a, 'Web' as b, 'online' as c, true as d"),
        await made.parquet('two', "select 'store' as a, 'Store' as b, 'offline' as c, false as d"),
      ];
      await warehouse.transaction([{ copy: { table: 'dim_channel', files } }]);
      expect(
        await rows('select channel, channel_name, channel_group, is_online from dim_channel order by channel'),
      ).toEqual([
        ['store', 'Store', 'offline', false],
        ['web', 'Web', 'online', true],
      ]);
    });

    test('copies nothing where there are no files', async () => {
      await warehouse.transaction([{ copy: { table: 'dim_channel', files: [] } }]);
      expect(await rows('select count(*) from dim_channel')).toEqual([[0]]);
    });

    test('answers while a transaction runs, and then sees its end', async () => {
      const transaction = warehouse.transaction([
        sql("insert into staging_changed_partitions values (date '2026-01-01')"),
      ]);
      const during = await rows('select count(*) from staging_changed_partitions');
      expect([[[0]], [[1]]]).toContainEqual(during);
      await transaction;
      expect(await rows('select count(*) from staging_changed_partitions')).toEqual([[1]]);
    });
  });
}
