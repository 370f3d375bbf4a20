/** Waiting and trying again, for what the AWS clients do not retry themselves. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdapterError, Timer } from '../../ports.ts';

export const systemTimer: Timer = {
  sleep: (milliseconds) => sleep(milliseconds),
  random: () => Math.random(),
};

/** What came of one attempt: its value, or the error to give where no other attempt goes better. */
export type Attempt<T> = { value: T } | { again: AdapterError };

const attempts = 8;
const firstDelayMs = 50;
const longestDelayMs = 2_000;

/** Repeats `work` while it asks for that, eight times in all where nothing is said. */
export async function retrying<T>(timer: Timer, work: () => Promise<Attempt<T>>, most = attempts): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await work();
    if ('value' in outcome) return outcome.value;
    if (attempt === most) throw outcome.again;
    // Full jitter: writers that met once should not meet again.
    await timer.sleep(timer.random() * Math.min(longestDelayMs, firstDelayMs * 2 ** (attempt - 1)));
  }
}
