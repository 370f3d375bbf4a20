import { createReadStream, existsSync, statSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { RefusedInput } from '../domain/refused-input.ts';
import type { DoorCounts } from '../flows/door.ts';
import { fingerprintOf } from '../flows/fingerprint.ts';
import { archiveStream } from '../local/archive-stream.ts';
import { type Produced, produce, recordsIn } from '../local/produce.ts';
import type { Environment } from '../ports.ts';
import { commands, type GlobalOptions, globalOptions, withPlatform } from './context.ts';
import { count, printSummary, say } from './output.ts';
import { progress } from './progress.ts';
import { openDeployment } from './target.ts';

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
  $ c360 produce events.jsonl --rate 50 --for 5m
  $ c360 produce events.jsonl --target aws         to Kinesis; there archive-events takes them to the lake`,
    )
    .action(async (file: string, options: Pace, command: Command) => {
      const globals = globalOptions(command);
      if (!existsSync(file) || !statSync(file).isFile()) throw new RefusedInput(`${file} is no file; check the path`);
      const { sha256, bytes } = await fingerprintOf(createReadStream(file));
      const events = { sha256, bytes, lines: recordsIn(createReadStream(file)) };
      if (globals.target === 'aws') return produceOnAws(globals, events, options);
      await withPlatform(globals, 'write', async ({ env }) => {
        const { produced, archived } = await produceAndArchive(env, events, options);
        tellKnown(produced);
        printSummary({ sent: produced.sent, ...archived }, globals.format);
        if (archived.quarantined > 0) {
          say(`${count(archived.quarantined)} events went to quarantine. Next: c360 quarantine list`);
        }
        if (archived.raw > 0) say('Next: c360 run');
        refuseOversized(produced);
      });
    });
}

/** On AWS the function archive-events takes the stream to the archive, whenever something is in it. */
async function produceOnAws(globals: GlobalOptions, events: EventsFile, options: Pace): Promise<void> {
  const { env } = await openDeployment(globals);
  const produced = await send(env, events, options);
  tellKnown(produced);
  printSummary({ sent: produced.sent }, globals.format);
  if (produced.sent > 0) {
    const c360 = commands(globals);
    say(`archive-events takes them to the lake within minutes. Next: ${c360('status')}, then ${c360('run')}`);
  }
  refuseOversized(produced);
}

function tellKnown({ known }: Produced): void {
  if (known > 0) say(`${count(known)} lines of this file had been produced before.`);
}

function refuseOversized({ oversized }: Produced): void {
  if (oversized.length === 0) return;
  throw new RefusedInput(
    `a record may have 1 MiB at most; left out as longer: line ${oversized.slice(0, 5).join(', ')}; split them at their source`,
  );
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

/** Puts the lines into the stream, with a bar. */
function send(env: Environment, { sha256, bytes, lines }: EventsFile, { rate, for: seconds }: Pace): Promise<Produced> {
  const sending = progress('events → stream', bytes, 'bytes');
  const onProgress = (_: number, read: number) => sending.update(read);
  return produce(env, sha256, lines, { rate, seconds, onProgress }).finally(() => sending.stop());
}

/**
 * Puts the lines into the stream and brings the stream to the archive, one after the other, each with its bar; at a
 * given pace both at the same time.
 */
export async function produceAndArchive(
  env: Environment,
  events: EventsFile,
  pace: Pace = {},
): Promise<{ produced: Produced; archived: DoorCounts }> {
  const options = { patienceSeconds, onFailure: tellFailure() };
  if (pace.rate !== undefined) {
    const producing = new AbortController();
    const archiving = archiveStream(env, { ...options, follow: producing.signal });
    const sent = send(env, events, pace).finally(() => producing.abort());
    await Promise.allSettled([sent, archiving]);
    return { produced: await sent, archived: await archiving };
  }
  const produced = await send(env, events, pace);
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
