/** The resources of a deployment, as its templates hold them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Resource {
  type: string;
  /** The template that holds it. */
  stack: string;
  /** Its logical id there. */
  id: string;
  properties: Record<string, unknown>;
  /** The flow that a function runs; absent for functions that CDK brings along. */
  flow?: string;
}

/** Synthesizes all stacks of an environment, without bundles and without an account, and reads their resources. */
export async function resourcesOfEnvironment(root: string, environment: string): Promise<Resource[]> {
  const out = mkdtempSync(join(tmpdir(), 'c360-cost-'));
  try {
    const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: object };
    const given = { ...context, env: environment, 'aws:cdk:bundling-stacks': [] };
    await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, 'bin/app.ts')], {
      cwd: root,
      env: { ...process.env, CDK_OUTDIR: out, CDK_CONTEXT_JSON: JSON.stringify(given) },
    });
    return resourcesIn(out);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** The resources of all templates in a folder that `cdk synth` has written. */
function resourcesIn(folder: string): Resource[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.template.json'));
  if (names.length === 0) throw new Error(`${folder} holds no template; make them with \`npm run synth\``);
  return names.sort().flatMap((name) => {
    const { Resources = {} } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      Resources?: Record<
        string,
        { Type: string; Properties?: Record<string, unknown>; Metadata?: Record<string, unknown> }
      >;
    };
    return Object.entries(Resources).map(([id, { Type, Properties = {}, Metadata }]) => {
      const flow = Metadata?.['C360::Flow'];
      return { type: Type, stack: name, id, properties: Properties, ...(typeof flow === 'string' && { flow }) };
    });
  });
}

/** A number that the template must hold itself; throws an Error that names it. */
export function numberOf({ type, id, properties }: Resource, property: string, otherwise?: number): number {
  const value = properties[property] ?? otherwise;
  if (typeof value === 'number') return value;
  throw new Error(`${property} of ${type} ${id} must be a number in the template, got ${JSON.stringify(value)}`);
}
