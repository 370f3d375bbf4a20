/**
 * The vault on AWS: one DynamoDB table of HMACs and ciphertext, under keys that a KMS key wraps. Its items, by `id`:
 * `state` and its guards; `natural-id/<HMAC>`, a subject id or a tombstone; `subject/<subject id>`, the subject's key and
 * personal data, which so go in one; `quarantine/<day>`, the key of a day, with its end as `expires_at`.
 */
import { randomBytes } from 'node:crypto';
import { dayOf, isQuarantineOver, quarantineEnd } from '../../domain/privacy/quarantine-day.ts';
import {
  emailName,
  lookUpValue,
  nameOf,
  openFields,
  quarantineDayProblem,
  sealFields,
  subjectWith,
  unwrapKey,
  type VersionedKey,
  type WrappedKey,
  wrapKey,
} from '../../domain/privacy/vault-entries.ts';
import { RecentlyUsed } from '../../domain/recently-used.ts';
import {
  AdapterError,
  type Clock,
  type Ids,
  type NaturalId,
  type PersonalData,
  type Resolution,
  type Subject,
  type SuppressionLedger,
  type Vault,
} from '../../ports.ts';
import { type Condition, type DynamoTable, mostWrites, type TableWrite } from './dynamo-table.ts';
import { type Attributes, expiryAttribute, toExpiry } from './dynamodb-items.ts';
import { refusal } from './errors.ts';
import type { KmsKeys } from './kms-keys.ts';
import { chunksOf, inParallel } from './parallel.ts';
import { type Attempt, retrying } from './retry.ts';
import { keyOf, numberOf, type VaultState, VaultStateItem } from './vault-state.ts';

/** A transaction creates so many subjects: each takes two writes, and one checks the keys' version. */
const subjectsAtOnce = Math.floor((mostWrites - 1) / 2);

const transactionsAtOnce = 4;
const updatesAtOnce = 16;

const absent: Condition = { text: 'attribute_not_exists(#id)' };

/** What holds for one epoch: a call that began under an earlier one can only write into what is no longer looked at. */
interface View extends Pick<VaultState, 'epoch' | 'keyVersion'> {
  /** Newest first. */
  vaultKeys: VersionedKey[];
  hmacKeys: VersionedKey[];
  /** Resolutions by the name of the natural id. */
  cache: RecentlyUsed<Resolution>;
}

export interface DynamoVaultOptions {
  /** With the key attribute `id` (text) and the time-to-live attribute `expires_at`. */
  table: DynamoTable;
  keys: KmsKeys;
  ledger: SuppressionLedger;
  /** Makes subject ids. */
  ids: Ids;
  /** Says which quarantine keys' time is over. */
  clock: Clock;
  /** How many resolutions are remembered; about 300 bytes each. */
  cacheSize?: number;
}

export class DynamoVault implements Vault {
  readonly #table: DynamoTable;
  readonly #state: VaultStateItem;
  readonly #ledger: SuppressionLedger;
  readonly #ids: Ids;
  readonly #clock: Clock;
  readonly #cacheSize: number;
  /** HMACs of the ledger's entries up to `#ledgerNumber`. */
  readonly #suppressed = new Set<string>();
  #ledgerNumber = 0;
  #view: View | undefined;

  constructor({ table, keys, ledger, ids, clock, cacheSize = 100_000 }: DynamoVaultOptions) {
    this.#table = table;
    this.#state = new VaultStateItem(table, keys);
    this.#ledger = ledger;
    this.#ids = ids;
    this.#clock = clock;
    this.#cacheSize = cacheSize;
  }

  async epoch(): Promise<number> {
    return (await this.#refresh()).epoch;
  }

  async resolve(ids: NaturalId[]): Promise<Resolution[]> {
    const resolved = new Map<string, Resolution>();
    let unresolved = namesOf(ids);
    await retrying(this.#table.timer, async (): Promise<Attempt<void>> => {
      const view = await this.#lookUp(unresolved, resolved);
      unresolved = without(unresolved, resolved);
      await this.#create(view, [...unresolved.keys()], resolved);
      unresolved = without(unresolved, resolved);
      if (unresolved.size === 0) return { value: undefined };
      // Somebody else created one of them, or new keys: what the winner wrote is found the next time round.
      return { again: new AdapterError('vault: others were first to create subjects', { retryable: true }) };
    });
    return ids.map((id) => resolved.get(nameOf(id))!);
  }

