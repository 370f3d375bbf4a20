/** Custom resource of the warehouse's stack on Lambda: applies `sql/ddl` and what belongs to it. */
import { join } from 'node:path';
import { putAnswer } from '../src/adapters/aws/custom-resource-answer.ts';
import { warehouseEnvironment } from '../src/adapters/aws/function-environments.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { customResource } from '../src/flows/custom-resource.ts';
import { migrateWarehouse } from '../src/flows/migrate-warehouse.ts';

const sql = new SqlDirectory(join(import.meta.dirname, 'sql'));
// Inside: a variable that is missing is an answer, too.
const make = async () => migrateWarehouse(warehouseEnvironment(process.env, { sql }))();

export const handler = customResource({ id: 'warehouse-migrations', make, answer: putAnswer });
