/** Task plan-curated of the pipeline on Lambda: plans the curated layer from what the clean layer made. */
import { join } from 'node:path';
import { awsEnvironment } from '../src/adapters/aws/environment.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { pipelineTasks } from '../src/flows/pipeline-tasks.ts';

const sql = new SqlDirectory(join(import.meta.dirname, 'sql'));

export const handler = pipelineTasks['plan-curated'](awsEnvironment(process.env, { sql }));
