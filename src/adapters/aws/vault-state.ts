/** The vault's one item of state: its epoch, the ledger entries it knows of, and the versions of its keys. */
import type { VersionedKey } from '../../domain/privacy/vault-entries.ts';
import { AdapterError } from '../../ports.ts';
import type { Condition, DynamoTable, TableWrite } from './dynamo-table.ts';
import type { Attributes } from './dynamodb-items.ts';
import type { KmsKeys } from './kms-keys.ts';
import { type Attempt, retrying } from './retry.ts';

const kinds = ['vault', 'hmac'] as const;
type KeyKind = (typeof kinds)[number];

const stateKey = keyOf('state');

/** Transactions that check one item get in each other's way: each checks one of so many that say the same. */
const guards = Array.from({ length: 16 }, (_, index) => keyOf(`guard/${index}`));

export interface VaultState {
  epoch: number;
  /** The last entry of the suppression ledger of which notice was taken. */
  ledgerNumber: number;
  /** The newest version of both keys. */
  keyVersion: number;
  /** The keys as they are stored, by kind and version. */
  wrapped: Record<KeyKind, Map<number, Uint8Array>>;
}

export class VaultStateItem {
  readonly #table: DynamoTable;
  readonly #keys: KmsKeys;

  constructor(table: DynamoTable, keys: KmsKeys) {
    this.#table = table;
    this.#keys = keys;
  }

  /** Reads the state, strongly consistent; a vault that has none gets its first keys. */
  async read(): Promise<VaultState> {
    return retrying(this.#table.timer, async (): Promise<Attempt<VaultState>> => {
      const item = await this.#table.get(stateKey);
      if (item) return { value: stateOf(item) };
      await this.#create();
      return { again: new AdapterError('vault: its first keys were not found', { retryable: true }) };
    });
  }

  /** The versions of a key, newest first. */
  async keysOf(state: VaultState, kind: KeyKind): Promise<VersionedKey[]> {
    const keys = [...state.wrapped[kind]].map(async ([version, wrapped]) => {
      return { version, key: await this.#keys.unwrap(wrapped, purposeOf(kind, version)) };
    });
    return (await Promise.all(keys)).sort((a, b) => b.version - a.version);
  }

  /** Takes notice of the ledger up to an entry, and raises the epoch, unless that has been done. */
  async noteLedger(number: number): Promise<void> {
    await this.#table.update(stateKey, 'SET #ledger_number = :number ADD #epoch :one', {
      text: '#ledger_number < :number',
      values: { ':number': numberOf(number), ':one': numberOf(1) },
    });
  }

  /** Adds a new version of both keys and raises the epoch. */
  async rotate(): Promise<void> {
    await retrying(this.#table.timer, async (): Promise<Attempt<void>> => {
      const { keyVersion: old } = await this.read();
      const [vault, hmac] = await this.#generate(old + 1);
      const name = versionName(old + 1);
      const set = `SET #vault_keys.#${name} = :vault, #hmac_keys.#${name} = :hmac, #key_version = :new ADD #epoch :one`;
      const isUnchanged = keyVersionIs(old);
      const versions = { ...isUnchanged.values, ':new': numberOf(old + 1) };
      const writes: TableWrite[] = [
        {
          update: stateKey,
          set,
          if: { ...isUnchanged, values: { ...versions, ':vault': vault, ':hmac': hmac, ':one': numberOf(1) } },
        },
        ...guards.map((guard): TableWrite => {
          return { update: guard, set: 'SET #key_version = :new', if: { ...isUnchanged, values: versions } };
        }),
      ];
      if (await this.#table.write(writes)) return { value: undefined };
      return { again: new AdapterError('vault: others changed its keys at the same time', { retryable: true }) };
    });
  }

  /**
   * The part of a transaction that lets it pass only while no newer keys are: else a process that does not know of them
   * would create a subject under an old look-up value, beside one that another created under the new. `spread` is any
   * whole number.
   */
  checkKeys(keyVersion: number, spread: number): TableWrite {
    return { check: guards[spread % guards.length]!, if: keyVersionIs(keyVersion) };
  }

  async #create(): Promise<void> {
    const [vault, hmac] = await this.#generate(1);
    const state: Attributes = {
      ...stateKey,
      epoch: numberOf(0),
      ledger_number: numberOf(0),
      key_version: numberOf(1),
      vault_keys: { M: { [versionName(1)]: vault } },
      hmac_keys: { M: { [versionName(1)]: hmac } },
    };
    const items = [state, ...guards.map((guard) => ({ ...guard, key_version: numberOf(1) }))];
    // False where another process was first: its keys are read then.
    await this.#table.write(items.map((put): TableWrite => ({ put, if: { text: 'attribute_not_exists(#id)' } })));
  }

  async #generate(version: number): Promise<[Attributes[string], Attributes[string]]> {
    const [vault, hmac] = await Promise.all(kinds.map((kind) => this.#keys.generate(purposeOf(kind, version))));
    return [{ B: vault!.wrapped }, { B: hmac!.wrapped }];
  }
}

/** The key of an item of the vault's table. */
export function keyOf(id: string): { id: { S: string } } {
  return { id: { S: id } };
}

export function numberOf(value: number): { N: string } {
  return { N: String(value) };
}

function keyVersionIs(version: number): Required<Condition> {
  return { text: '#key_version = :version', values: { ':version': numberOf(version) } };
}

function stateOf(item: Attributes): VaultState {
  return {
    epoch: Number(item.epoch!.N),
    ledgerNumber: Number(item.ledger_number!.N),
    keyVersion: Number(item.key_version!.N),
    wrapped: { vault: wrappedIn(item.vault_keys!), hmac: wrappedIn(item.hmac_keys!) },
  };
}

function wrappedIn({ M = {} }: Attributes[string]): Map<number, Uint8Array> {
  return new Map(Object.entries(M).map(([name, { B }]) => [Number(name.slice(1)), B!]));
}

function versionName(version: number): string {
  return `v${version}`;
}

function purposeOf(kind: KeyKind, version: number): string {
  return `${kind} key ${version}`;
}
