/** All stacks of one deployment, in the order of the data. */
import { type App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { acknowledgeLakeFolders } from './permissions.ts';
import type { DeploymentSettings } from './settings.ts';
import { DataStack } from './stacks/data-stack.ts';
import { IngestionStack } from './stacks/ingestion-stack.ts';
import { PipelineStack } from './stacks/pipeline-stack.ts';

/** Adds the stacks to the app; its synthesis fails where a rule of AWS Solutions is broken. */
export function customer360(app: App, environment: string, settings: DeploymentSettings): void {
  const props = { environment, settings };
  const nameOf = (stack: string) => `customer-360-${environment}-${stack}`;
  const data = new DataStack(app, nameOf('data'), props);
  const ingestion = new IngestionStack(app, nameOf('ingestion'), props);
  const pipeline = new PipelineStack(app, nameOf('pipeline'), props);
  // They read each other's parameters, which CloudFormation looks up before it makes anything.
  ingestion.addStackDependency(data);
  pipeline.addStackDependency(data);
  acknowledgeLakeFolders(app, pipeline, environment);
  Tags.of(app).add('application', 'customer-360');
  Tags.of(app).add('environment', environment);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}
