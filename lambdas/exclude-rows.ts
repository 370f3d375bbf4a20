/** Task exclude-rows of the pipeline on Lambda: refused rows go to quarantine, and the clean layer is planned without them. */
import { join } from 'node:path';
import { awsEnvironment } from '../src/adapters/aws/environment.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { pipelineTasks } from '../src/flows/pipeline-tasks.ts';

const sql = new SqlDirectory(join(import.meta.dirname, 'sql'));

export const handler = pipelineTasks['exclude-rows'](awsEnvironment(process.env, { sql }));
