/** Task load-warehouse of the pipeline on Lambda: points the catalog to the snapshot, and brings the warehouse to it. */
import { join } from 'node:path';
import { loadEnvironment } from '../src/adapters/aws/function-environments.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { pipelineTasks } from '../src/flows/pipeline-tasks.ts';

const sql = new SqlDirectory(join(import.meta.dirname, 'sql'));

export const handler = pipelineTasks['load-warehouse'](loadEnvironment(process.env, { sql }));
