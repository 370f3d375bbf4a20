/** Waiting and chance from the operating system. */
import { setTimeout } from 'node:timers/promises';

export interface Timer {
  sleep(milliseconds: number): Promise<void>;
  /** A number from 0 up to 1, evenly distributed. */
  random(): number;
}

export const systemTimer: Timer = {
  sleep: (milliseconds) => setTimeout(milliseconds),
  random: () => Math.random(),
};
