/** Task judge-quality of the pipeline on Lambda: decides by the results of a layer's checks whether the run goes on. */
import { join } from 'node:path';
import { awsEnvironment } from '../src/adapters/aws/environment.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { pipelineTasks } from '../src/flows/pipeline-tasks.ts';

const sql = new SqlDirectory(join(import.meta.dirname, 'sql'));

export const handler = pipelineTasks['judge-quality'](awsEnvironment(process.env, { sql }));
