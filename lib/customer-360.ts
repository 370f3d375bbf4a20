/** All stacks of one deployment, in the order of the data. */
import { type App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { CatalogTable } from '../src/domain/lake/catalog.ts';
import type { DeploymentSettings } from '../src/local/settings.ts';
import { acknowledgeLakeFolders } from './permissions.ts';
import { DataStack } from './stacks/data-stack.ts';
import { IngestionStack } from './stacks/ingestion-stack.ts';
import { MonitoringStack } from './stacks/monitoring-stack.ts';
import { PipelineStack } from './stacks/pipeline-stack.ts';
import { WarehouseStack } from './stacks/warehouse-stack.ts';

/** Adds the stacks to the app, which tell the catalog of these tables of the lake; its synthesis fails where a rule of AWS Solutions is broken. */
export function customer360(app: App, environment: string, settings: DeploymentSettings, tables: CatalogTable[]): void {
  const props = { environment, settings };
  const nameOf = (stack: string) => nameOfStack(environment, stack);
  const data = new DataStack(app, nameOf('data'), { ...props, tables });
  const ingestion = new IngestionStack(app, nameOf('ingestion'), props);
  const warehouse = new WarehouseStack(app, nameOf('warehouse'), { ...props, tables });
  const pipeline = new PipelineStack(app, nameOf('pipeline'), props);
  const monitoring = new MonitoringStack(app, nameOf('monitoring'), props);
  // They read each other's parameters, which CloudFormation looks up before it makes anything.
  ingestion.addStackDependency(data);
  warehouse.addStackDependency(data);
  pipeline.addStackDependency(data);
  pipeline.addStackDependency(warehouse);
  for (const watched of [data, ingestion, warehouse, pipeline]) monitoring.addStackDependency(watched);
  acknowledgeLakeFolders(app, pipeline, environment);
  Tags.of(app).add('application', 'customer-360');
  Tags.of(app).add('environment', environment);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}

/** Adds the pipeline's stack alone, and no judgement of it. */
export function pipelineAlone(app: App, environment: string, settings: DeploymentSettings): void {
  new PipelineStack(app, nameOfStack(environment, 'pipeline'), { environment, settings });
}

const nameOfStack = (environment: string, stack: string) => `customer-360-${environment}-${stack}`;
