/** The port of the warehouse over an engine of the tests: PGlite stands for Redshift's lineage. It writes down what was run. */
import { EngineError, type ResultSet, type Warehouse, type WarehouseStatement } from '../../src/ports.ts';
import type { SqlEngine } from './sql-engines.ts';

export interface WatchedWarehouse extends Warehouse {
  /** Statements that ran, in order, with `begin`, `commit` and `rollback`. */
  ran: string[];
}

/** Statements of Redshift alone, which the engines of the tests do not run. */
export const redshiftAlone = /^(?:alter table \w+ alter|create role|grant|revoke|alter default|vacuum|analyze)\b/;

/** The warehouse, whose loads do this instead. */
export const loadingBy = (warehouse: Warehouse, advance: Warehouse['advance']): Warehouse => ({
  query: (sql, what) => warehouse.query(sql, what),
  transaction: (statements) => warehouse.transaction(statements),
  each: (statements) => warehouse.each(statements),
  advance,
});

export function warehouseOver(engine: SqlEngine): WatchedWarehouse {
  const ran: string[] = [];
  const run = async (statement: WarehouseStatement) => {
    if (!('sql' in statement)) throw new Error('the engines of the tests copy no files');
    ran.push(statement.sql);
    if (redshiftAlone.test(statement.sql)) return;
    await engine.run(statement.sql).catch((error: Error) => {
      throw new EngineError(`${statement.what}: ${error.message}`);
    });
  };
  const transaction = async (statements: WarehouseStatement[]) => {
    await run({ sql: 'begin', what: 'begin' });
    try {
      for (const statement of statements) await run(statement);
      await run({ sql: 'commit', what: 'commit' });
    } catch (error) {
      await run({ sql: 'rollback', what: 'rollback' });
      throw error;
    }
  };
  return {
    ran,
    transaction,
    advance: async (_id, statements) => {
      await transaction(statements);
      return 'committed';
    },
    each: async (statements) => {
      for (const statement of statements) await run(statement);
    },
    query: async (sql): Promise<ResultSet> => {
      const { columns, rows } = await engine.select(sql);
      return { columns: columns.map((name) => ({ name, type: '' })), rows };
    },
  };
}
