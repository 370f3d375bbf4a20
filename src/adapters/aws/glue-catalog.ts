/** Catalog on Glue, for Athena. A partition changes at once; those of a table, and the tables, one after the other. */
import {
  BatchCreatePartitionCommand,
  BatchDeletePartitionCommand,
  BatchUpdatePartitionCommand,
  type ErrorDetail,
  GetTableCommand,
  type GlueClient,
  type PartitionInput,
  paginateGetPartitions,
  type StorageDescriptor,
} from '@aws-sdk/client-glue';
import { type PublishedPartitions, partitionChanges } from '../../domain/lake/catalog.ts';
import type { AdapterError, Catalog, Timer } from '../../ports.ts';
import { adapterError, errorCode, refusal } from './errors.ts';
import { chunksOf } from './parallel.ts';
import { type Attempt, retrying, systemTimer } from './retry.ts';

export interface GlueCatalogOptions {
  client: GlueClient;
  database: string;
  /** Name of the lake's bucket. */
  bucket: string;
  timer?: Timer;
}

/** Most partitions of one call, by Glue's limits. */
const mostWritten = 100;
const mostDeleted = 25;

export class GlueCatalog implements Catalog {
  readonly #options: GlueCatalogOptions;
  readonly #timer: Timer;

  constructor(options: GlueCatalogOptions) {
    this.#options = options;
    this.#timer = options.timer ?? systemTimer;
  }

  async publish(tables: PublishedPartitions): Promise<void> {
    for (const [table, partitions] of Object.entries(tables)) await this.#publish(table, partitions);
  }

  async #publish(table: string, wants: Record<string, string>): Promise<void> {
    const place = { DatabaseName: this.#options.database, TableName: table };
    const descriptor = await this.#descriptor(table);
    const { create, update, remove } = partitionChanges(await this.#partitions(table), wants);
    const input = (value: string): PartitionInput => ({
      Values: [value],
      StorageDescriptor: { ...descriptor, Location: `${this.#lake}${wants[value]}` },
    });
    const client = this.#options.client;
    for (const values of chunksOf(create, mostWritten)) {
      // Who made it at the same time made it of the same snapshot, or the next publish finds it elsewhere.
      await this.#written(table, 'AlreadyExistsException', () =>
        client.send(new BatchCreatePartitionCommand({ ...place, PartitionInputList: values.map(input) })),
      );
    }
    for (const values of chunksOf(update, mostWritten)) {
      const Entries = values.map((value) => ({ PartitionValueList: [value], PartitionInput: input(value) }));
      await this.#written(table, undefined, () => client.send(new BatchUpdatePartitionCommand({ ...place, Entries })));
    }
    for (const values of chunksOf(remove, mostDeleted)) {
      const PartitionsToDelete = values.map((value) => ({ Values: [value] }));
      await this.#written(table, 'EntityNotFoundException', () =>
        client.send(new BatchDeletePartitionCommand({ ...place, PartitionsToDelete })),
      );
    }
  }

  get #lake(): string {
    return `s3://${this.#options.bucket}/`;
  }

  /** Columns and format, which partitions have as their table has them now. */
  async #descriptor(Name: string): Promise<StorageDescriptor | undefined> {
    const { client, database: DatabaseName } = this.#options;
    const { Table } = await this.#asked(Name, () => client.send(new GetTableCommand({ DatabaseName, Name })));
    return Table?.StorageDescriptor;
  }

  async #partitions(TableName: string): Promise<Record<string, string>> {
    const { client, database: DatabaseName } = this.#options;
    return this.#asked(TableName, async () => {
      const found: Record<string, string> = {};
      for await (const { Partitions = [] } of paginateGetPartitions(
        { client },
        { DatabaseName, TableName, ExcludeColumnSchema: true },
      )) {
        for (const { Values = [], StorageDescriptor } of Partitions) {
          found[Values.join('/')] = (StorageDescriptor?.Location ?? '').slice(this.#lake.length);
        }
      }
      return found;
    });
  }

  /** Of a batch each partition has an answer of its own: one that is `done` already is none. */
  async #written(table: string, done: string | undefined, call: () => Promise<BatchErrors>): Promise<void> {
    await this.#asked(table, async () => {
      const { Errors = [] } = await call();
      const failed = Errors.map(({ ErrorDetail: { ErrorCode = 'an unknown error' } = {} }) => ErrorCode);
      const name = failed.find((code) => code !== done);
      if (name) throw Object.assign(new Error(), { name });
    });
  }

  /** Asks again while that may help. */
  async #asked<Answer>(table: string, call: () => Promise<Answer>): Promise<Answer> {
    return retrying(this.#timer, async (): Promise<Attempt<Answer>> => {
      try {
        return { value: await call() };
      } catch (error) {
        const told = failedCall(table, error);
        if (!told.retryable) throw told;
        return { again: told };
      }
    });
  }
}

interface BatchErrors {
  Errors?: { ErrorDetail?: ErrorDetail }[];
}

function failedCall(table: string, error: unknown): AdapterError {
  if (errorCode(error) === 'EntityNotFoundException') {
    return refusal(`Glue: the catalog has no table ${table}; deploy the stack of the data anew, which makes it`);
  }
  return adapterError(`Glue: the partitions of ${table}`, error);
}
