/** One DynamoDB table as the vault and its ledger use it: reads are strongly consistent, writes have conditions. */
import { randomUUID } from 'node:crypto';
import {
  BatchGetItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { AdapterError, type Timer } from '../../ports.ts';
import type { Attributes } from './dynamodb-items.ts';
import { adapterError, errorCode } from './errors.ts';
import { chunksOf, inParallel } from './parallel.ts';
import { type Attempt, retrying, systemTimer } from './retry.ts';

/** DynamoDB's limits of one request. */
const mostKeysRead = 100;
export const mostWrites = 100;

const requestsAtOnce = 8;

/** Under these names DynamoDB refuses a write that may go through a moment later. */
const passing = [
  'TransactionConflict',
  'TransactionConflictException',
  'TransactionInProgressException',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
];

/** One part of a transaction, on this table. */
export type TableWrite =
  | { put: Attributes; if: Condition }
  | { update: Attributes; set: string; if: Condition }
  | { delete: Attributes }
  | { check: Attributes; if: Condition };

/** In expressions an attribute stands as `#name` (many a plain name is a reserved word), a value as `:name`. */
export interface Condition {
  text: string;
  /** Those of the condition, and of the update that it guards. */
  values?: Attributes;
}

export interface DynamoTableOptions {
  client: DynamoDBClient;
  tableName: string;
  /** What errors call it. */
  what: string;
  timer?: Timer;
}

export class DynamoTable {
  readonly timer: Timer;
  readonly #client: DynamoDBClient;
  readonly #TableName: string;
  readonly #what: string;

  constructor({ client, tableName, what, timer = systemTimer }: DynamoTableOptions) {
    this.#client = client;
    this.#TableName = tableName;
    this.#what = what;
    this.timer = timer;
  }

  async get(Key: Attributes): Promise<Attributes | undefined> {
    const command = new GetItemCommand({ TableName: this.#TableName, Key, ConsistentRead: true });
    return (await this.#call('read', () => this.#client.send(command))).Item;
  }

  /** Those items of the (distinct) keys that exist, in any order, with only the attributes named. */
  async getMany(keys: Attributes[], attributes: string[]): Promise<Attributes[]> {
    const found = await inParallel(chunksOf(keys, mostKeysRead), requestsAtOnce, (some) =>
      this.#getSome(some, attributes),
    );
    return found.flat();
  }

  /** The items whose keys fit the condition, in order of their sort keys, page by page. */
  async *query(keys: Condition, options: { newestFirst?: boolean; limit?: number } = {}): AsyncIterable<Attributes[]> {
    let ExclusiveStartKey: Attributes | undefined;
    do {
      const page: QueryCommandInput = {
        TableName: this.#TableName,
        KeyConditionExpression: keys.text,
        ...termsOf(keys.text, keys.values),
        ConsistentRead: true,
        ScanIndexForward: !options.newestFirst,
        Limit: options.limit,
        ExclusiveStartKey,
      };
      const { Items = [], LastEvaluatedKey } = await this.#call('query', () =>
        this.#client.send(new QueryCommand(page)),
      );
      yield Items;
      ExclusiveStartKey = LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
  }

  /** Updates one item; false, and nothing is written, where the condition does not hold. */
  async update(Key: Attributes, set: string, condition: Condition): Promise<boolean> {
    const command = new UpdateItemCommand({ TableName: this.#TableName, Key, ...updateInput(set, condition) });
    return retrying(this.timer, async (): Promise<Attempt<boolean>> => {
      try {
        await this.#client.send(command);
        return { value: true };
      } catch (error) {
        if (errorCode(error) === 'ConditionalCheckFailedException') return { value: false };
        const failure = adapterError(`${this.#what}: update`, error);
        if (passing.includes(errorCode(error))) return { again: failure };
        throw failure;
      }
    });
  }

  /**
   * Makes all writes (at most 100, on distinct items) or none: false where a condition does not hold, which can also be
   * the doing of this very call where its first answer was lost.
   */
  async write(writes: TableWrite[]): Promise<boolean> {
    const TransactItems = writes.map((write) => transactItem(write, this.#TableName));
    const command = new TransactWriteItemsCommand({ TransactItems, ClientRequestToken: randomUUID() });
    return retrying(this.timer, async (): Promise<Attempt<boolean>> => {
      const codes = await this.#transact(command);
      if (codes.length === 0) return { value: true };
      const again = codes.find((code) => passing.includes(code));
      if (again !== undefined) return { again: this.#refused(again) };
      const other = codes.find((code) => code !== 'ConditionalCheckFailed');
      if (other !== undefined) throw this.#refused(other);
      return { value: false };
    });
  }

  /** Why the transaction was cancelled; empty where everything was written. */
  async #transact(command: TransactWriteItemsCommand): Promise<string[]> {
    try {
      await this.#client.send(command);
      return [];
    } catch (error) {
      const code = errorCode(error);
      if (passing.includes(code)) return [code];
      if (!(error instanceof TransactionCanceledException)) throw adapterError(`${this.#what}: write`, error);
      const codes = (error.CancellationReasons ?? []).map(({ Code = 'None' }) => Code).filter((one) => one !== 'None');
      return codes.length > 0 ? codes : [code];
    }
  }

  async #getSome(keys: Attributes[], attributes: string[]): Promise<Attributes[]> {
    const ProjectionExpression = attributes.map((name) => `#${name}`).join(', ');
    const expression = { ConsistentRead: true, ProjectionExpression, ...termsOf(ProjectionExpression) };
    const found: Attributes[] = [];
    let unread = keys;
    return retrying(this.timer, async (): Promise<Attempt<Attributes[]>> => {
      const command = new BatchGetItemCommand({ RequestItems: { [this.#TableName]: { ...expression, Keys: unread } } });
      const { Responses, UnprocessedKeys } = await this.#call('read', () => this.#client.send(command));
      found.push(...(Responses?.[this.#TableName] ?? []));
      unread = UnprocessedKeys?.[this.#TableName]?.Keys ?? [];
      if (unread.length === 0) return { value: found };
      const message = `${this.#what}: ${unread.length} of ${keys.length} items could not be read for load`;
      return { again: new AdapterError(message, { retryable: true }) };
    });
  }

  #refused(code: string): AdapterError {
    return adapterError(`${this.#what}: write`, { name: code });
  }

  async #call<T>(what: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw adapterError(`${this.#what}: ${what}`, error);
    }
  }
}

function transactItem(write: TableWrite, TableName: string): TransactWriteItem {
  if ('delete' in write) return { Delete: { TableName, Key: write.delete } };
  if ('update' in write) return { Update: { TableName, Key: write.update, ...updateInput(write.set, write.if) } };
  const condition = { ConditionExpression: write.if.text, ...termsOf(write.if.text, write.if.values) };
  if ('put' in write) return { Put: { TableName, Item: write.put, ...condition } };
  return { ConditionCheck: { TableName, Key: write.check, ...condition } };
}

type UpdateInput = Required<Pick<UpdateItemCommandInput, 'UpdateExpression' | 'ConditionExpression'>>;

function updateInput(UpdateExpression: string, { text, values }: Condition): UpdateInput {
  return { UpdateExpression, ConditionExpression: text, ...termsOf(`${UpdateExpression} ${text}`, values) };
}

/** What DynamoDB must be told of an expression: the attributes and values that its terms stand for. */
function termsOf(expression: string, values?: Attributes) {
  const names = [...expression.matchAll(/#(\w+)/g)].map(([term, name]) => [term, name!] as const);
  return {
    ...(names.length > 0 && { ExpressionAttributeNames: Object.fromEntries(names) }),
    ...(values && { ExpressionAttributeValues: values }),
  };
}
