/** Task load-warehouse of the pipeline on Lambda: brings the warehouse to the snapshot. */
import { join } from 'node:path';
import { warehouseEnvironment } from '../src/adapters/aws/function-environments.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { pipelineTasks } from '../src/flows/pipeline-tasks.ts';

const sql = new SqlDirectory(join(import.meta.dirname, 'sql'));

export const handler = pipelineTasks['load-warehouse'](warehouseEnvironment(process.env, { sql }));
