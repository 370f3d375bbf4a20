/** What a vault stores, whatever it is stored in: look-up values in place of names, keys under keys, sealed fields. */
import { createHmac, createSecretKey } from 'node:crypto';
import type { Namespace } from '../../contracts/index.ts';
import { oncePer } from '../once-per.ts';
import { open, SealError, seal } from './seal.ts';

/** A vault key or HMAC key; in lists of them the newest stands first. */
export interface VersionedKey {
  version: number;
  key: Uint8Array;
}

/** A data key or quarantine key, sealed under one version of the vault key. */
export interface WrappedKey {
  vaultKeyVersion: number;
  wrappedKey: string;
}

/** A natural id as one text; no two natural ids share one. */
export function nameOf({ namespace, id }: { namespace: Namespace; id: string }): string {
  return `${namespace}\0${id}`;
}

/** An e-mail as one text, which no natural id has. */
export function emailName(email: string): string {
  return `email\0${normalisedEmail(email)}`;
}

/** HMAC-SHA-256: what stands for a name where its entry is looked up. 32 bytes. */
export function lookUpValue(key: Uint8Array, name: string): Buffer {
  return createHmac('sha256', keyObjectOf(key)).update(name).digest();
}

const keyObjectOf = oncePer((key: Uint8Array) => createSecretKey(key));

/** Seals a key under the newest vault key. `owner` says whose key it is, and it opens for no other. */
export function wrapKey(vaultKeys: VersionedKey[], key: Uint8Array, owner: string): WrappedKey {
  const newest = vaultKeys[0]!;
  return { vaultKeyVersion: newest.version, wrappedKey: seal(newest.key, key, `key of ${owner}`) };
}

/** The key that was wrapped. SealError where it was wrapped for another owner, or under a version that is not given. */
export function unwrapKey(
  vaultKeys: VersionedKey[],
  { vaultKeyVersion, wrappedKey }: WrappedKey,
  owner: string,
): Buffer {
  const vaultKey = vaultKeys.find(({ version }) => version === vaultKeyVersion);
  if (!vaultKey) throw new SealError(`the vault has no version ${vaultKeyVersion} of its key`);
  return open(vaultKey.key, wrappedKey, `key of ${owner}`);
}

/** A subject whose key is unwrapped when it is first asked for: most records seal nothing. */
export function subjectWith(subjectId: string, unwrap: () => Uint8Array): { subjectId: string; dataKey: Uint8Array } {
  let dataKey: Uint8Array | undefined;
  return {
    subjectId,
    get dataKey() {
      dataKey ??= unwrap();
      return dataKey;
    },
  };
}

/** Personal data under the key of their subject. */
export function sealFields(
  { subjectId, dataKey }: { subjectId: string; dataKey: Uint8Array },
  fields: Record<string, string>,
): string {
  return seal(dataKey, JSON.stringify(fields), `personal data of ${subjectId}`);
}

/** The personal data that were sealed. SealError where they are another subject's. */
export function openFields(
  { subjectId, dataKey }: { subjectId: string; dataKey: Uint8Array },
  sealed: string,
): Record<string, string> {
  return JSON.parse(open(dataKey, sealed, `personal data of ${subjectId}`).toString()) as Record<string, string>;
}

/** Why a text cannot be the day of a quarantine key; undefined where it can. */
export function quarantineDayProblem(day: string): string | undefined {
  if (/^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(Date.parse(day))) return undefined;
  return `the day of a quarantine key must be YYYY-MM-DD, got ${day}`;
}

/** Spellings that reach one mailbox in practice: case, surrounding blanks and Unicode form do not count. */
function normalisedEmail(email: string): string {
  return email.trim().normalize('NFC').toLowerCase();
}
