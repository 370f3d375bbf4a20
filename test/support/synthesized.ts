/** The CDK app's templates, made without an account and without bundles. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { customer360 } from '../../lib/customer-360.ts';
import type { PipelineSettings } from '../../lib/stacks/pipeline-stack.ts';

export interface Template {
  Parameters: Record<string, { Type: string; Default?: string }>;
  Resources: Record<string, Resource>;
}

export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  Metadata?: Record<string, unknown>;
}

export interface Synthesized {
  /** Paths of the templates. */
  files: string[];
  template: Template;
}

export const settings: PipelineSettings = { reportingCurrency: 'EUR', schedule: 'daily', models: { maxWorkers: 2 } };

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
  changed: Partial<PipelineSettings> = {},
  options: { withBundles?: boolean } = {},
): Synthesized {
  const app = newApp(outdir, options);
  customer360(app, 'test', { ...settings, ...changed });
  app.synth();
  const files = readdirSync(outdir)
    .filter((name) => name.endsWith('.template.json'))
    .map((name) => join(outdir, name));
  return { files, template: JSON.parse(readFileSync(files[0]!, 'utf8')) as Template };
}

export const resourcesOf = ({ Resources }: Template, type: string): Resource[] =>
  Object.values(Resources).filter(({ Type }) => Type === type);

/** The only resource of its type. */
export function resourceOf(template: Template, type: string): Resource {
  const [found, ...others] = resourcesOf(template, type);
  if (!found || others.length > 0) throw new Error(`the template has not one ${type}, but ${others.length + 1}`);
  return found;
}
