/** Executes a state machine of Step Functions on one machine, one state at a time. */
import { setImmediate } from 'node:timers/promises';
import type { StateMachine } from 'aws-local-stepfunctions';
import type { JsonObject } from '../domain/json.ts';
import { refuseUnsupported, type TaskResource } from './supported-states.ts';

/** A task that failed: the name and the cause that Step Functions would give its error. */
export class TaskError extends Error {
  /** What was thrown where the task did its work. */
  readonly thrown: unknown;

  constructor(name: string, cause: JsonObject, thrown: unknown) {
    super(JSON.stringify(cause));
    this.name = name;
    this.thrown = thrown;
  }
}

/** A state's input or output that is larger than it may be: states carry keys, and documents hold the lists. */
class PayloadTooLarge extends Error {
  override name = 'States.DataLimitExceeded';
  /** As on AWS it ends the execution; the interpreter asks for these two. */
  readonly isRetryable = false;
  readonly isCatchable = false;
}

/** Far below the 256 KB of AWS, so that what grows with the data is found with little of it. */
const mostBytes = 8 * 1024;

/** Retries wait for what AWS is short of: throughput, a cold start. Here nothing is. */
const retryMs = 100;

export interface ExecutionOptions {
  /** The execution's name, `$$.Execution.Name`. */
  name: string;
  input: JsonObject;
  /** Does a task's work: its state, the ARN of its resource, and the evaluated parameters. */
  call(state: string, resource: TaskResource, parameters: JsonObject): Promise<JsonObject>;
  /** Ends the execution behind the task that is going on. */
  signal?: AbortSignal;
}

/** Throws where a definition is none of Amazon States Language, or one that this machine does not execute. Takes a while. */
export async function checkStateMachine(definition: JsonObject): Promise<void> {
  refuseUnsupported(definition);
  const { StateMachine } = await import('aws-local-stepfunctions');
  new StateMachine(definition as unknown as Definition);
}

/**
 * Executes a checked machine to its end, and returns its output. Throws UnsupportedDefinition before it begins,
 * PayloadTooLarge, and the interpreter's error where the execution fails, times out or is aborted; no task is going on any
 * more then.
 */
export async function executeStateMachine(
  definition: JsonObject,
  { name, input, call, signal }: ExecutionOptions,
): Promise<unknown> {
  refuseUnsupported(definition);
  // Loaded only when something runs: it brings an AWS client along.
  const { StateMachine } = await import('aws-local-stepfunctions');
  const machine = new StateMachine(definition as unknown as Definition, { validationOptions: { noValidate: true } });
  const states = Object.entries(definition.States as Record<string, JsonObject>);
  const tasks = states.filter(([, { Type }]) => Type === 'Task');
  let refused: PayloadTooLarge | undefined;
  let going: Promise<unknown> = Promise.resolve();

  const handler = (state: string, resource: TaskResource) => async (parameters: Input) => {
    // An attempt that outlived its timeout cannot be stopped; two never work at the same time.
    await going;
    // The log of events is read as far as this state before the state does anything.
    await setImmediate();
    if (refused) throw refused;
    const attempt = call(state, resource, parameters as JsonObject);
    going = attempt.catch(() => {});
    return (await attempt) as Input;
  };

  const execution = machine.run(input as Input, {
    context: { Execution: { Name: name } },
    overrides: {
      taskResourceLocalHandlers: Object.fromEntries(
        tasks.map(([state, { Resource }]) => [state, handler(state, Resource as TaskResource)]),
      ),
      retryIntervalOverrides: Object.fromEntries(tasks.map(([state]) => [state, retryMs])),
    },
  });
  signal?.addEventListener('abort', execution.abort, { once: true });
  const watched = (async () => {
    for await (const event of execution.eventLogs) {
      if (event.type === 'StateEntered') refused ??= tooLarge(event.state.name, 'input', event.state.input);
      if (event.type === 'StateExited') refused ??= tooLarge(event.state.name, 'output', event.state.output);
    }
  })();
  try {
    if (signal?.aborted) execution.abort();
    const output = await execution.result;
    await watched;
    if (refused) throw refused;
    return output;
  } catch (error) {
    throw refused ?? error;
  } finally {
    await going;
    signal?.removeEventListener('abort', execution.abort);
  }
}

type Definition = ConstructorParameters<typeof StateMachine>[0];
type Input = Parameters<StateMachine['run']>[0];

function tooLarge(state: string, part: string, value: unknown): PayloadTooLarge | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(value) ?? '');
  if (bytes <= mostBytes) return undefined;
  return new PayloadTooLarge(
    `the ${part} of state ${state} must have at most ${mostBytes} bytes, got ${bytes}; pass a key, and keep lists in documents`,
  );
}
