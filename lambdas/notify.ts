/** Task notify of the pipeline on Lambda: ends the run, however it went. */
import { join } from 'node:path';
import { embeddedMetrics } from '../src/adapters/aws/embedded-metrics.ts';
import { alertsEnvironment } from '../src/adapters/aws/function-environments.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { pipelineTasks } from '../src/flows/pipeline-tasks.ts';

const sql = new SqlDirectory(join(import.meta.dirname, 'sql'));

const metrics = embeddedMetrics(process.env);

export const handler = pipelineTasks.notify(alertsEnvironment(process.env, { sql }), { onEnded: metrics.run });
