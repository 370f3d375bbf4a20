/** Runs of the pipeline on AWS: executions of its state machine. */
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { clientSettings } from './clients.ts';
import type { Deployment } from './deployment.ts';
import { read } from './environment.ts';
import { adapterError, errorCode } from './errors.ts';

export interface PipelineExecution {
  /** As Step Functions says it, such as `RUNNING`, `SUCCEEDED` or `TIMED_OUT`. */
  status: string;
  /** Where it failed: the name that its last state gave the error. */
  error?: string;
}

export interface PipelineExecutionsOptions {
  client: SFNClient;
  stateMachineArn: string;
}

export class PipelineExecutions {
  readonly #client: SFNClient;
  readonly #stateMachineArn: string;

  constructor({ client, stateMachineArn }: PipelineExecutionsOptions) {
    this.#client = client;
    this.#stateMachineArn = stateMachineArn;
  }

  /** Starts one under this name. A request that is sent again, since its answer was lost, starts no second. */
  async start(name: string, input: object): Promise<void> {
    const command = new StartExecutionCommand({
      stateMachineArn: this.#stateMachineArn,
      name,
      input: JSON.stringify(input),
    });
    await this.#call('starting a run', () => this.#client.send(command));
  }

  /** How an execution goes. One that was started a moment ago may not be known yet: it is running. */
  async describe(name: string): Promise<PipelineExecution> {
    const command = new DescribeExecutionCommand({ executionArn: this.executionArn(name) });
    const described = await this.#call('following a run', async () => {
      try {
        return await this.#client.send(command);
      } catch (error) {
        if (errorCode(error) === 'ExecutionDoesNotExist') return undefined;
        throw error;
      }
    });
    return { status: described?.status ?? 'RUNNING', error: described?.error };
  }

  /** True where an execution has ended, however it did. One that Step Functions does not know may be about to begin. */
  async hasEnded(name: string): Promise<boolean> {
    return (await this.describe(name)).status !== 'RUNNING';
  }

  executionArn(name: string): string {
    return `${this.#stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
  }

  async #call<T>(what: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw adapterError(`Step Functions: ${what}`, error);
    }
  }
}

/** The executions of a deployment's pipeline. */
export function pipelineExecutions({ variables }: Deployment): PipelineExecutions {
  return new PipelineExecutions({
    client: new SFNClient({ ...clientSettings(variables) }),
    stateMachineArn: read(variables, 'C360_STATE_MACHINE'),
  });
}
