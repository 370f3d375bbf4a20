/** The hot store on one machine: SQLite under DynamoDB's rules. */
import {
  hotItemsProblem,
  hotKeyProblem,
  hotQueryProblem,
  hotWritesProblem,
  storedExpiry,
} from '../../domain/limits/hot-items.ts';
import {
  type Clock,
  ConditionFailed,
  type HotCondition,
  type HotItem,
  type HotKey,
  type HotQuery,
  type HotStore,
  type HotTable,
  type HotValue,
  type HotWrite,
} from '../../ports.ts';
import { refusal } from './refusal.ts';
import { SqliteFile } from './sqlite.ts';

/** 0xFF occurs in no UTF-8 text, so it sorts behind every text. */
const behindAllText = Buffer.of(0xff);

const schema = `
  create table if not exists items (
    hot_table text not null,
    partition text not null,
    sort text not null,
    item_values text not null,
    expires_at integer,
    primary key (hot_table, partition, sort)
  ) strict, without rowid;
  create index if not exists items_by_expiry on items (expires_at) where expires_at is not null;
`;

interface ItemRow {
  partition: string;
  sort: string;
  item_values: string;
  expires_at: number | null;
}

export class SqliteHotStore implements HotStore {
  readonly #file: SqliteFile;
  readonly #clock: Clock;

  constructor(path: string, options: { clock: Clock }) {
    this.#file = new SqliteFile(path, { journal: 'delete', schema });
    this.#clock = options.clock;
  }

  async get(table: HotTable, key: HotKey): Promise<HotItem | undefined> {
    refuseIf(hotKeyProblem(key));
    return this.#find(table, key, this.#now());
  }

  async query(table: HotTable, partition: string, options: HotQuery = {}): Promise<HotItem[]> {
    refuseIf(hotQueryProblem(partition, options));
    const { prefix = '', after, limit = -1, newestFirst = false } = options;
    const rows = this.#file.all<ItemRow>(
      `select partition, sort, item_values, expires_at from items
       where hot_table = ? and partition = ? and (expires_at is null or expires_at > ?)
         and sort >= max(?, ?) and sort <> ? and sort < min(cast(? as text), cast(? as text))
       order by sort ${newestFirst ? 'desc' : 'asc'} limit ?`,
      table,
      partition,
      this.#now(),
      prefix,
      newestFirst ? '' : (after ?? ''),
      after ?? '',
      Buffer.concat([Buffer.from(prefix), behindAllText]),
      newestFirst && after !== undefined ? Buffer.from(after) : behindAllText,
      limit,
    );
    return rows.map(itemOf);
  }

  async write(writes: HotWrite[]): Promise<void> {
    refuseIf(hotWritesProblem(writes));
    this.#file.write(() => {
      const now = this.#now();
      this.#file.run('delete from items where expires_at <= ?', now);
      const stored = writes.map((write) => this.#find(write.table, keyOf(write), now));
      const failed = writes.flatMap((write, position) => (holds(write, stored[position]) ? [] : [position]));
      if (failed.length > 0) throw new ConditionFailed(failed);
      const items = writes.map((write, position) => itemAfter(write, stored[position]));
      refuseIf(hotItemsProblem(items));
      for (const [position, write] of writes.entries()) this.#apply(write, items[position]);
    });
  }

  close(): void {
    this.#file.close();
  }

  #now(): number {
    return this.#clock.now().getTime();
  }

  #find(table: HotTable, key: HotKey, now: number): HotItem | undefined {
    const row = this.#file.get<ItemRow>(
      `select partition, sort, item_values, expires_at from items
       where hot_table = ? and partition = ? and sort = ? and (expires_at is null or expires_at > ?)`,
      table,
      key.partition,
      key.sort,
      now,
    );
    return row && itemOf(row);
  }

  #apply(write: HotWrite, item: HotItem | undefined): void {
    if ('delete' in write) {
      const { partition, sort } = write.delete;
      this.#file.run(
        'delete from items where hot_table = ? and partition = ? and sort = ?',
        write.table,
        partition,
        sort,
      );
    }
    if (!item) return;
    this.#file.run(
      'insert or replace into items (hot_table, partition, sort, item_values, expires_at) values (?, ?, ?, ?, ?)',
      write.table,
      item.partition,
      item.sort,
      JSON.stringify(encode(item.values)),
      item.expiresAt ? storedExpiry(item.expiresAt) : null,
    );
  }
}

function itemOf(row: ItemRow): HotItem {
  return {
    partition: row.partition,
    sort: row.sort,
    values: decode(JSON.parse(row.item_values)) as Record<string, HotValue>,
    ...(row.expires_at !== null && { expiresAt: new Date(row.expires_at) }),
  };
}

function keyOf(write: HotWrite): HotKey {
  if ('put' in write) return write.put;
  if ('delete' in write) return write.delete;
  return 'add' in write ? write.add : write.check;
}

function holds(write: HotWrite, stored: HotItem | undefined): boolean {
  const condition: HotCondition | undefined = 'add' in write ? undefined : write.if;
  if (condition === undefined) return true;
  if ('absent' in condition) return stored === undefined;
  if (stored === undefined) return false;
  return (
    'exists' in condition || Object.entries(condition.equals).every(([name, value]) => stored.values[name] === value)
  );
}

/** The item that a put or an add leaves behind; undefined for a delete or a check. */
function itemAfter(write: HotWrite, stored: HotItem | undefined): HotItem | undefined {
  if ('put' in write) return write.put;
  if (!('add' in write)) return undefined;
  const { partition, sort, values, expiresAt = stored?.expiresAt } = write.add;
  const sums = Object.entries(values).map(([name, value]) => [name, sumOf(name, stored?.values[name] ?? 0, value)]);
  return { partition, sort, values: { ...stored?.values, ...Object.fromEntries(sums) }, expiresAt };
}

function sumOf(name: string, stored: HotValue, added: number): number {
  const sum = typeof stored === 'number' ? stored + added : Number.NaN;
  if (Number.isSafeInteger(added) && Number.isSafeInteger(sum)) return sum;
  throw refusal(`${name} cannot be added to: both numbers and their sum must be whole and below 2^53`);
}

function refuseIf(problem: string | undefined): void {
  if (problem !== undefined) throw refusal(problem);
}

/** JSON has no bytes: they become `{"$bytes": base64}`, and names that begin with `$` get a second one. */
function encode(value: HotValue): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(encode);
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name.startsWith('$') ? `$${name}` : name, encode(part)]),
  );
}

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

function decode(value: Json): HotValue {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(decode);
  if (typeof value.$bytes === 'string') return new Uint8Array(Buffer.from(value.$bytes, 'base64'));
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name.startsWith('$$') ? name.slice(1) : name, decode(part)]),
  );
}
