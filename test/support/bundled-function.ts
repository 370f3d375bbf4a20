/** A function's bundle, called as Lambda calls it: in a process of its own with nothing but its environment variables. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

export interface Called<Answer> {
  /** What the handler answered, for each event in order; undefined where it threw. */
  answers: (Answer | undefined)[];
  /** All that was printed and logged. */
  output: string;
}

const caller = `
  const { events, url, remainingMs } = JSON.parse(await new Response(process.stdin).text());
  const { handler } = await import(url);
  const answers = [];
  for (const event of events) {
    try {
      answers.push(await handler(event, { getRemainingTimeInMillis: () => remainingMs }));
    } catch (error) {
      console.error(error);
      answers.push(null);
    }
  }
  await new Promise((sent) => process.send(answers, sent));
  process.disconnect();
`;

export async function callBundle<Answer>(
  path: string,
  variables: Record<string, string>,
  events: object[],
  /** What the context tells of the call's time. */
  remainingMs = 900_000,
): Promise<Called<Answer>> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', caller], {
    env: variables,
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  });
  let answers: (Answer | null)[] | undefined;
  child.on('message', (message) => {
    answers = message as (Answer | null)[];
  });
  child.stdin!.end(JSON.stringify({ events, remainingMs, url: pathToFileURL(path).href }));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [printed, logged] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  const status = await ended;
  if (!answers) throw new Error(`the function's process ended with ${status}: ${logged}`);
  return { answers: answers.map((answer) => answer ?? undefined), output: printed + logged };
}
