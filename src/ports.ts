/**
 * The interfaces between the platform and the world. A flow receives one `Environment` and reaches nothing else.
 * Each interface promises only what its AWS service and its local form can both keep; one contract suite holds the two
 * to it (`test/contracts/`).
 */
import type { ColumnType, Namespace } from './contracts/index.ts';
import type { PublishedPartitions } from './domain/lake/catalog.ts';
import type { EngineResult, RunPlan } from './domain/lake/run-plan.ts';

export interface Clock {
  now(): Date;
}

/** Waiting and chance: given to whatever tries again, so that tests wait for nothing. */
export interface Timer {
  sleep(milliseconds: number): Promise<void>;
  /** A number from 0 up to, not including, 1; evenly distributed. */
  random(): number;
}

export interface Ids {
  /** A random UUID. */
  uuid(): string;
}

/** An adapter's failure. `retryable` says whether the same call may succeed later; the message holds no payload. */
export class AdapterError extends Error {
  override name = 'AdapterError';
  readonly retryable: boolean;

  constructor(message: string, options: { retryable: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.retryable = options.retryable;
  }
}

// ---- Event stream ---------------------------------------------------------------------------------------------------

export interface NewRecord {
  /** The event id, so that load is even, no person is in it and a producer's duplicate meets its first. */
  partitionKey: string;
  data: Uint8Array;
}

export type PutResult = { ok: true; shard: string; sequence: string } | { ok: false; error: 'throttled' | 'internal' };

export interface StreamRecord {
  shard: string;
  /** Decimal text; within a shard, later records have greater numbers. */
  sequence: string;
  partitionKey: string;
  arrivedAt: Date;
  data: Uint8Array;
}

/** Kinesis, or a sharded log: order within a shard, at-least-once. */
export interface EventStream {
  /**
   * Puts up to 500 records of at most 1 MiB each, 5 MiB in all; more is an AdapterError and puts nothing. The results
   * stand in the order of the records; those that failed are to be sent again, the others are in the stream. A
   * partition key has 1 to 256 characters, and counts with its record. After a retryable AdapterError of the whole put
   * any of its records may be in the stream.
   */
  put(records: NewRecord[]): Promise<PutResult[]>;
  shards(): Promise<string[]>;
  /** Up to `limit` records of a shard behind the sequence number `after`, or from the oldest. Empty at the end. */
  read(shard: string, after: string | undefined, limit: number): Promise<StreamRecord[]>;
}

// ---- Object store ---------------------------------------------------------------------------------------------------

export interface StoredObject {
  key: string;
  bytes: number;
  modifiedAt: Date;
}

/**
 * S3, or a directory. Keys are `/`-separated, with at most 1,024 bytes in all and 255 a segment, without empty, `.` or
 * `..` segments, backslashes and control characters (else AdapterError); no key continues another behind a slash. A
 * reader sees an object whole or not at all.
 */
export interface ObjectStore {
  /** The object's bytes, or undefined where there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** The object's bytes in pieces, for objects that do not fit in memory. AdapterError where there is none. */
  open(key: string): AsyncIterable<Uint8Array>;
  /** An error of the body's own source passes as it is; the old object stays, and no part of the new one. */
  put(key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void>;
  /**
   * False, and nothing is written, where the key exists; of two writers one wins. After a retryable AdapterError the
   * object may be there.
   */
  putIfAbsent(key: string, body: Uint8Array): Promise<boolean>;
  /** Objects whose key begins with `prefix` and sorts behind `after`, in byte order of their keys. */
  list(prefix: string, after?: string): AsyncIterable<StoredObject>;
  /** Deletes what exists; a key that does not is no error. */
  delete(keys: string[]): Promise<void>;
  /** Where an engine finds the object: a file path, or `s3://…`. */
  uri(key: string): string;
}

// ---- Hot store ------------------------------------------------------------------------------------------------------

export type HotTable = 'checkpoints' | 'files' | 'batches' | 'runs' | 'locks' | 'alerts';

export type HotValue = string | number | boolean | null | Uint8Array | HotValue[] | { [name: string]: HotValue };

/**
 * An item; `partition` (1 to 2,048 bytes) and `sort` (1 to 1,024) together are its key. `expiresAt` is kept in whole
 * seconds, rounded up. An item past it, by the clock of the store that is asked, is never read, counts as absent to
 * every write, and is removed later. Numbers are 0 or between 1e-130 and 1e125 without their sign; values nest 30 deep.
 */
export interface HotItem {
  partition: string;
  sort: string;
  values: Record<string, HotValue>;
  expiresAt?: Date;
}

export interface HotKey {
  partition: string;
  sort: string;
}

/** What must hold of the stored item for a write: it is absent, it exists, or its (at most 50) named values equal these. */
export type HotCondition = { absent: true } | { exists: true } | { equals: Record<string, string | number | boolean> };

export type HotWrite =
  | { table: HotTable; put: HotItem; if?: HotCondition }
  | { table: HotTable; delete: HotKey; if?: HotCondition }
  /** Adds whole numbers to 1 to 50 of the item's values, which start at 0; AdapterError where a sum leaves +-(2^53 - 1). */
  | { table: HotTable; add: HotKey & { values: Record<string, number>; expiresAt?: Date } }
  | { table: HotTable; check: HotKey; if: HotCondition };

/** A condition of `write` did not hold; nothing was written. `failed` are the positions of those writes. */
export class ConditionFailed extends Error {
  override name = 'ConditionFailed';
  readonly failed: number[];