  async lookUp(ids: NaturalId[]): Promise<(Resolution | undefined)[]> {
    const found = new Map<string, Resolution>();
    await this.#lookUp(namesOf(ids), found);
    return ids.map((id) => found.get(nameOf(id)));
  }

  async keepPersonalData(entries: PersonalData[]): Promise<void> {
    if (entries.length === 0) return;
    const view = this.#view ?? (await this.#refresh());
    await inParallel(newestOfEach(entries), updatesAtOnce, (entry) => this.#keep(view, entry));
  }

  async personalData(subjectId: string): Promise<Record<string, string> | undefined> {
    const item = await this.#table.get(subjectKey(subjectId));
    if (item?.sealed_fields === undefined) return undefined;
    // Read after the item, so that no newer key has sealed it.
    const { vaultKeys } = await this.#refresh();
    return openFields({ subjectId, dataKey: unwrapKey(vaultKeys, wrappedIn(item), subjectId) }, item.sealed_fields.S!);
  }

  async quarantineSealingKey(): Promise<{ day: string; key: Uint8Array }> {
    const day = dayOf(this.#clock.now());
    return retrying(this.#table.timer, async (): Promise<Attempt<{ day: string; key: Uint8Array }>> => {
      const known = await this.#quarantineKey(day);
      if (known) return { value: { day, key: known } };
      const { vaultKeys } = await this.#refresh();
      const key = randomBytes(32);
      const put = {
        ...quarantineItemKey(day),
        ...attributesOf(wrapKey(vaultKeys, key, day)),
        [expiryAttribute]: toExpiry(quarantineEnd(day)),
      };
      if (await this.#table.write([{ put, if: absent }])) return { value: { day, key } };
      return { again: new AdapterError('vault: others were first to make the key of a day', { retryable: true }) };
    });
  }

  async quarantineOpeningKey(day: string): Promise<Uint8Array | undefined> {
    const problem = quarantineDayProblem(day);
    if (problem !== undefined) throw refusal(problem);
    // DynamoDB deletes an item some days after its time at the latest: until then it is there, and counts as gone.
    return isQuarantineOver(day, this.#clock.now()) ? undefined : this.#quarantineKey(day);
  }

  /** Adds a new version of the vault key and of the HMAC key, for what is written from now on; the old ones stay in use. */
  rotateKeys(): Promise<void> {
    return this.#state.rotate();
  }

  async #quarantineKey(day: string): Promise<Uint8Array | undefined> {
    const item = await this.#table.get(quarantineItemKey(day));
    if (!item) return undefined;
    // Read after the item, so that no newer key has wrapped it.
    const { vaultKeys } = await this.#refresh();
    return unwrapKey(vaultKeys, wrappedIn(item), day);
  }

  /** Takes notice of erasures and new keys, by whichever process; what was remembered under another epoch is forgotten. */
  async #refresh(): Promise<View> {
    // In this order: whatever entry raised the epoch that is read, the ledger then shows it.
    let state = await this.#state.read();
    const entries = await this.#ledger.entries(this.#ledgerNumber);
    for (const { hmac } of entries) this.#suppressed.add(hmac);
    this.#ledgerNumber = Math.max(this.#ledgerNumber, entries.at(-1)?.number ?? 0);
    if (this.#ledgerNumber > state.ledgerNumber) {
      await this.#state.noteLedger(this.#ledgerNumber);
      state = await this.#state.read();
    }
    if (this.#view?.epoch === state.epoch) return this.#view;
    const [vaultKeys, hmacKeys] = await Promise.all([
      this.#state.keysOf(state, 'vault'),
      this.#state.keysOf(state, 'hmac'),
    ]);
    const { epoch, keyVersion } = state;
    const view: View = { epoch, keyVersion, vaultKeys, hmacKeys, cache: new RecentlyUsed(this.#cacheSize) };
    if (this.#view === undefined || this.#view.epoch < epoch) this.#view = view;
    return view;
  }

  /** Adds to `found` what is known of the names, and returns the view in which that holds. */
  #lookUp(names: Map<string, NaturalId>, found: Map<string, Resolution>): Promise<View> {
    return retrying(this.#table.timer, async (): Promise<Attempt<View>> => {
      const view = await this.#refresh();
      const unknown: string[] = [];
      const suppressed: string[] = [];
      for (const [name, id] of names) {
        const resolution = view.cache.get(name);
        if (resolution) found.set(name, resolution);
        else (this.#isSuppressed(id) ? suppressed : unknown).push(name);
      }
      await this.#fence(view, suppressed);
      for (const name of suppressed) remember(view, found, name, { state: 'suppressed' });
      if (await this.#find(view, unknown, found)) return { value: view };
      return { again: new AdapterError('vault: subjects changed while they were looked up', { retryable: true }) };
    });
  }

  #isSuppressed(id: NaturalId): boolean {
    return this.#suppressed.size > 0 && this.#suppressed.has(this.#ledger.hmacOf(id));
  }

  /** Adds to `found` what is stored of the names; false where an erasure or new keys came in between. */
  async #find(view: View, names: string[], found: Map<string, Resolution>): Promise<boolean> {
    const subjectIds = new Map<string, string>();
    let unknown = names;
    for (const hmacKey of view.hmacKeys) {
      const items = await this.#mappings(hmacKey, unknown);
      for (const [name, item] of items) {
        if (item.subject_id) subjectIds.set(name, item.subject_id.S!);
        else remember(view, found, name, { state: 'suppressed' });
      }
      unknown = unknown.filter((name) => !items.has(name));
      if (unknown.length === 0) break;
    }
    const keys = await this.#wrappedKeys([...new Set(subjectIds.values())]);
    for (const [name, subjectId] of subjectIds) {
      const wrapped = keys.get(subjectId);
      if (!wrapped || wrapped.vaultKeyVersion > view.keyVersion) return false;
      const subject = subjectWith(subjectId, () => unwrapKey(view.vaultKeys, wrapped, subjectId));
      remember(view, found, name, { state: 'known', subject });
    }
    return true;
  }

  /** The stored mappings of names under one HMAC key: a subject id, or a tombstone without one. */
  async #mappings({ key }: VersionedKey, names: string[]): Promise<Map<string, Attributes>> {
    const nameById = new Map(names.map((name) => [mappingKey(key, name).id.S, name]));
    const items = await this.#table.getMany([...nameById.keys()].map(keyOf), ['id', 'subject_id']);
    return new Map(items.map((item) => [nameById.get(item.id!.S!)!, item]));
  }

  async #wrappedKeys(subjectIds: string[]): Promise<Map<string, WrappedKey>> {
    const attributes = ['subject_id', 'vault_key_version', 'wrapped_key'];
    const items = await this.#table.getMany(subjectIds.map(subjectKey), attributes);
    return new Map(items.map((item) => [item.subject_id!.S!, wrappedIn(item)]));
  }

  /** Creates subjects for names that were not found, and adds those it could create to `created`. */
  async #create(view: View, names: string[], created: Map<string, Resolution>): Promise<void> {
    await inParallel(chunksOf(names, subjectsAtOnce), transactionsAtOnce, async (some) => {
      const subjects = some.map((): Subject => ({ subjectId: this.#ids.uuid(), dataKey: randomBytes(32) }));
      const { version, key } = view.hmacKeys[0]!;
      const writes = some.flatMap((name, index): TableWrite[] => {
        const { subjectId, dataKey } = subjects[index]!;
        const subject = { subject_id: { S: subjectId } };
        const mapping = { ...mappingKey(key, name), ...subject, hmac_version: numberOf(version) };
        const wrapped = attributesOf(wrapKey(view.vaultKeys, dataKey, subjectId));
        return [
          { put: mapping, if: absent },
          { put: { ...subjectKey(subjectId), ...subject, ...wrapped }, if: absent },
        ];
      });
      const spread = lookUpValue(key, some[0]!)[0]!;
      if (!(await this.#table.write([this.#state.checkKeys(view.keyVersion, spread), ...writes]))) return;
      for (const [index, name] of some.entries()) {
        remember(view, created, name, { state: 'known', subject: subjects[index]! });
      }
    });
  }

  /** Whom the ledger suppresses and this vault, restored from a backup, still knows: tombstone, no key, no personal data. */
  async #fence(view: View, names: string[]): Promise<void> {
    for (const hmacKey of names.length > 0 ? view.hmacKeys : []) {
      const mappings = [...(await this.#mappings(hmacKey, names))].filter(([, { subject_id }]) => subject_id);
      await inParallel(mappings, transactionsAtOnce, async ([, { id, subject_id }]) => {
        const tombstone = { id: id!, hmac_version: numberOf(hmacKey.version) };
        const isSame = { text: '#subject_id = :subject_id', values: { ':subject_id': subject_id! } };
        await this.#table.write([{ put: tombstone, if: isSame }, { delete: subjectKey(subject_id!.S!) }]);
      });
    }
  }

  /** Keeps nothing of a subject without a key: it was erased while its data were on the way. */
  async #keep({ hmacKeys }: View, { subject, fields, asOf }: PersonalData): Promise<void> {
    const { version, key } = hmacKeys[0]!;
    const email = fields.email === undefined ? undefined : lookUpValue(key, emailName(fields.email));
    const set = 'SET #sealed_fields = :fields, #hmac_version = :version, #as_of = :as_of';
    await this.#table.update(
      subjectKey(subject.subjectId),
      email ? `${set}, #email_hmac = :email` : `${set} REMOVE #email_hmac`,
      {
        text: 'attribute_exists(#wrapped_key) AND (attribute_not_exists(#as_of) OR #as_of <= :as_of)',
        values: {
          ':fields': { S: sealFields(subject, fields) },
          ':version': numberOf(version),
          ':as_of': numberOf(asOf.getTime()),
          ...(email && { ':email': { B: email } }),
        },
      },
    );
  }
}

function namesOf(ids: NaturalId[]): Map<string, NaturalId> {
  return new Map(ids.map((id) => [nameOf(id), id]));
}

function without(names: Map<string, NaturalId>, resolved: Map<string, Resolution>): Map<string, NaturalId> {
  return new Map([...names].filter(([name]) => !resolved.has(name)));
}

function remember(view: View, found: Map<string, Resolution>, name: string, resolution: Resolution): void {
  view.cache.set(name, resolution);
  found.set(name, resolution);
}

/** One entry a subject, its newest; of equally new ones the last. */
function newestOfEach(entries: PersonalData[]): PersonalData[] {
  const newest = new Map<string, PersonalData>();
  for (const entry of entries) {
    const known = newest.get(entry.subject.subjectId);
    if (!known || entry.asOf >= known.asOf) newest.set(entry.subject.subjectId, entry);
  }
  return [...newest.values()];
}

function mappingKey(hmacKey: Uint8Array, name: string): { id: { S: string } } {
  return keyOf(`natural-id/${lookUpValue(hmacKey, name).toString('hex')}`);
}

function subjectKey(subjectId: string): Attributes {
  return keyOf(`subject/${subjectId}`);
}

function quarantineItemKey(day: string): Attributes {
  return keyOf(`quarantine/${day}`);
}

function attributesOf({ vaultKeyVersion, wrappedKey }: WrappedKey): Attributes {
  return { vault_key_version: numberOf(vaultKeyVersion), wrapped_key: { S: wrappedKey } };
}

function wrappedIn({ vault_key_version, wrapped_key }: Attributes): WrappedKey {
  return { vaultKeyVersion: Number(vault_key_version!.N), wrappedKey: wrapped_key!.S! };
}
