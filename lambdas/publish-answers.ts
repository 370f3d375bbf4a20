/** Task publish-answers of the pipeline on Lambda: asks the warehouse every query and puts the answers into serving/. */
import { join } from 'node:path';
import { warehouseEnvironment } from '../src/adapters/aws/function-environments.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { pipelineTasks } from '../src/flows/pipeline-tasks.ts';

const sql = new SqlDirectory(join(import.meta.dirname, 'sql'));

export const handler = pipelineTasks['publish-answers'](warehouseEnvironment(process.env, { sql }));
