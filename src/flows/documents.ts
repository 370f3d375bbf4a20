/** JSON documents in the object store. */

import { snapshotKey } from '../domain/lake/layout.ts';
import type { Snapshot } from '../domain/lake/snapshot.ts';
import type { Environment } from '../ports.ts';

const encode = (document: unknown): Uint8Array => Buffer.from(JSON.stringify(document));

export async function readDocument<T>(env: Environment, key: string): Promise<T | undefined> {
  const bytes = await env.objects.get(key);
  return bytes && (JSON.parse(Buffer.from(bytes).toString('utf8')) as T);
}

export const writeDocument = (env: Environment, key: string, document: unknown): Promise<void> =>
  env.objects.put(key, encode(document));

export const writeDocumentOnce = (env: Environment, key: string, document: unknown): Promise<boolean> =>
  env.objects.putIfAbsent(key, encode(document));

export const readSnapshot = (env: Environment, number: number): Promise<Snapshot | undefined> =>
  readDocument<Snapshot>(env, snapshotKey(number));

/** The snapshot with the greatest number, or undefined before the first run. */
export async function newestSnapshot(env: Environment): Promise<Snapshot | undefined> {
  const newest = (await snapshotKeys(env)).at(-1);
  return newest === undefined ? undefined : readDocument<Snapshot>(env, newest);
}

/** All snapshots that are kept, oldest first. */
export async function listSnapshots(env: Environment): Promise<Snapshot[]> {
  const snapshots = await Promise.all((await snapshotKeys(env)).map((key) => readDocument<Snapshot>(env, key)));
  return snapshots.filter((snapshot) => snapshot !== undefined);
}

async function snapshotKeys(env: Environment): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of env.objects.list('snapshots/')) keys.push(key);
  return keys;
}
