/** Brings the warehouse's tables, users' rights and physical design to what `sql/` says, and keeps its rows. */
import {
  type Applied,
  type Migration,
  migrationsDue,
  recordStatements,
  selectApplied,
} from '../domain/warehouse/migrations.ts';
import { statementsOf } from '../domain/warehouse/statements.ts';
import type { Environment, SqlFiles, WarehouseStatement } from '../ports.ts';

/** Makes the table of what has been applied; repeatable. */
const ownTable = 'ddl/000_migrations.sql';

/** Redshift changes how a table lies in no transaction with other statements. */
const alone = 'maintenance/physical_design.sql';

/** In this order: tables and views, who may do what with them, how they lie. */
const filesOf = (sql: SqlFiles): string[] => [...sql.list('ddl'), ...sql.list('access'), alone];

/**
 * Applies what is due, each file with its record in one transaction, and returns the files. What was applied before an error
 * stays; the error names its file, and the next call goes on there.
 */
export const migrateWarehouse =
  ({ warehouse, sql, clock }: Pick<Environment, 'warehouse' | 'sql' | 'clock'>) =>
  async (): Promise<{ applied: string[] }> => {
    await warehouse.transaction(named(ownTable, statementsOf(sql.read(ownTable))));
    const { rows } = await warehouse.query(selectApplied, 'what has been applied');
    const recorded = rows.map(([file, checksum]): Applied => ({ file: String(file), checksum: String(checksum) }));
    const due = migrationsDue(
      filesOf(sql).map((file) => ({ file, text: sql.read(file) })),
      recorded,
    );
    const apply = async (migration: Migration) => {
      const { file } = migration;
      const statements = named(file, migration.statements);
      const record = named(file, recordStatements(migration, clock.now()));
      if (file !== alone) return warehouse.transaction([...statements, ...record]);
      await warehouse.each(statements);
      return warehouse.transaction(record);
    };
    for (const migration of due) await apply(migration);
    return { applied: due.map(({ file }) => file) };
  };

const named = (file: string, statements: string[]): WarehouseStatement[] =>
  statements.map((sql, index) => ({ sql, what: `sql/${file}, statement ${index + 1}` }));
