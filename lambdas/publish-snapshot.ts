/** Task publish-snapshot of the pipeline on Lambda: writes the snapshot that readers see from then on, and points the catalog to it. */
import { join } from 'node:path';
import { catalogEnvironment } from '../src/adapters/aws/function-environments.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { pipelineTasks } from '../src/flows/pipeline-tasks.ts';

const sql = new SqlDirectory(join(import.meta.dirname, 'sql'));

export const handler = pipelineTasks['publish-snapshot'](catalogEnvironment(process.env, { sql }));