  constructor(failed: number[]) {
    super(`condition failed for write ${failed.join(', ')}`);
    this.failed = failed;
  }
}

/** DynamoDB, or SQLite. Reads are strongly consistent. */
export interface HotStore {
  get(table: HotTable, key: HotKey): Promise<HotItem | undefined>;
  /** Items of one partition in byte order of `sort`, those whose `sort` begins with `prefix` and sorts behind `after`. */
  query(table: HotTable, partition: string, options?: HotQuery): Promise<HotItem[]>;
  /**
   * All writes or none, at most 100, on distinct keys, 400 KB an item, 4 MB in all (else AdapterError). Throws
   * ConditionFailed where a condition does not hold. After a retryable AdapterError the writes may have been made: one
   * that must not be made twice needs a condition.
   */
  write(writes: HotWrite[]): Promise<void>;
}

export interface HotQuery {
  prefix?: string;
  after?: string;
  limit?: number;
  newestFirst?: boolean;
}

// ---- Vault ----------------------------------------------------------------------------------------------------------

export interface NaturalId {
  namespace: Namespace;
  id: string;
}

/** A person as the lake knows them, with the 32-byte key that seals their free text. */
export interface Subject {
  subjectId: string;
  dataKey: Uint8Array;
}

export type Resolution = { state: 'known'; subject: Subject } | { state: 'suppressed' };

export interface PersonalData {
  subject: Subject;
  /** Vault leaves by their property name: email, full_name, address, phone. */
  fields: Record<string, string>;
  /** When the source last changed them; older data never replaces newer. */
  asOf: Date;
}

/** One erased natural id, as an HMAC under the ledger's own key. */
export interface LedgerEntry {
  /** Counts up from 1 without a gap. */
  number: number;
  /** Hexadecimal. */
  hmac: string;
  erasedAt: string;
}

/**
 * Who was erased, for good: an append-only log outside the vault's backups, so that a vault restored from one does not
 * bring anybody back.
 */
export interface SuppressionLedger {
  /**
   * Appends entries for natural ids, durably, and returns the last entry's number. After a retryable AdapterError they may
   * be there; a second entry of an id does no harm.
   */
  append(ids: NaturalId[], erasedAt: Date): Promise<number>;
  /** Entries behind a number, in order. */
  entries(after: number): Promise<LedgerEntry[]>;
  /** The HMAC under which a natural id would stand in the ledger. Only once `entries` or `append` has answered. */
  hmacOf(id: NaturalId): string;
}

/** The only store that links natural id, subject id and personal data. */
export interface Vault {
  /**
   * A number that grows with each erasure and change of keys, read strongly consistent; a new one empties what the vault
   * remembers. A batch reads it before its look-up and again before it writes: where it grew, the look-up is made anew.
   */
  epoch(): Promise<number>;
  /**
   * The subject of each natural id, in order; an unknown id gets a random subject and key in one conditional
   * transaction, so that races have one winner. An erased id is `suppressed`.
   */
  resolve(ids: NaturalId[]): Promise<Resolution[]>;
  /** As `resolve`, creating nothing: undefined where the id was never seen. */
  lookUp(ids: NaturalId[]): Promise<(Resolution | undefined)[]>;
  /** Older data never replaces newer, of equally new ones the last stands; nothing is kept of an erased subject. */
  keepPersonalData(entries: PersonalData[]): Promise<void>;
  /** What is kept of a subject, or undefined. */
  personalData(subjectId: string): Promise<Record<string, string> | undefined>;
  /** The 32-byte key that seals what is quarantined today (UTC), made when it is first asked for, and its day (`YYYY-MM-DD`). */
  quarantineSealingKey(): Promise<{ day: string; key: Uint8Array }>;
  /**
   * The key of a day, to open what it sealed; undefined where there is none, or where its time is over
   * (`quarantineEnd`): then it is destroyed, and no key is ever made of that day again.
   */
  quarantineOpeningKey(day: string): Promise<Uint8Array | undefined>;
}

// ---- Engine and warehouse -------------------------------------------------------------------------------------------

/** DuckDB in process, or Spark on Glue. */
export interface ModelEngine {
  /** Executes every model of the plan in order and writes its files. EngineError where one fails; its files are then not published. */
  execute(plan: RunPlan): Promise<EngineResult>;
}

/** A model or statement that failed. The message names it and holds no data value. */
export class EngineError extends Error {
  override name = 'EngineError';
}

/** A value as JSON can hold it: DECIMAL as text, DATE as `YYYY-MM-DD`, TIMESTAMP as ISO 8601 UTC, BIGINT as number. */
export type Scalar = string | number | boolean | null;

export interface ResultSet {
  columns: { name: string; type: ColumnType | string }[];
  rows: Scalar[][];
}

export type WarehouseStatement =
  /** `what` names the statement where it fails. */
  | { sql: string; what: string }
  /** Appends the rows of Parquet files to a table; the columns are matched by position. */
  | { copy: { table: string; files: { key: string; bytes: number; rows: number }[] } };

/** Redshift, or a DuckDB file. */
export interface Warehouse {
  /** Runs the statements in order in one transaction: all, or none and an EngineError that names the statement. */
  transaction(statements: WarehouseStatement[]): Promise<void>;
  /**
   * Works for some minutes on a transaction that may take longer. `running` asks to be called again within minutes, with the same
   * id and statements, and having asked the warehouse whether it holds what they do: it may have been committed without
   * a word. A call that dies is made again; one that is not leaves nothing behind. Errors as those of `transaction`.
   */
  advance(id: string, statements: WarehouseStatement[]): Promise<'committed' | 'running'>;
  /**
   * Runs statements in order, each by itself, for those that no transaction takes: what was done before one that fails
   * stays. EngineError that names the statement.
   */
  each(statements: WarehouseStatement[]): Promise<void>;
  /** Runs one SELECT; `what` names it where it fails. */
  query(sql: string, what?: string): Promise<ResultSet>;
}

// ---- Catalog --------------------------------------------------------------------------------------------------------

/** Glue's, for Athena; on one machine nobody asks. */
export interface Catalog {
  /**
   * Makes each table's partitions these, and no others. Readers see each partition as it was or as it is, and of several at
   * the same time some of both. Called again it changes nothing; AdapterError where a table is not in the catalog.
   */
  publish(tables: PublishedPartitions): Promise<void>;
}

// ---- Alerts ---------------------------------------------------------------------------------------------------------

/** What people are told. It holds no personal data: it leaves the platform by e-mail and chat. */
export interface Alert {
  /** Says what has happened, in 1 to 256 characters: who tells of the same again gives the same id. */
  id: string;
  severity: 'info' | 'warning' | 'critical';
  /** One line: 1 to 99 printable characters of ASCII, the first no blank. */
  subject: string;
  /** 1 to 256,000 bytes. */
  text: string;
}

/** SNS, or the terminal and a file. */
export interface Alerts {
  /**
   * Tells people, at least once. An alert whose id was told within 30 days is not told again, unless the word of that was
   * lost or two tell it at once. AdapterError where an alert is not as it must be, and then nobody is told.
   */
  send(alert: Alert): Promise<void>;
}

// ---- The environment ------------------------------------------------------------------------------------------------

/** The repository's `sql/` folder, or its copy in a function's bundle. */
export interface SqlFiles {
  /** The text at a path below `sql/`. */
  read(path: string): string;
  /** Paths below a folder of `sql/`, sorted. */
  list(folder: string): string[];
}

/** What a deployment sets (`config/*.yaml`). */
export interface Settings {
  reportingCurrency: string;
}

export interface Environment {
  clock: Clock;
  ids: Ids;
  stream: EventStream;
  objects: ObjectStore;
  hot: HotStore;
  vault: Vault;
  engine: ModelEngine;
  warehouse: Warehouse;
  catalog: Catalog;
  alerts: Alerts;
  sql: SqlFiles;
  settings: Settings;
}
