/** The CDK app: `npm run synth`, or any `cdk` command; `-c env=dev` names the settings (config/dev.yaml). */
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { customer360 } from '../lib/customer-360.ts';
import { readSettings } from '../src/local/settings.ts';

const app = new App();
const environment = String(app.node.tryGetContext('env') ?? 'dev');
customer360(app, environment, readSettings(join(import.meta.dirname, '..'), environment));
app.synth();
