/** The hot store on AWS: one DynamoDB table a HotTable. */
import { randomUUID } from 'node:crypto';
import {
  type CancellationReason,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { hotKeyProblem, hotQueryProblem, hotWritesProblem } from '../../domain/limits/hot-items.ts';
import {
  AdapterError,
  type Clock,
  ConditionFailed,
  type HotItem,
  type HotKey,
  type HotQuery,
  type HotStore,
  type HotTable,
  type HotWrite,
  type Timer,
} from '../../ports.ts';
import { replacingAddition, transactItem } from './dynamo-writes.ts';
import { type Attributes, expiryAttribute, keyAttributes, toItem, toKey } from './dynamodb-items.ts';
import { adapterError, errorCode, refusal } from './errors.ts';
import { type Attempt, retrying, systemTimer } from './retry.ts';

/** Reasons for which DynamoDB cancels a transaction that may go through a moment later. */
const passingReasons = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'];

/** Errors to the same effect, which the client does not retry itself. */
const passingErrors = ['TransactionConflictException', 'TransactionInProgressException'];

/** With a limit, expired items can fill a page: the following ones are larger. */
const laterPage = 100;

export interface DynamoHotStoreOptions {
  client: DynamoDBClient;
  /** Each has the key attributes `partition` and `sort` (texts) and the time-to-live attribute `expires_at`. */
  tableNames: Record<HotTable, string>;
  clock: Clock;
  timer?: Timer;
}

export class DynamoHotStore implements HotStore {
  readonly #client: DynamoDBClient;
  readonly #tableNames: Record<HotTable, string>;
  readonly #clock: Clock;
  readonly #timer: Timer;

  constructor({ client, tableNames, clock, timer = systemTimer }: DynamoHotStoreOptions) {
    this.#client = client;
    this.#tableNames = tableNames;
    this.#clock = clock;
    this.#timer = timer;
  }

  async get(table: HotTable, key: HotKey): Promise<HotItem | undefined> {
    const problem = hotKeyProblem(key);
    if (problem !== undefined) throw refusal(problem);
    const command = new GetItemCommand({ TableName: this.#tableNames[table], Key: toKey(key), ConsistentRead: true });
    const { Item } = await this.#call(`get from ${table}`, () => this.#client.send(command));
    const item = Item && toItem(Item);
    return item && !this.#hasExpired(item) ? item : undefined;
  }

  async query(table: HotTable, partition: string, options: HotQuery = {}): Promise<HotItem[]> {
    const { limit = Number.POSITIVE_INFINITY, newestFirst = false } = options;
    const problem = hotQueryProblem(partition, options);
    if (problem !== undefined) throw refusal(problem);
    const range = rangeOf(partition, options);
    const found: HotItem[] = [];
    if (range === undefined) return found;
    let ExclusiveStartKey = range.start;
    for (let page = 0; found.length < limit && (page === 0 || ExclusiveStartKey); page += 1) {
      const command = new QueryCommand({
        ...range.condition,
        TableName: this.#tableNames[table],
        ConsistentRead: true,
        ScanIndexForward: !newestFirst,
        ExclusiveStartKey,
        Limit: limit === Number.POSITIVE_INFINITY ? undefined : Math.max(limit - found.length, page && laterPage),
      });
      const answer = await this.#call(`query of ${table}`, () => this.#client.send(command));
      found.push(...(answer.Items ?? []).map(toItem).filter((item) => !this.#hasExpired(item)));
      ExclusiveStartKey = answer.LastEvaluatedKey;
    }
    return found.slice(0, limit);
  }

  async write(writes: HotWrite[]): Promise<void> {
    const problem = hotWritesProblem(writes);
    if (problem !== undefined) throw refusal(problem);
    if (writes.length === 0) return;
    const now = this.#clock.now().getTime();
    // With one token, a request that is sent again because its answer was lost adds nothing a second time.
    let sent = { writes, token: randomUUID() };
    await retrying(this.#timer, async (): Promise<Attempt<void>> => {
      const reasons = await this.#transact(sent.writes, now, sent.token);
      if (reasons === undefined) return { value: undefined };
      const passing = reasons.find(({ Code = '' }) => [...passingReasons, ...passingErrors].includes(Code));
      if (passing) return { again: cancelled(passing) };
      refuseFailed(writes, reasons, now);
      sent = { writes: afterExpiry(sent.writes, writes, reasons), token: randomUUID() };
      return { again: new AdapterError('hot store: items expired while they were added to', { retryable: true }) };
    });
  }

  /** Why the transaction was cancelled, in the order of the writes; undefined where everything was written. */
  async #transact(
    writes: HotWrite[],
    now: number,
    ClientRequestToken: string,
  ): Promise<CancellationReason[] | undefined> {
    const TransactItems = writes.map((write) => transactItem(write, this.#tableNames[write.table], now));
    try {
      await this.#client.send(new TransactWriteItemsCommand({ TransactItems, ClientRequestToken }));
      return undefined;
    } catch (error) {
      const code = errorCode(error);
      if (passingErrors.includes(code)) return [{ Code: code }];
      if (!(error instanceof TransactionCanceledException)) throw adapterError('hot store: write', error);
      return error.CancellationReasons ?? [];
    }
  }

  #hasExpired(item: HotItem): boolean {
    return item.expiresAt !== undefined && item.expiresAt <= this.#clock.now();
  }

  async #call<T>(what: string, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw adapterError(`hot store: ${what}`, error);
    }
  }
}

/** The part of a query that DynamoDB finds by key; undefined where nothing can lie there. */
function rangeOf(
  partition: string,
  { prefix = '', after, newestFirst = false }: HotQuery,
): { condition: Partial<QueryCommandInput>; start?: Attributes } | undefined {
  const condition = {
    KeyConditionExpression: prefix === '' ? '#p = :p' : '#p = :p AND begins_with(#s, :s)',
    ExpressionAttributeNames: { '#p': keyAttributes.partition, ...(prefix !== '' && { '#s': keyAttributes.sort }) },
    ExpressionAttributeValues: { ':p': { S: partition }, ...(prefix !== '' && { ':s': { S: prefix } }) },
  };
  if (after === undefined) return { condition };
  // A query may begin behind any key that it could itself find, whether an item is there or not.
  if (after !== '' && after.startsWith(prefix)) return { condition, start: toKey({ partition, sort: after }) };
  const isPast = Buffer.compare(Buffer.from(after), Buffer.from(prefix)) > 0;
  return isPast === newestFirst ? { condition } : undefined;
}

function cancelled(reason: CancellationReason): AdapterError {
  return adapterError('hot store: write', { name: reason.Code });
}

/** Throws what the caller must know: a condition that failed, a value that cannot be added to, a write refused. */
function refuseFailed(writes: HotWrite[], reasons: CancellationReason[], now: number): void {
  const isFailed = (position: number) => reasons[position]?.Code === 'ConditionalCheckFailed';
  const failed = writes.flatMap((write, position) => (!('add' in write) && isFailed(position) ? [position] : []));
  if (failed.length > 0) throw new ConditionFailed(failed);
  const position = reasons.findIndex(({ Code, Item }) => {
    const isLive = Item !== undefined && !isExpired(Item, now);
    return Code === 'ConditionalCheckFailed' ? isLive : Code !== undefined && Code !== 'None';
  });
  if (position < 0) return;
  if (!isFailed(position)) throw cancelled(reasons[position]!);
  throw refusal(`write ${position} cannot be added: the values and their sums must be whole and below 2^53`);
}

/** An addition whose item has expired becomes a put in its place; a put before which another came, an addition. */
function afterExpiry(sent: HotWrite[], writes: HotWrite[], reasons: CancellationReason[]): HotWrite[] {
  return writes.map((write, position) => {
    if (!('add' in write) || reasons[position]?.Code !== 'ConditionalCheckFailed') return sent[position]!;
    return 'add' in sent[position]! ? replacingAddition(write) : write;
  });
}

function isExpired(attributes: Attributes, now: number): boolean {
  const expiry = attributes[expiryAttribute]?.N;
  return expiry !== undefined && Number(expiry) * 1000 <= now;
}
