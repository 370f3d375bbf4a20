/** Task plan-run of the pipeline on Lambda: takes the run lock, lists what is new, plans the clean layer. */
import { join } from 'node:path';
import { warehouseEnvironment } from '../src/adapters/aws/function-environments.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { pipelineTasks } from '../src/flows/pipeline-tasks.ts';

const sql = new SqlDirectory(join(import.meta.dirname, 'sql'));

export const handler = pipelineTasks['plan-run'](warehouseEnvironment(process.env, { sql }));
