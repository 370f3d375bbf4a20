/** Waiting and trying again, for what the AWS clients do not retry themselves. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdapterError } from '../../ports.ts';

export interface Pause {
  /** Waits so many milliseconds. */
  sleep(milliseconds: number): Promise<void>;
  /** A number from 0 up to, not including, 1. */
  random(): number;
}

export const systemPause: Pause = {
  sleep: async (milliseconds) => {
    await sleep(milliseconds);
  },
  random: Math.random,
};

/** What came of one attempt: its value, or the error to give where no other attempt goes better. */
export type Attempt<T> = { value: T } | { again: AdapterError };

const attempts = 8;
const firstDelayMs = 50;
const longestDelayMs = 2_000;

/** Repeats `work` while it asks for that, eight times in all. */
export async function retrying<T>(pause: Pause, work: () => Promise<Attempt<T>>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await work();
    if ('value' in outcome) return outcome.value;
    if (attempt === attempts) throw outcome.again;
    // Full jitter: writers that met once should not meet again.
    await pause.sleep(pause.random() * Math.min(longestDelayMs, firstDelayMs * 2 ** (attempt - 1)));
  }
}
