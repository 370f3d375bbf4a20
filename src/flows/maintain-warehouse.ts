/** The warehouse's upkeep: frees the space of replaced rows, sorts what was added, tells the planner what there is. */
import { statementsOf } from '../domain/warehouse/statements.ts';
import type { Environment } from '../ports.ts';

const files = ['maintenance/vacuum.sql', 'maintenance/analyze.sql'];

/** Each statement by itself; the first that fails ends it, and what was done before stays. */
export const maintainWarehouse =
  ({ warehouse, sql }: Pick<Environment, 'warehouse' | 'sql'>) =>
  async (): Promise<{ statements: number }> => {
    const statements = files.flatMap((file) => statementsOf(sql.read(file)).map((text) => ({ sql: text, what: text })));
    await warehouse.each(statements);
    return { statements: statements.length };
  };
