/**
 * How long quarantine is kept. What is refused is sealed under the key of the day on which that happens, not on which it
 * arrived: a record that waited long for its door still has the whole time to be repaired in. The day counts as the
 * first of 21, so that nothing is kept longer; with the day's key all that it sealed is gone, wherever copies are.
 */

const daysKept = 21;
const dayMs = 86_400_000;

/** `YYYY-MM-DD`, UTC. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

/** From this time on, what was sealed on the day (`YYYY-MM-DD`) is gone. */
export function quarantineEnd(day: string): Date {
  return new Date(Date.parse(day) + daysKept * dayMs);
}

export function isQuarantineOver(day: string, now: Date): boolean {
  return quarantineEnd(day) <= now;
}

/** The oldest day of which quarantine is still kept; days sort as text. */
export function oldestQuarantineDay(now: Date): string {
  return dayOf(new Date(now.getTime() - (daysKept - 1) * dayMs));
}
