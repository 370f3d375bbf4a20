/** Landing is transient: what was not ingested within a day goes, since it may hold personal data. */
import type { Environment } from '../ports.ts';

const hoursKept = 24;

/** Deletes landing objects that are older than a day and returns how many there were. Their files can be uploaded again. */
export const expireLanding = (env: Environment) => async (): Promise<number> => {
  const oldest = env.clock.now().getTime() - hoursKept * 3_600_000;
  const expired: string[] = [];
  for await (const { key, modifiedAt } of env.objects.list('landing/')) {
    if (modifiedAt.getTime() < oldest) expired.push(key);
  }
  await env.objects.delete(expired);
  return expired.length;
};
