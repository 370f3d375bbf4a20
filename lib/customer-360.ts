/** All stacks of one deployment, in the order of the data. */
import { type App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { type PipelineSettings, PipelineStack } from './stacks/pipeline-stack.ts';

/** Adds the stacks to the app; its synthesis fails where a rule of AWS Solutions is broken. */
export function customer360(app: App, environment: string, settings: PipelineSettings): void {
  new PipelineStack(app, `customer-360-${environment}-pipeline`, { environment, settings });
  Tags.of(app).add('application', 'customer-360');
  Tags.of(app).add('environment', environment);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}
