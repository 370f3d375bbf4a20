/** Reads what gates have refused. */
import type { Dataset } from '../contracts/index.ts';
import { arrivalDayOfKey } from '../domain/lake/layout.ts';
import type { Exclusion } from '../domain/quality/exclusions.ts';
import type { Environment } from '../ports.ts';

/**
 * Keys of the exclusions that can name a record of these raw objects, or of all there are: a gate refuses nothing that has
 * not arrived yet, and run ids begin with the run's time. One day is for clocks that differ.
 */
export async function exclusionKeys(
  env: Environment,
  newRaw: Partial<Record<Dataset, string[]>> = {},
): Promise<string[]> {
  const arrivals = Object.values(newRaw).flat().map(arrivalDayOfKey).sort();
  const since = arrivals[0] ? new Date(Date.parse(arrivals[0]) - dayMs).toISOString().slice(0, 10) : '';
  const keys: string[] = [];
  for await (const { key } of env.objects.list('exclusions/', `exclusions/${since.replaceAll('-', '')}`))
    keys.push(key);
  return keys;
}

const dayMs = 86_400_000;

/** The refused records of a dataset, of some keys or of all there are, by their ids in quarantine. A run that was cut off may have named one twice. */
export async function readExclusions(
  env: Environment,
  { dataset, keys }: { dataset?: Dataset; keys?: string[] } = {},
): Promise<Map<string, Exclusion>> {
  const found = new Map<string, Exclusion>();
  for (const key of keys ?? (await exclusionKeys(env))) {
    for (const exclusion of await readJsonLines<Exclusion>(env, key)) {
      if (dataset === undefined || exclusion.dataset === dataset) found.set(exclusion.id, exclusion);
    }
  }
  return found;
}

/** The lines of an object of JSON Lines; none where it does not exist. */
export async function readJsonLines<T>(env: Environment, key: string): Promise<T[]> {
  const bytes = await env.objects.get(key);
  const lines = Buffer.from(bytes ?? [])
    .toString('utf8')
    .split('\n');
  return lines.filter(Boolean).map((line) => JSON.parse(line) as T);
}
