/**
 * What of Amazon States Language the platform on one machine executes as Step Functions does. The interpreter ignores what
 * it does not know, so that all else is refused before an execution begins.
 */
import { isObject, type JsonObject } from '../domain/json.ts';

/** A definition that asks for what would be ignored. */
class UnsupportedDefinition extends Error {
  override name = 'UnsupportedDefinition';
}

const inAllStates = ['Type', 'Comment', 'InputPath', 'OutputPath', 'QueryLanguage'];
const onTheWay = [...inAllStates, 'Next', 'End'];
const ofTasks = ['Resource', 'Parameters', 'ResultSelector', 'ResultPath', 'TimeoutSeconds', 'Retry', 'Catch'];

/** One state at a time: Map and Parallel are not among them. */
const fieldsOfState: Record<string, string[]> = {
  Task: [...onTheWay, ...ofTasks],
  Pass: [...onTheWay, 'Result', 'Parameters', 'ResultPath'],
  Wait: [...onTheWay, 'Seconds'],
  Choice: [...inAllStates, 'Choices', 'Default'],
  Succeed: inAllStates,
  Fail: ['Type', 'Comment', 'QueryLanguage', 'Error', 'Cause'],
};

const fields = {
  machine: ['Comment', 'StartAt', 'States', 'Version', 'QueryLanguage', 'TimeoutSeconds'],
  Retry: ['ErrorEquals', 'IntervalSeconds', 'MaxAttempts', 'BackoffRate', 'MaxDelaySeconds', 'JitterStrategy'],
  Catch: ['ErrorEquals', 'Next', 'ResultPath', 'Comment'],
};

const comparisons =
  /^(String|Numeric|Boolean|Timestamp)(Equals|LessThan|GreaterThan|LessThanEquals|GreaterThanEquals|Matches)$/;
const tests = /^Is(Null|Present|Numeric|String|Boolean|Timestamp)$/;

/** What the context holds here, of all that Step Functions has there. */
const contextPath = /^\$\$\.Execution\.(Name|Input|StartTime)\b/;

/** What tasks may call. */
const taskResources = [
  'arn:aws:states:::lambda:invoke',
  'arn:aws:states:::glue:startJobRun.sync',
  'arn:aws:states:::sns:publish',
] as const;
export type TaskResource = (typeof taskResources)[number];

/** Throws UnsupportedDefinition that names the first state and field which the interpreter would ignore. */
export function refuseUnsupported(definition: JsonObject): void {
  refuseFields('the state machine', definition, fields.machine);
  const { States } = definition;
  for (const [name, state] of Object.entries(isObject(States) ? States : {})) {
    if (isObject(state)) refuseState(`state ${name}`, state);
  }
}

function refuseState(where: string, state: JsonObject): void {
  const type = String(state.Type);
  const known = fieldsOfState[type];
  if (!known) throw unsupported(`${where}: type ${type}`, Object.keys(fieldsOfState).join(', '));
  refuseFields(where, state, known);
  for (const list of ['Retry', 'Catch'] as const) {
    for (const entry of objectsIn(state[list])) refuseFields(`${where}, ${list}`, entry, fields[list]);
  }
  for (const rule of objectsIn(state.Choices)) refuseRule(where, rule, ['Next', 'Comment']);
  if (type === 'Task') refuseTask(where, state);
  refusePaths(where, state);
}

function refuseTask(where: string, { Resource, TimeoutSeconds }: JsonObject): void {
  if (!taskResources.some((known) => known === Resource)) {
    throw unsupported(`${where}: resource ${Resource}`, taskResources.join(', '));
  }
  // Left out, it is a minute there and for ever on AWS.
  if (TimeoutSeconds === undefined) throw unsupported(`${where}: no TimeoutSeconds`, 'a timeout in each task');
}

function refuseFields(where: string, object: JsonObject, known: string[]): void {
  for (const field of Object.keys(object)) {
    if (!known.includes(field)) throw unsupported(`${where}: ${field}`, known.join(', '));
  }
  const { QueryLanguage = 'JSONPath' } = object;
  if (QueryLanguage !== 'JSONPath') throw unsupported(`${where}: QueryLanguage ${QueryLanguage}`, 'JSONPath');
}

function refuseRule(where: string, rule: JsonObject, also: string[]): void {
  for (const [field, value] of Object.entries(rule)) {
    if (field === 'And' || field === 'Or') for (const inner of objectsIn(value)) refuseRule(where, inner, []);
    else if (field === 'Not' && isObject(value)) refuseRule(where, value, []);
    else if (field !== 'Variable' && !comparisons.test(field) && !tests.test(field) && !also.includes(field)) {
      throw unsupported(`${where}: ${field} in a rule`, 'And, Or, Not, comparisons with values, Is… tests');
    }
  }
}

/** Refuses paths into what the context does not hold, task tokens among them. */
function refusePaths(where: string, value: unknown): void {
  if (typeof value === 'string') {
    for (const [path] of value.matchAll(/\$\$[\w.[\]'"]*/g)) {
      if (!contextPath.test(path)) throw unsupported(`${where}: ${path}`, '$$.Execution.Name, .Input and .StartTime');
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) refusePaths(where, inner);
  }
}

const objectsIn = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);

const unsupported = (what: string, known: string): UnsupportedDefinition =>
  new UnsupportedDefinition(`${what} is not executed on one machine, which takes ${known}; write the state otherwise`);
