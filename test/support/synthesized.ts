/** The CDK app's templates, made without an account and without bundles. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { customer360 } from '../../lib/customer-360.ts';
import { SqlDirectory } from '../../src/adapters/sql-directory.ts';
import { catalogTables } from '../../src/flows/catalog.ts';
import type { DeploymentSettings } from '../../src/local/settings.ts';

export interface Template {
  Parameters: Record<string, { Type: string; Default?: string }>;
  Resources: Record<string, Resource>;
}

export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  Metadata?: Record<string, unknown>;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
}

const stackNames = ['data', 'ingestion', 'warehouse', 'pipeline', 'monitoring'] as const;

export interface Synthesized {
  /** Paths of the templates. */
  files: string[];
  templates: Record<(typeof stackNames)[number], Template>;
}

export const settings: DeploymentSettings = {
  reportingCurrency: 'EUR',
  schedule: 'daily',
  models: { maxWorkers: 2 },
  stream: { shards: 1, retentionHours: 168 },
  isDataRetained: false,
  isConcurrencyReserved: false,
  rawRetentionDays: 400,
  monthlyBudgetUsd: 50,
  freshnessHours: { events: 6, customers: 192, transactions: 30 },
  warehouse: { maxRpus: 8 },
};

/** The lake's tables, as the app tells the catalog of them. */
export const tables = catalogTables(new SqlDirectory('sql'));

/** An app as `cdk synth` makes it, but for what takes long: the validation that cfn-lint does here, and bundles. */
export function newApp(outdir: string, { withBundles = false } = {}): App {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8')) as { context: Record<string, unknown> };
  return new App({
    outdir,
    builtinCloudFormationValidation: false,
    context: { ...context, ...(!withBundles && { 'aws:cdk:bundling-stacks': [] }) },
  });
}

export function synthesize(
  outdir: string,
  changed: Partial<DeploymentSettings> = {},
  options: { withBundles?: boolean } = {},
): Synthesized {
  const app = newApp(outdir, options);
  customer360(app, 'test', { ...settings, ...changed }, tables);
  app.synth();
  const files = readdirSync(outdir)
    .filter((name) => name.endsWith('.template.json'))
    .map((name) => join(outdir, name));
  const templateOf = (stack: string) =>
    JSON.parse(readFileSync(join(outdir, `customer-360-test-${stack}.template.json`), 'utf8')) as Template;
  const templates = Object.fromEntries(stackNames.map((stack) => [stack, templateOf(stack)]));
  return { files, templates: templates as Synthesized['templates'] };
}

export const resourcesOf = ({ Resources }: Template, type: string): Resource[] =>
  Object.values(Resources).filter(({ Type }) => Type === type);

/** The only resource of its type. */
export function resourceOf(template: Template, type: string): Resource {
  const [found, ...others] = resourcesOf(template, type);
  if (!found || others.length > 0) throw new Error(`the template has not one ${type}, but ${others.length + 1}`);
  return found;
}
