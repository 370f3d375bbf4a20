/** Waiting and chance from the operating system. */
import { setTimeout } from 'node:timers/promises';
import type { Timer } from '../../ports.ts';

export const systemTimer: Timer = {
  sleep: (milliseconds) => setTimeout(milliseconds),
  random: () => Math.random(),
};
