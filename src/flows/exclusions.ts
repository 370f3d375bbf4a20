/** Reads what gates have refused. */
import type { Dataset } from '../contracts/index.ts';
import type { Exclusion } from '../domain/quality/exclusions.ts';
import type { Environment } from '../ports.ts';

/** Keys of all exclusions there are: they hold for every run, replays too. */
export async function exclusionKeys(env: Environment): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of env.objects.list('exclusions/')) keys.push(key);
  return keys;
}

/** The refused records of a dataset, or of all, by their ids in quarantine. A run that was cut off may have named one twice. */
export async function readExclusions(env: Environment, dataset?: Dataset): Promise<Map<string, Exclusion>> {
  const found = new Map<string, Exclusion>();
  for (const key of await exclusionKeys(env)) {
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
