/** A function's bundle, called as Lambda calls it: in a process of its own with nothing but its environment variables. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';

/** The handler threw: the name and the message of its error, as Lambda tells them. */
export class HandlerFailed extends Error {
  readonly errorType: string;

  constructor(errorType: string, errorMessage: string) {
    super(errorMessage);
    this.errorType = errorType;
  }
}

/** The process ended while it was called. `signal` is what killed it. */
export class ProcessEnded extends Error {
  readonly signal: NodeJS.Signals | null;

  constructor(code: number | null, signal: NodeJS.Signals | null) {
    super(`the function's process ended with ${code ?? signal}`);
    this.signal = signal;
  }
}

const runtime = `
  const loaded = import(process.argv[1]);
  process.on('message', async ({ event, remainingMs }) => {
    try {
      const { handler } = await loaded;
      // Lambda answers null where a handler gives nothing.
      process.send({ answer: (await handler(event, { getRemainingTimeInMillis: () => remainingMs })) ?? null });
    } catch (error) {
      console.error(error);
      process.send({ errorType: error.name, errorMessage: error.message });
    }
  });
`;

/** The process in which Lambda keeps a function between calls: what its module holds stays, as in a warm start. */
export class FunctionProcess {
  /** All that was printed and logged. */
  output = '';
  readonly #child: ChildProcess;
  readonly #closed: Promise<[number | null, NodeJS.Signals | null]>;

  constructor(path: string, variables: Record<string, string>) {
    this.#child = spawn(process.execPath, ['--input-type=module', '-e', runtime, pathToFileURL(path).href], {
      env: variables,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const printed of [this.#child.stdout!, this.#child.stderr!]) {
      printed.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.#closed = once(this.#child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  }

  /** One call at a time; the context tells of the time that is left for it. Throws HandlerFailed or ProcessEnded. */
  async call<Answer>(event: object, remainingMs = 900_000): Promise<Answer> {
    const answered = once(this.#child, 'message');
    const ended = this.#closed.then(([code, signal]) => Promise.reject(new ProcessEnded(code, signal)));
    this.#child.send({ event, remainingMs }, () => {
      // A process that is gone says so by its end.
    });
    const [message] = await Promise.race([answered, ended]);
    if (!('answer' in message)) throw new HandlerFailed(message.errorType, message.errorMessage);
    return message.answer as Answer;
  }

  /** Ends the process, at once and whatever it is doing, and waits for its end. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }
}

export interface Called<Answer> {
  /** What the handler answered, for each event in order; undefined where it threw. */
  answers: (Answer | undefined)[];
  output: string;
}

/** Calls the handler with one event after the other in a new process. */
export async function callBundle<Answer>(
  path: string,
  variables: Record<string, string>,
  events: object[],
  remainingMs?: number,
): Promise<Called<Answer>> {
  const started = new FunctionProcess(path, variables);
  const answers: (Answer | undefined)[] = [];
  try {
    for (const event of events) {
      const call = started.call<Answer>(event, remainingMs);
      answers.push(
        await call.catch((error: unknown) => {
          if (error instanceof HandlerFailed) return undefined;
          throw error;
        }),
      );
    }
  } finally {
    await started.kill();
  }
  return { answers, output: started.output };
}
