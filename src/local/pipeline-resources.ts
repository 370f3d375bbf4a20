/** What the pipeline's tasks call on AWS, done on one machine, with the errors that Step Functions would see. */
import { isObject, type JsonObject } from '../domain/json.ts';
import type { RunPlan } from '../domain/lake/run-plan.ts';
import { readDocument } from '../flows/documents.ts';
import { ownErrors } from '../flows/notify-run.ts';
import { pipelineTasks } from '../flows/pipeline-tasks.ts';
import { runModels } from '../flows/run-models.ts';
import { notedStep, told } from '../flows/run-steps.ts';
import { EngineError, type Environment } from '../ports.ts';
import { TaskError } from './state-machine.ts';
import type { TaskResource } from './supported-states.ts';

type Resource = (env: Environment, parameters: JsonObject) => Promise<JsonObject>;

/** An error's message is told as far as this: what a state carries is small. */
const mostTold = 1000;

const resources: Record<TaskResource, Resource> = {
  'arn:aws:states:::lambda:invoke': invokeFunction,
  'arn:aws:states:::glue:startJobRun.sync': runJob,
  'arn:aws:states:::sns:publish': publish,
};

/** Does what a task asks of its resource. TaskError where it fails. */
export const callResource = (env: Environment, resource: TaskResource, parameters: JsonObject): Promise<JsonObject> =>
  resources[resource](env, parameters);

/** As the Lambda service: payload and result pass as JSON, and a function's error by its name. */
async function invokeFunction(env: Environment, { FunctionName, Payload }: JsonObject): Promise<JsonObject> {
  const name = String(FunctionName).split(':').at(-1)!;
  const task = Object.entries(pipelineTasks).find(([known]) => known === name)?.[1];
  if (!task) {
    const errorMessage = `Function not found: ${FunctionName}`;
    throw new TaskError('Lambda.ResourceNotFoundException', { errorMessage }, new Error(errorMessage));
  }
  try {
    // Each task checks or was given its payload by the definition; types end at this border, as they do on AWS.
    const work = task(env) as (payload: unknown) => Promise<unknown>;
    return { StatusCode: 200, ExecutedVersion: '$LATEST', Payload: json(await work(json(Payload))) };
  } catch (error) {
    const { name: errorType, message } = asError(error);
    throw new TaskError(errorType, { errorType, errorMessage: message.slice(0, mostTold) }, error);
  }
}

/** As a topic: the last word of a run whose end failed too. */
async function publish(env: Environment, { Subject, Message }: JsonObject): Promise<JsonObject> {
  const text = String(Message);
  await env.alerts.send({ id: text, severity: 'critical', subject: String(Subject), text });
  return { MessageId: env.ids.uuid() };
}

/** As the Glue job that executes the plan of its argument `--plan`; how its script ended is told as Glue does. */
async function runJob(env: Environment, { JobName, Arguments }: JsonObject): Promise<JsonObject> {
  const key = isObject(Arguments) ? String(Arguments['--plan']) : '';
  try {
    const plan = await readDocument<RunPlan>(env, key);
    if (!plan) throw new EngineError(`${key} is missing, though a step of this run wrote it; run again`);
    await notedStep(env, plan.runId, `${plan.layer} models`, async () => {
      const result = await runModels(env)(plan);
      return { value: undefined, outcome: told.models(result) };
    });
    return { JobName, JobRunState: 'SUCCEEDED', Arguments };
  } catch (error) {
    const { name, message } = asError(error);
    const said = ownErrors.has(name) ? `SystemExit: run_models failed: ${message}` : `${name}: ${message}`;
    const ErrorMessage = said.slice(0, mostTold);
    throw new TaskError('States.TaskFailed', { JobName, JobRunState: 'FAILED', ErrorMessage }, error);
  }
}

const json = (value: unknown): unknown => (value === undefined ? null : JSON.parse(JSON.stringify(value)));

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
