/** Task publish-snapshot of the pipeline on Lambda: writes the snapshot that readers see from then on. */
import { join } from 'node:path';
import { awsEnvironment } from '../src/adapters/aws/environment.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { pipelineTasks } from '../src/flows/pipeline-tasks.ts';

const sql = new SqlDirectory(join(import.meta.dirname, 'sql'));

export const handler = pipelineTasks['publish-snapshot'](awsEnvironment(process.env, { sql }));
