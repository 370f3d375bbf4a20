/** What a run is asked to do: the input of the pipeline's state machine. */
import { isObject, type JsonObject } from '../json.ts';
import { RefusedInput } from '../refused-input.ts';

/**
 * `run` takes in what is new; `replay` makes every table anew from all raw records; `backfill` makes the dates of a range
 * anew, and `rerun` what an earlier run touched, both from the raw records that are consumed already.
 */
const runKinds = ['run', 'replay', 'backfill', 'rerun'] as const;
export type RunKind = (typeof runKinds)[number];

export type RunRequest =
  | {
      kind: 'run' | 'replay';
      /** Consume what a rollback holds, too. */
      release: boolean;
    }
  /** Business dates `YYYY-MM-DD`, both included. */
  | { kind: 'backfill'; from: string; to: string }
  /** The id of the earlier run. */
  | { kind: 'rerun'; run: string };

const fieldsOf: Record<RunKind, string[]> = {
  run: ['kind', 'release'],
  replay: ['kind', 'release'],
  backfill: ['kind', 'from', 'to'],
  rerun: ['kind', 'run'],
};

/** Longer than any history that is kept in raw. */
const mostDays = 3660;

/** Reads an execution's input. RefusedInput where it asks for what no run does. */
export function parseRunRequest(input: unknown): RunRequest {
  if (!isObject(input)) throw new RefusedInput('a run is asked for by a JSON object; {} takes in what is new');
  const kind = runKinds.find((known) => known === (input.kind ?? 'run'));
  if (!kind) throw new RefusedInput(`kind must be ${runKinds.join(', ')}, got ${shown(input.kind)}`);
  const unknown = Object.keys(input).find((field) => !fieldsOf[kind].includes(field));
  if (unknown) throw new RefusedInput(`a ${kind} takes ${fieldsOf[kind].join(', ')}, got also ${shown(unknown)}`);
  if (kind === 'backfill') return backfillOf(input);
  if (kind === 'rerun') return { kind, run: runOf(input.run) };
  if (typeof (input.release ?? false) !== 'boolean') {
    throw new RefusedInput(`release must be true or false, got ${shown(input.release)}`);
  }
  return { kind, release: input.release === true };
}

function backfillOf(input: JsonObject): RunRequest {
  const [from, to] = [dateOf('from', input.from), dateOf('to', input.to)];
  if (from > to) throw new RefusedInput(`from must not be behind to, got ${from} and ${to}`);
  if (daysBetween(from, to).length > mostDays) {
    throw new RefusedInput(
      `a backfill takes at most ${mostDays} days, got ${from} to ${to}; \`replay\` makes all anew`,
    );
  }
  return { kind: 'backfill', from, to };
}

function dateOf(name: string, value: unknown): string {
  const text = typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) ? value : '';
  const time = new Date(`${text}T00:00:00Z`);
  // A day that is not in the calendar becomes another one, or none.
  if (!Number.isNaN(time.getTime()) && time.toISOString().startsWith(text)) return text;
  throw new RefusedInput(`${name} must be a date YYYY-MM-DD, got ${shown(value)}`);
}

function runOf(value: unknown): string {
  if (typeof value === 'string' && /^[\w-]{1,64}$/.test(value)) return value;
  throw new RefusedInput(`run must be the id of an earlier run, got ${shown(value)}; \`c360 runs\` lists them`);
}

/** The days from one to another, both included. */
export function daysBetween(from: string, to: string): string[] {
  const days: string[] = [];
  for (let time = Date.parse(from); time <= Date.parse(to); time += 86_400_000) {
    days.push(new Date(time).toISOString().slice(0, 10));
  }
  return days;
}

const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60));
