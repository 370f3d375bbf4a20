/** Functions called as Lambda calls them: batches of the stream by its event source, notices of files by its queue. */
import { archiveEventSource } from '../../src/domain/stream/event-source-settings.ts';
import { archiveConsumerName } from '../../src/flows/archive-events.ts';
import type { KinesisBatchResponse, KinesisEvent } from '../../src/flows/kinesis-handler.ts';
import type { QueueBatchResponse, QueueEvent } from '../../src/flows/landing-handler.ts';
import { consumeStream } from '../../src/local/event-source.ts';
import type { Environment } from '../../src/ports.ts';
import { FunctionProcess, ProcessEnded } from './bundled-function.ts';

/** A function whose process Lambda starts anew when it has ended. */
export class DeployedFunction {
  /** How many calls were cut off, the process being killed before it answered. */
  interrupted = 0;
  readonly #start: () => FunctionProcess;
  readonly #started: FunctionProcess[] = [];
  #running: FunctionProcess | undefined;

  constructor(path: string, variables: Record<string, string>) {
    this.#start = () => new FunctionProcess(path, variables);
  }

  /** All that its processes printed and logged. */
  get output(): string {
    return this.#started.map(({ output }) => output).join('');
  }

  async call<Answer>(event: object): Promise<Answer> {
    if (!this.#running) {
      this.#running = this.#start();
      this.#started.push(this.#running);
    }
    try {
      return await this.#running.call<Answer>(event);
    } catch (error) {
      if (!(error instanceof ProcessEnded)) throw error;
      if (error.signal === 'SIGKILL') this.interrupted += 1;
      this.#running = undefined;
      throw error;
    }
  }

  /** Kills its process in the midst of a call. */
  interrupt(): void {
    void this.#running?.kill();
  }

  /** Ends its process between two calls, as Lambda does after a while. */
  async end(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.kill();
  }
}

/** Hundred records a call, so that a suite's few thousand are many calls, and no waiting for more of them. */
const settings = { ...archiveEventSource, batchSize: 100, maxBatchingWindowSeconds: 0 };
const noWait = { sleep: async () => {}, random: () => 0 };

/**
 * Hands all that the stream holds to a function. Where its process ends or its handler throws, the batch is halved, as
 * Lambda does. Checkpoints are in the hot store of `env`: they belong to Lambda, which nobody kills.
 */
export const consumeAsLambda = (
  env: Environment,
  invoke: (event: KinesisEvent) => Promise<KinesisBatchResponse>,
): Promise<void> => consumeStream(env, { consumer: archiveConsumerName, settings, invoke }, { timer: noWait });

/** Gives the notices of landed files to a function until it has taken them; returns how often. */
export async function deliverNotices(called: DeployedFunction, keys: string[], mostTimes: number): Promise<number> {
  const Records = keys.map((key, index) => ({
    messageId: `message ${index}`,
    body: JSON.stringify({ Records: [{ s3: { object: { key } } }] }),
  }));
  let waiting = Records;
  for (let times = 1; times <= mostTimes; times += 1) {
    const event: QueueEvent = { Records: waiting };
    const failed = await called.call<QueueBatchResponse>(event).then(
      ({ batchItemFailures }) => batchItemFailures.map(({ itemIdentifier }) => itemIdentifier),
      () => waiting.map(({ messageId }) => messageId),
    );
    waiting = waiting.filter(({ messageId }) => failed.includes(messageId));
    if (waiting.length === 0) return times;
  }
  throw new Error(`${waiting.length} notices were given ${mostTimes} times and not taken`);
}
