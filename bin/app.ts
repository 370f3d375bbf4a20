/** The CDK app: `npm run synth`, or any `cdk` command; `-c env=dev` names the settings (config/dev.yaml). */
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { customer360 } from '../lib/customer-360.ts';
import { SqlDirectory } from '../src/adapters/sql-directory.ts';
import { catalogTables } from '../src/flows/catalog.ts';
import { readSettings } from '../src/local/settings.ts';

const app = new App();
const environment = String(app.node.tryGetContext('env') ?? 'dev');
const root = join(import.meta.dirname, '..');
const tables = catalogTables(new SqlDirectory(join(root, 'sql')));
customer360(app, environment, readSettings(root, environment), tables);
app.synth();
