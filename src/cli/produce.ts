import { createHash } from 'node:crypto';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { RefusedInput } from '../domain/refused-input.ts';
import type { DoorCounts } from '../flows/door.ts';
import { consumeStream } from '../local/consume-stream.ts';
import { type Produced, produce } from '../local/produce.ts';
import type { Environment } from '../ports.ts';
import { globalOptions, withPlatform } from './context.ts';
import { count, printSummary, say } from './output.ts';
import { progress } from './progress.ts';

export function produceCommand(): Command {
  return new Command('produce')
    .description('put events into the stream, from where they are archived')
    .argument('<file>', 'one JSON event a line')
    .addHelpText(
      'after',
      `
Events that break their contract go to quarantine with the reason; the rest goes on. A file that was produced before puts
nothing, one that was cut off goes on where it ended.

Examples:
  $ c360 produce events.jsonl`,
    )
    .action(async (file: string, _options: object, command: Command) => {
      const globals = globalOptions(command);
      if (!existsSync(file) || !statSync(file).isFile()) throw new RefusedInput(`${file} is no file; check the path`);
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(file)) hash.update(chunk);
      await withPlatform(globals, 'write', async ({ env }) => {
        const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
        const { produced, archived } = await produceAndArchive(env, hash.digest('hex'), linesOf(lines));
        if (produced.known > 0) say(`${count(produced.known)} lines of this file had been produced before.`);
        printSummary({ sent: produced.sent, ...archived }, globals.format);
        if (produced.oversized.length > 0) {
          throw new RefusedInput(
            `a record may have 1 MiB at most; line ${produced.oversized.slice(0, 5).join(', ')} has more and was left out: split it`,
          );
        }
      });
    });
}

async function* linesOf(lines: AsyncIterable<string>): AsyncIterable<Uint8Array> {
  for await (const line of lines) yield Buffer.from(line);
}

/** Puts the lines into the stream and brings the stream to the archive, each with its bar. */
export async function produceAndArchive(
  env: Environment,
  source: string,
  lines: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  expected = 0,
): Promise<{ produced: Produced; archived: DoorCounts }> {
  const sending = progress('events → stream', expected, 'events');
  const produced = await produce(env, source, lines, (records) => sending.update(records));
  sending.stop();
  const archiving = progress('stream → lake', expected || produced.sent, 'events');
  const archived = await consumeStream(env, (records) => archiving.update(records));
  archiving.stop();
  return { produced, archived };
}
