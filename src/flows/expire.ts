/** The stores of what may not be kept: landing for a day, quarantine and the on-failure store as long as their keys. */

import { isQuarantineOver, oldestQuarantineDay } from '../domain/privacy/quarantine-day.ts';
import { archiveEventSource } from '../domain/stream/event-source-settings.ts';
import type { Environment } from '../ports.ts';
import { readDocument } from './documents.ts';
import { linesOfObject, type QuarantineLine } from './door.ts';

import type { FailedBatch } from './redrive-failures.ts';

/** Objects that were deleted. */
export interface Expired {
  /** Files that were not ingested within a day; they can be uploaded again. */
  landing: number;
  quarantine: number;
  /** Batches of the on-failure store that nobody brought back. */
  failures: number;
}

const landingHours = 24;

/** Deletes what is past its time. Quarantined records that go stay counted, since the counts stand elsewhere. */
export const expire = (env: Environment) => async (): Promise<Expired> => ({
  landing: await expireLanding(env),
  quarantine: await expireSealed(env, 'quarantine/', async (key) => {
    const [line] = await linesOfObject(env, key);
    return line && (JSON.parse(line) as QuarantineLine).sealedOn;
  }),
  failures: await expireSealed(env, archiveEventSource.onFailurePrefix, async (key) => {
    return (await readDocument<FailedBatch>(env, key))?.sealedOn;
  }),
});

async function expireLanding(env: Environment): Promise<number> {
  const oldest = env.clock.now().getTime() - landingHours * 3_600_000;
  const expired: string[] = [];
  for await (const { key, modifiedAt } of env.objects.list('landing/')) {
    if (modifiedAt.getTime() < oldest) expired.push(key);
  }
  await env.objects.delete(expired);
  return expired.length;
}

/** By the day of the key that sealed them, since an object's own time is that of its copy where it was copied. */
async function expireSealed(
  env: Environment,
  prefix: string,
  sealedOnOf: (key: string) => Promise<string | undefined>,
): Promise<number> {
  const now = env.clock.now();
  const oldest = oldestQuarantineDay(now);
  const expired: string[] = [];
  for await (const { key } of env.objects.list(prefix)) {
    const [, arrivedOn = ''] = /\/dt=([^/]*)/.exec(key) ?? [];
    // Nothing is sealed before it arrives: only of what arrived long ago need the object be read.
    if (arrivedOn >= oldest) continue;
    const sealedOn = await sealedOnOf(key);
    if (sealedOn !== undefined && isQuarantineOver(sealedOn, now)) expired.push(key);
  }
  await env.objects.delete(expired);
  return expired.length;
}
