import { createReadStream, existsSync, statSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { RefusedInput } from '../domain/refused-input.ts';
import type { DoorCounts } from '../flows/door.ts';
import { fingerprintOf } from '../flows/fingerprint.ts';
import { archiveStream } from '../local/archive-stream.ts';
import { type Produced, produce, recordsIn } from '../local/produce.ts';
import type { Environment } from '../ports.ts';
import { globalOptions, withPlatform } from './context.ts';
import { count, printSummary, say } from './output.ts';
import { progress } from './progress.ts';

interface Pace {
  /** Records a second. */
  rate?: number;
  /** Seconds. */
  for?: number;
}

export function produceCommand(): Command {
  return new Command('produce')
    .description('put events into the stream, from where they are archived')
    .argument('<file>', 'one JSON event a line')
    .option('--rate <records>', 'so many records a second (default: as fast as the stream takes them)', parseRate)
    .option('--for <duration>', 'end after this time, such as 30s or 5m (default: with the file)', parseDuration)
    .addHelpText(
      'after',
      `
Events that break their contract go to quarantine with the reason; the rest goes on. A file that was produced before puts
nothing, one that was cut off goes on where it ended.

Examples:
  $ c360 produce events.jsonl
  $ c360 produce events.jsonl --rate 50 --for 5m`,
    )
    .action(async (file: string, options: Pace, command: Command) => {
      const globals = globalOptions(command);
      if (!existsSync(file) || !statSync(file).isFile()) throw new RefusedInput(`${file} is no file; check the path`);
      const { sha256, bytes } = await fingerprintOf(createReadStream(file));
      await withPlatform(globals, 'write', async ({ env }) => {
        const lines = recordsIn(createReadStream(file));
        const { produced, archived } = await produceAndArchive(env, { sha256, bytes, lines }, options);
        if (produced.known > 0) say(`${count(produced.known)} lines of this file had been produced before.`);
        printSummary({ sent: produced.sent, ...archived }, globals.format);
        if (archived.quarantined > 0) {
          say(`${count(archived.quarantined)} events went to quarantine. Next: c360 quarantine list`);
        }
        if (archived.raw > 0) say('Next: c360 run');
        if (produced.oversized.length > 0) {
          throw new RefusedInput(
            `a record may have 1 MiB at most; left out as longer: line ${produced.oversized.slice(0, 5).join(', ')}; split them at their source`,
          );
        }
      });
    });
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (rate > 0 && rate <= 100_000) return rate;
  throw new InvalidArgumentError('It must be a number of records a second, above 0 and up to 100000.');
}

function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d+)(s|m|h)$/.exec(text) ?? [];
  const seconds = Number(amount) * { s: 1, m: 60, h: 3600 }[unit as 's' | 'm' | 'h'];
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError('It must be a whole number of seconds, minutes or hours, such as 30s, 5m or 1h.');
}

/** Time enough for the attempts after which a record that cannot be processed goes to quarantine. */
const patienceSeconds = 60;

export interface EventsFile {
  /** Of the content: what is produced is known by it. */
  sha256: string;
  bytes: number;
  lines: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/**
 * Puts the lines into the stream and brings the stream to the archive, one after the other, each with its bar; at a
 * given pace both at the same time.
 */
export async function produceAndArchive(
  env: Environment,
  { sha256, bytes, lines }: EventsFile,
  { rate, for: seconds }: Pace = {},
): Promise<{ produced: Produced; archived: DoorCounts }> {
  const sending = progress('events → stream', bytes, 'bytes');
  const onSent = (_: number, read: number) => sending.update(read);
  const send = () => produce(env, sha256, lines, { rate, seconds, onProgress: onSent });
  const options = { patienceSeconds, onFailure: tellFailure() };
  if (rate !== undefined) {
    const producing = new AbortController();
    const archiving = archiveStream(env, { ...options, follow: producing.signal });
    const sent = send().finally(() => {
      sending.stop();
      producing.abort();
    });
    await Promise.allSettled([sent, archiving]);
    return { produced: await sent, archived: await archiving };
  }
  const produced = await send().finally(() => sending.stop());
  const archiving = progress('stream → lake', produced.sent, 'events');
  const onProgress = (records: number) => archiving.update(records);
  const archived = await archiveStream(env, { ...options, onProgress }).finally(() => archiving.stop());
  return { produced, archived };
}

/** Tells a failure that is tried again, once while it lasts. */
function tellFailure(): (failure: Error) => void {
  let told = '';
  return ({ message }) => {
    if (message !== told) say(`${message}; trying again`);
    told = message;
  };
}
