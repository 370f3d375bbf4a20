/** `c360 run` in a process of its own, which ends or stops itself at one of the calls by which it changes the disk. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { repositoryRoot } from './c360.ts';

interface Call {
  /** As the command tells it. */
  step: string;
  /** Counted within the step. */
  number: number;
  /** The function that was called. */
  name: string;
}

type When = 'before' | 'during' | 'after';

/** A call of a run that was let through, with the times at which it may be stopped. */
interface MeasuredCall extends Call {
  phases: When[];
  ms?: number;
}

export interface StopPoint {
  step: string;
  number: number;
  when: When;
  /** How long after the beginning of a call `during` it is. */
  afterMs?: number;
  signal: 'SIGKILL' | 'SIGSTOP';
}

export interface StoppedRun {
  /** What was told so far: the calls, or where there is a point only the one at which it stopped. */
  calls: MeasuredCall[];
  /** The call that it stops at; never, where it does not get there. */
  reached: Promise<Call & { when: When }>;
  /** The signal that ended it, or the line that the command told last. */
  ended: Promise<string>;
  /** Lets it go on after SIGSTOP. */
  resume(): void;
}

export function stoppedRun(dataDir: string, point?: StopPoint): StoppedRun {
  const command = ['--import', './test/support/stop-at-call.mjs', 'src/cli/main.ts', 'run', '--data-dir', dataDir];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...command], {
    cwd: repositoryRoot,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(point && { C360_STOP_AT: JSON.stringify(point) }) },
  });
  const calls: MeasuredCall[] = [];
  const reached = Promise.withResolvers<Call & { when: When }>();
  createInterface({ input: child.stdio[3] as NodeJS.ReadableStream }).on('line', (line) => {
    const call = JSON.parse(line);
    calls.push(call);
    if (point) reached.resolve(call);
  });
  let told = '';
  child.stderr!.on('data', (text) => {
    told += text;
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (_code, signal) => resolve(signal ?? lastLine(told)));
  });
  return { calls, reached: reached.promise, ended, resume: () => child.kill('SIGCONT') };
}

/** What the terminal shows last: a line that is written over another begins behind a carriage return. */
const lastLine = (told: string): string =>
  stripVTControlCharacters(told.trimEnd().split('\n').at(-1)!.split('\r').at(-1)!);
