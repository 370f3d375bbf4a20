/**
 * The suppression ledger as a DynamoDB table of its own, which the vault's backups do not hold. Entries are only ever
 * added, each put where none is, so that a policy can deny every update and deletion of the table.
 */
import { randomUUID } from 'node:crypto';
import { lookUpValue, nameOf } from '../../domain/privacy/vault-entries.ts';
import { AdapterError, type LedgerEntry, type NaturalId, type SuppressionLedger } from '../../ports.ts';
import { type DynamoTable, mostWrites, type TableWrite } from './dynamo-table.ts';
import { type Attributes, toKey } from './dynamodb-items.ts';
import { refusal } from './errors.ts';
import type { KmsKeys } from './kms-keys.ts';
import { chunksOf } from './parallel.ts';
import { type Attempt, retrying } from './retry.ts';

const keyOfKey = toKey({ partition: 'key', sort: '1' });
const purpose = 'ledger key 1';
const absent = { text: 'attribute_not_exists(#sort)' };

export interface DynamoLedgerOptions {
  /** With the key attributes `partition` and `sort` (texts). */
  table: DynamoTable;
  keys: KmsKeys;
}

export class DynamoLedger implements SuppressionLedger {
  readonly #table: DynamoTable;
  readonly #keys: KmsKeys;
  #key: Uint8Array | undefined;

  constructor({ table, keys }: DynamoLedgerOptions) {
    this.#table = table;
    this.#keys = keys;
  }

  async append(ids: NaturalId[], erasedAt: Date): Promise<number> {
    await this.#loadKey();
    let last = await this.#lastNumber();
    for (const some of chunksOf(ids, mostWrites)) last = await this.#appendSome(some, erasedAt);
    return last;
  }

  async entries(after: number): Promise<LedgerEntry[]> {
    await this.#loadKey();
    const entries: LedgerEntry[] = [];
    const behind = {
      text: '#partition = :partition AND #sort > :sort',
      values: { ':partition': { S: 'entry' }, ':sort': { S: sortOf(after) } },
    };
    for await (const items of this.#table.query(behind)) {
      for (const item of items) entries.push(entryOf(item, after + entries.length + 1));
    }
    return entries;
  }

  hmacOf(id: NaturalId): string {
    if (!this.#key) throw refusal('the ledger must be read before it is asked for an HMAC');
    return lookUpValue(this.#key, nameOf(id)).toString('hex');
  }

  /** Numbers follow the last one and each is put where none is: of two writers one wins, and the other takes the next. */
  async #appendSome(ids: NaturalId[], erasedAt: Date): Promise<number> {
    const writer = randomUUID();
    return retrying(this.#table.timer, async (): Promise<Attempt<number>> => {
      const first = (await this.#lastNumber()) + 1;
      const writes = ids.map((id, index): TableWrite => {
        const entry = { hmac: { S: this.hmacOf(id) }, erased_at: { S: erasedAt.toISOString() }, writer: { S: writer } };
        return { put: { ...entryKey(first + index), ...entry }, if: absent };
      });
      const last = first + ids.length - 1;
      if (await this.#table.write(writes)) return { value: last };
      // A request that was sent again may have met itself: it was made, and the answer was lost.
      const winner = await this.#table.get(entryKey(first));
      if (winner?.writer?.S === writer) return { value: last };
      return { again: new AdapterError('ledger: others appended at the same time', { retryable: true }) };
    });
  }

  async #lastNumber(): Promise<number> {
    const all = { text: '#partition = :partition', values: { ':partition': { S: 'entry' } } };
    const newest = this.#table.query(all, { newestFirst: true, limit: 1 });
    for await (const [item] of newest) return Number(item?.sort?.S ?? 0);
    return 0;
  }

  /** The key is made on first use; of two that make it both go on with the one that was first. */
  async #loadKey(): Promise<void> {
    if (this.#key) return;
    let item = await this.#table.get(keyOfKey);
    if (!item) {
      const { wrapped } = await this.#keys.generate(purpose);
      await this.#table.write([{ put: { ...keyOfKey, wrapped_key: { B: wrapped } }, if: absent }]);
      item = await this.#table.get(keyOfKey);
    }
    this.#key = await this.#keys.unwrap(item!.wrapped_key!.B!, purpose);
  }
}

/** Twelve digits, so that the order of texts is that of numbers. */
function sortOf(number: number): string {
  return String(number).padStart(12, '0');
}

function entryKey(number: number): Attributes {
  return toKey({ partition: 'entry', sort: sortOf(number) });
}

function entryOf(item: Attributes, expected: number): LedgerEntry {
  const number = Number(item.sort?.S);
  if (number !== expected) {
    throw refusal(`the ledger lacks entry ${expected}: restore its table from its own backup`);
  }
  return { number, hmac: item.hmac!.S!, erasedAt: item.erased_at!.S! };
}
