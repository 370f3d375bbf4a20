/** The platform kept going on one machine: what comes into the stream is archived, and the pipeline runs when it is due. */
import { systemTimer } from '../adapters/local/timer.ts';
import type { Environment, Timer } from '../ports.ts';
import { type ArchiveOptions, archiveStream } from './archive-stream.ts';
import { type RunInput, type RunResult, type RunWatcher, runPipeline } from './run-pipeline.ts';
import type { NextDue } from './schedule.ts';

export interface ServeWatcher extends RunWatcher {
  /** The next run is due at this time; undefined where none is ever. */
  waiting?(due: Date | undefined): void;
  /** A run begins, which was due at this time. */
  due?(due: Date): void;
  ended?(result: RunResult): void;
  /** A run that failed; the next one takes up what is missing. */
  broken?(error: unknown): void;
}

export interface ServeOptions {
  nextDue: NextDue;
  /** What the runs are asked. */
  input: RunInput;
  /** Ends it: behind the step of a run that is going on, and with the records of the stream archived. */
  signal: AbortSignal;
  /** Runs at once, too. */
  isNow?: boolean;
  watcher?: ServeWatcher;
  archive?: Omit<ArchiveOptions, 'follow' | 'timer'>;
  timer?: Timer;
}

/** So often it is looked whether a run is due: clocks are set, and machines sleep. */
const lookMs = 1000;

/** Serves until the signal. Throws where the stream can no longer be archived, once the run that is going on has stopped. */
export async function serve(env: Environment, { archive, ...options }: ServeOptions): Promise<void> {
  const { timer = systemTimer } = options;
  const broken = new AbortController();
  const signal = AbortSignal.any([options.signal, broken.signal]);
  const archived = archiveStream(env, { ...archive, follow: signal, timer }).catch((error: unknown) => {
    broken.abort();
    throw error;
  });
  // What it throws is thrown below, behind the runs.
  const archiving = archived.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  await keepSchedule(env, { ...options, signal, timer });
  const failure = await archiving;
  if (failure) throw failure.error;
}

async function keepSchedule(
  env: Environment,
  { nextDue, input, signal, isNow, watcher = {}, timer }: ServeOptions & { timer: Timer },
): Promise<void> {
  let due = isNow ? env.clock.now() : nextDue(env.clock.now());
  while (!signal.aborted) {
    if (!isNow || due === undefined || due > env.clock.now()) watcher.waiting?.(due);
    while (!signal.aborted && (due === undefined || env.clock.now() < due)) await timer.sleep(lookMs);
    if (signal.aborted || due === undefined) return;
    watcher.due?.(due);
    try {
      watcher.ended?.(await runPipeline(env, watcher, input, signal));
    } catch (error) {
      if (!signal.aborted) watcher.broken?.(error);
    }
    // A run that took longer than the time to the next is followed by one run, not by all that were missed.
    due = nextDue(env.clock.now());
  }
}
