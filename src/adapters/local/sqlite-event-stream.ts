/** The event stream on one machine: a sharded log with Kinesis' key hashing, its records encrypted at rest. */
import { createHash } from 'node:crypto';
import { streamPutProblem } from '../../domain/limits/stream-put.ts';
import { openBytes, SealError, sealBytes } from '../../domain/privacy/seal.ts';
import type { Clock, EventStream, NewRecord, PutResult, StreamRecord } from '../../ports.ts';
import { refusal } from './refusal.ts';
import { SqliteFile } from './sqlite.ts';

const keySpace = 2n ** 128n;

/** `last_sequence` goes on counting when records are removed, so it is also how many were ever put. */
const schema = `
  create table if not exists shards (
    shard integer primary key,
    last_sequence integer not null default 0
  ) strict;
  create table if not exists records (
    shard integer not null,
    sequence integer not null,
    arrived_at integer not null,
    partition_key text not null,
    sealed_data blob not null,
    primary key (shard, sequence)
  ) strict;
  create index if not exists records_by_arrival on records (arrived_at);
  create table if not exists key_check (sealed blob not null) strict;
`;

export interface SqliteEventStreamOptions {
  clock: Clock;
  /** 32 bytes; encrypts the records' data. Partition keys stay in the clear, as in Kinesis. */
  key: Uint8Array;
  /** A stream keeps the number of shards that it was created with. */
  shards: number;
  /** Records older than this are removed at the next put. */
  retentionHours: number;
}

/** What one GetRecords call of Kinesis gives at most. */
const mostBytesRead = 10_000_000;
const rowsAPage = 500;

export class SqliteEventStream implements EventStream {
  readonly #file: SqliteFile;
  readonly #path: string;
  readonly #options: SqliteEventStreamOptions;

  constructor(path: string, options: SqliteEventStreamOptions) {
    this.#path = path;
    this.#options = options;
    this.#file = new SqliteFile(path, { journal: 'wal', schema });
    try {
      this.#file.write(() => {
        this.#createOrCheckShards();
        this.#createOrCheckKey();
      });
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  async put(records: NewRecord[]): Promise<PutResult[]> {
    const problem = streamPutProblem(records);
    if (problem !== undefined) throw refusal(problem);
    return this.#file.write(() => {
      const arrivedAt = this.#options.clock.now().getTime();
      this.#file.run('delete from records where arrived_at < ?', arrivedAt - this.#options.retentionHours * 3_600_000);
      return records.map((record) => this.#append(record, arrivedAt));
    });
  }

  async shards(): Promise<string[]> {
    return Array.from({ length: this.#options.shards }, (_, shard) => shardId(shard));
  }

  async read(shard: string, after: string | undefined, limit: number): Promise<StreamRecord[]> {
    return this.#rows(this.#shardNumber(shard), BigInt(after ?? 0), limit).map((row) => ({
      shard,
      sequence: sequenceText(row.sequence),
      partitionKey: row.partition_key,
      arrivedAt: new Date(row.arrived_at),
      data: openBytes(this.#options.key, row.sealed_data, placeOf(row.shard, row.sequence)),
    }));
  }

  /** As many as Kinesis would give at once: pages are read until there are enough, or 10 MB. */
  #rows(shard: number, after: bigint, limit: number): RecordRow[] {
    const rows: RecordRow[] = [];
    for (let bytes = 0; rows.length < limit && bytes < mostBytesRead; ) {
      const page = this.#file.all<RecordRow>(
        `select shard, sequence, arrived_at, partition_key, sealed_data
         from records where shard = ? and sequence > ? order by sequence limit ?`,
        shard,
        rows.at(-1)?.sequence ?? after,
        Math.min(limit - rows.length, rowsAPage),
      );
      if (page.length === 0) break;
      rows.push(...page);
      bytes += page.reduce((sum, { sealed_data }) => sum + sealed_data.length, 0);
    }
    return rows;
  }

  /** How many records were ever put, also those since removed, in all and by shard. */
  recordCount(): { total: number; shards: Record<string, number> } {
    const rows = this.#file.all<ShardRow>('select shard, last_sequence from shards order by shard');
    return {
      total: rows.reduce((sum, row) => sum + row.last_sequence, 0),
      shards: Object.fromEntries(rows.map((row) => [shardId(row.shard), row.last_sequence])),
    };
  }

  close(): void {
    this.#file.close();
  }

  #append(record: NewRecord, arrivedAt: number): PutResult {
    const shard = shardOf(record.partitionKey, this.#options.shards);
    const { last_sequence: sequence } = this.#file.get<ShardRow>(
      'update shards set last_sequence = last_sequence + 1 where shard = ? returning *',
      shard,
    )!;
    this.#file.run(
      'insert into records (shard, sequence, arrived_at, partition_key, sealed_data) values (?, ?, ?, ?, ?)',
      shard,
      sequence,
      arrivedAt,
      record.partitionKey,
      sealBytes(this.#options.key, record.data, placeOf(shard, sequence)),
    );
    return { ok: true, shard: shardId(shard), sequence: sequenceText(sequence) };
  }

  #createOrCheckShards(): void {
    const { shards } = this.#options;
    const stored = this.#file.get<{ count: number }>('select count(*) as count from shards')!.count;
    if (stored === 0) {
      for (let shard = 0; shard < shards; shard += 1) this.#file.run('insert into shards (shard) values (?)', shard);
    } else if (stored !== shards) {
      throw refusal(`${this.#path} has ${stored} shards, the settings ask for ${shards}: set them back to ${stored}`);
    }
  }

  /** A wrong key shows when the stream is opened, not at the first record that a consumer cannot read. */
  #createOrCheckKey(): void {
    const { key } = this.#options;
    const check = this.#file.get<{ sealed: Uint8Array }>('select sealed from key_check');
    if (!check) {
      this.#file.run('insert into key_check (sealed) values (?)', sealBytes(key, '', 'key check'));
      return;
    }
    try {
      openBytes(key, check.sealed, 'key check');
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      throw refusal(`${this.#path} was written under another key: restore the key directory that belongs to it`);
    }
  }

  #shardNumber(id: string): number {
    const shard = Number(/^shardId-(\d{12})$/.exec(id)?.[1] ?? Number.NaN);
    if (!(shard < this.#options.shards)) throw refusal(`${this.#path} has no shard ${id}`);
    return shard;
  }
}

interface ShardRow {
  shard: number;
  last_sequence: number;
}

interface RecordRow {
  shard: number;
  sequence: number;
  arrived_at: number;
  partition_key: string;
  sealed_data: Uint8Array;
}

/** The shard whose range of the 128-bit key space holds the key's MD5; equal ranges, the last takes the remainder. */
function shardOf(partitionKey: string, shards: number): number {
  const hash = BigInt(`0x${createHash('md5').update(partitionKey).digest('hex')}`);
  return Math.min(Number(hash / (keySpace / BigInt(shards))), shards - 1);
}

function shardId(shard: number): string {
  return `shardId-${String(shard).padStart(12, '0')}`;
}

/** Padded, so that the order of the texts is the order of the numbers. */
function sequenceText(sequence: number): string {
  return String(sequence).padStart(20, '0');
}

/** Where a record stands: sealed under it, ciphertext that was moved does not open. */
function placeOf(shard: number, sequence: number): string {
  return `${shard}/${sequence}`;
}
