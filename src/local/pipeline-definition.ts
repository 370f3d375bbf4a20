/**
 * The pipeline's state machine and its schedule, as CDK synthesizes them: the template of the stack is made when a file
 * that it is made from has changed, and what is taken from it is kept.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { isObject, type JsonObject } from '../domain/json.ts';
import { checkStateMachine } from './state-machine.ts';

export interface PipelineDefinition {
  /** The state machine in Amazon States Language, with local names in place of its substitutions. */
  machine: JsonObject;
  /** `cron(…)` or `rate(…)`, in the time zone, with the input of the executions that it starts. */
  schedule: { expression: string; timeZone: string; input: JsonObject };
}

/** The deployment whose settings (config/local.yaml) the platform on one machine shares. */
const environment = 'local';

/** Reads the definition, after synthesizing it where it is not yet known or out of date: that takes some seconds. */
export async function readPipelineDefinition(root: string): Promise<PipelineDefinition> {
  const kept = join(root, 'node_modules/.cache/customer-360', `pipeline-${fingerprint(root)}.json`);
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8')) as PipelineDefinition;
  const definition = definitionOf(await synthesize(root));
  await checkStateMachine(definition.machine);
  keep(kept, definition);
  return definition;
}

/** A hash over all that the template is made from but the code of functions and job, which the definition does not name. */
function fingerprint(root: string): string {
  const below = readdirSync(join(root, 'lib'), { recursive: true, withFileTypes: true });
  const files = [
    ...below.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)),
    ...[
      'bin/app.ts',
      'config/schema.json',
      `config/${environment}.yaml`,
      'src/local/settings.ts',
      'package-lock.json',
    ].map((path) => join(root, path)),
    import.meta.filename,
  ].sort();
  const hash = createHash('sha256');
  for (const file of files) hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex').slice(0, 32);
}

/** The template of the stack that holds the state machine. Functions are not bundled for it. */
async function synthesize(root: string): Promise<JsonObject> {
  const out = mkdtempSync(join(tmpdir(), 'c360-synth-'));
  try {
    const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: JsonObject };
    const given = { ...context, env: environment, only: 'pipeline', 'aws:cdk:bundling-stacks': [] };
    await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, 'bin/app.ts')], {
      cwd: root,
      env: { ...process.env, CDK_OUTDIR: out, CDK_CONTEXT_JSON: JSON.stringify(given) },
    });
    const templates = readdirSync(out).filter((name) => name.endsWith('.template.json'));
    const read = templates.map((name) => JSON.parse(readFileSync(join(out, name), 'utf8')) as JsonObject);
    const found = read.find((template) => resourcesOf(template, stateMachineType).length === 1);
    if (!found) throw new Error(`no template holds one ${stateMachineType}, of ${templates.join(', ') || 'none'}`);
    return found;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** Kept for the next run; where nothing can be written there, that one synthesizes anew. */
function keep(path: string, definition: PipelineDefinition): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const written = `${path}.${process.pid}`;
    writeFileSync(written, JSON.stringify(definition));
    renameSync(written, path);
    for (const name of readdirSync(dirname(path))) {
      const other = join(dirname(path), name);
      if (/^pipeline-[0-9a-f]+\.json$/.test(name) && other !== path) rmSync(other, { force: true });
    }
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS', 'ENOSPC'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

const stateMachineType = 'AWS::StepFunctions::StateMachine';

interface Resource {
  Type: string;
  Properties: JsonObject;
  Metadata?: JsonObject;
}

const resourcesOf = ({ Resources }: JsonObject, type: string): Resource[] =>
  Object.values((Resources ?? {}) as Record<string, Resource>).filter((resource) => resource.Type === type);

/** The state machine and the schedule of a template. */
export function definitionOf(template: JsonObject): PipelineDefinition {
  const [machine] = resourcesOf(template, stateMachineType);
  const [schedule] = resourcesOf(template, 'AWS::Scheduler::Schedule');
  if (!machine || !schedule) throw new Error(`the template must hold one ${stateMachineType} and its schedule`);
  const { DefinitionString: text, DefinitionSubstitutions: substitutions } = machine.Properties;
  const names = isObject(substitutions) ? substitutions : {};
  const filled = resolved(template, text).replaceAll(/\$\{(\w+)\}/g, (_, name: string) =>
    resolved(template, names[name]),
  );
  const { ScheduleExpression, ScheduleExpressionTimezone = 'UTC', Target } = schedule.Properties;
  return {
    machine: JSON.parse(filled) as JsonObject,
    schedule: {
      expression: String(ScheduleExpression),
      timeZone: String(ScheduleExpressionTimezone),
      input: JSON.parse(resolved(template, (Target as JsonObject).Input)) as JsonObject,
    },
  };
}

/** The text that CloudFormation would fill in, with local names: a function by the flow that it runs, a parameter by its path. */
function resolved(template: JsonObject, value: unknown): string {
  if (typeof value === 'string') return value;
  if (isObject(value)) {
    const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value;
    if (Ref === 'AWS::Partition') return 'aws';
    if (typeof Ref === 'string') return parameterPath(template, Ref);
    if (Array.isArray(attribute)) return functionArn(template, String(attribute[0]));
    if (Array.isArray(join))
      return (join[1] as unknown[]).map((part) => resolved(template, part)).join(String(join[0]));
  }
  throw new Error(`the state machine holds ${JSON.stringify(value)?.slice(0, 200)}, which has no local meaning`);
}

function parameterPath({ Parameters }: JsonObject, name: string): string {
  const parameter = isObject(Parameters) ? Parameters[name] : undefined;
  if (isObject(parameter) && typeof parameter.Default === 'string') return parameter.Default;
  throw new Error(`the state machine names ${name}, which is no parameter of its template`);
}

function functionArn({ Resources }: JsonObject, name: string): string {
  const resource = (Resources as Record<string, Resource>)[name];
  const flow = resource?.Metadata?.['C360::Flow'];
  if (typeof flow === 'string') return `arn:aws:lambda:local:000000000000:function:${flow}`;
  throw new Error(`the state machine calls ${name}, which does not say by C360::Flow which flow it runs`);
}
