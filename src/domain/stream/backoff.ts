/** How long to wait before what failed is tried again. */

export interface BackoffLimits {
  /** Longest wait before the second attempt; it doubles with each further one. */
  firstMs: number;
  mostMs: number;
}

/**
 * Milliseconds to wait after the `failures`-th failure in a row: exponential, the upper half of it at random, so that
 * those who failed together do not come back together. `random` gives numbers from 0 up to 1.
 */
export function backoff(failures: number, { firstMs, mostMs }: BackoffLimits, random: () => number): number {
  const longest = Math.min(mostMs, firstMs * 2 ** (failures - 1));
  return (longest / 2) * (1 + random());
}
