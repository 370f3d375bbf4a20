/** A walk over a state machine's definition: what it lacks to be trusted, in a line each. */

export interface Definition {
  StartAt: string;
  States: Record<string, State>;
}

export interface State {
  Type: string;
  Resource?: string;
  Parameters?: { FunctionName?: string };
  Next?: string;
  Default?: string;
  End?: boolean;
  TimeoutSeconds?: number;
  Choices?: { Next: string }[];
  Retry?: Retrier[];
  Catch?: { ErrorEquals: string[]; ResultPath?: string | null; Next: string }[];
}

interface Retrier {
  ErrorEquals: string[];
  MaxAttempts?: number;
  BackoffRate?: number;
  MaxDelaySeconds?: number;
  JitterStrategy?: string;
}

export function breaches(definition: Definition): string[] {
  const tasks = Object.entries(definition.States).filter(([, { Type }]) => Type === 'Task');
  return [...tasks.flatMap(([name, state]) => taskBreaches(name, state)), ...untoldEnds(definition)];
}

function taskBreaches(name: string, { TimeoutSeconds, Retry = [], Catch = [] }: State): string[] {
  const forAll = Retry.find(({ ErrorEquals }) => ErrorEquals.includes('States.ALL'));
  const catchesAll = Catch.find(({ ErrorEquals }) => ErrorEquals.includes('States.ALL'));
  const tells = Catch.every(({ ResultPath }) => ResultPath === `$.failed.${name}`);
  return [
    !TimeoutSeconds && `${name} has no timeout`,
    !forAll?.MaxAttempts && `${name} is not tried again after every error`,
    Retry.some((retrier) => !isPatient(retrier)) && `${name} retries without backoff, jitter or longest delay`,
    !catchesAll && `${name} does not catch every error`,
    !tells && `${name} does not say at $.failed.${name} what failed`,
  ].filter((breach) => breach !== false);
}

const isPatient = ({ MaxAttempts, BackoffRate = 2, MaxDelaySeconds, JitterStrategy }: Retrier): boolean =>
  MaxAttempts === 0 || (BackoffRate > 1 && MaxDelaySeconds !== undefined && JitterStrategy === 'FULL');

/** Ends that are reached without having told anybody. Of a run that never began, since another is going on, nobody is told. */
function untoldEnds({ StartAt, States }: Definition): string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  const ways: { name: string; isTold: boolean }[] = [{ name: StartAt, isTold: false }];
  for (let way = ways.pop(); way; way = ways.pop()) {
    const { name, isTold } = way;
    if (seen.has(`${name} ${isTold}`)) continue;
    seen.add(`${name} ${isTold}`);
    const state = States[name]!;
    const tells = isTold || tellsOf(state);
    if (!tells && (state.End || state.Type === 'Succeed' || state.Type === 'Fail')) {
      found.add(`${name} ends a run of which nobody is told`);
    }
    const onwards = [state.Next, state.Default, ...(state.Choices ?? []).map(({ Next }) => Next)];
    for (const next of onwards) if (next) ways.push({ name: next, isTold: tells });
    // What failed to tell has told nobody; where even the topic cannot be reached, there is nobody left to tell.
    const isToldWhenFailing = isTold || isLastResort(state);
    for (const { Next, ErrorEquals } of state.Catch ?? []) {
      const hasBegun = name !== StartAt || ErrorEquals.join() !== 'RunLocked';
      ways.push({ name: Next, isTold: isToldWhenFailing || !hasBegun });
    }
  }
  return [...found];
}

const tellsOf = (state: State): boolean => state.Parameters?.FunctionName === `\${Notify}` || isLastResort(state);
const isLastResort = ({ Resource }: State): boolean => Resource === 'arn:aws:states:::sns:publish';
