/** The warehouse's upkeep on Lambda, each week. */
import { join } from 'node:path';
import { warehouseEnvironment } from '../src/adapters/aws/function-environments.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { maintainWarehouse } from '../src/flows/maintain-warehouse.ts';

const sql = new SqlDirectory(join(import.meta.dirname, 'sql'));

export const handler = maintainWarehouse(warehouseEnvironment(process.env, { sql }));
