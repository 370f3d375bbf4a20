/**
 * The CDK app: `npm run synth`, or any `cdk` command; `-c env=dev` names the settings (config/dev.yaml). With `-c only=pipeline` it
 * makes that stack alone: the platform on one machine takes the state machine from there.
 */
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { customer360, pipelineAlone } from '../lib/customer-360.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { catalogTables } from '../src/flows/catalog.ts';
import { readSettings } from '../src/local/settings.ts';

const app = new App();
const environment = String(app.node.tryGetContext('env') ?? 'dev');
const root = join(import.meta.dirname, '..');
const settings = readSettings(root, environment);
if (app.node.tryGetContext('only') === 'pipeline') pipelineAlone(app, environment, settings);
else customer360(app, environment, settings, catalogTables(new SqlDirectory(join(root, 'sql'))));
app.synth();
