/** Writes of the hot store as the parts of a DynamoDB transaction. */
import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type { HotCondition, HotWrite } from '../../ports.ts';
import {
  type Attributes,
  attributeName,
  expiryAttribute,
  keyAttributes,
  toAttribute,
  toAttributes,
  toExpiry,
  toKey,
} from './dynamodb-items.ts';

export type Addition = Extract<HotWrite, { add: unknown }>;

/**
 * One write on `TableName`. `now` (milliseconds since 1970) decides which items have expired: until DynamoDB removes
 * them they are there, and count as absent.
 */
export function transactItem(write: HotWrite, TableName: string, now: number): TransactWriteItem {
  const terms = new Terms(now);
  if ('add' in write) return addition(write, TableName, terms);
  const ConditionExpression = write.if && conditionText(write.if, terms);
  const condition = ConditionExpression === undefined ? {} : { ConditionExpression, ...terms.input() };
  if ('put' in write) return { Put: { TableName, Item: toAttributes(write.put), ...condition } };
  if ('delete' in write) return { Delete: { TableName, Key: toKey(write.delete), ...condition } };
  return { ConditionCheck: { TableName, Key: toKey(write.check), ConditionExpression, ...terms.input() } };
}

/** An addition to an item that has expired: it takes the item's place, as if none were there. */
export function replacingAddition({ add, table }: Addition): HotWrite {
  return { table, put: add, if: { absent: true } };
}

/** Adds where the item has not expired and every sum stays a whole number below 2^53; else gives the stored item. */
function addition({ add }: Addition, TableName: string, terms: Terms): TransactWriteItem {
  const sums = Object.entries(add.values).map(([name, added]) => {
    const [attribute, value] = [terms.name(attributeName(name)), terms.value({ N: String(added) })];
    const low = terms.value({ N: String(Number.MIN_SAFE_INTEGER - Math.min(added, 0)) });
    const high = terms.value({ N: String(Number.MAX_SAFE_INTEGER - Math.max(added, 0)) });
    return {
      action: `${attribute} ${value}`,
      // Not BETWEEN, for which moto takes 0 to be no value.
      fits: `(attribute_not_exists(${attribute}) OR (${attribute} >= ${low} AND ${attribute} <= ${high}))`,
    };
  });
  const expiry = terms.name(expiryAttribute);
  const isLive = `(attribute_not_exists(${expiry}) OR ${expiry} > ${terms.now()})`;
  const setExpiry = add.expiresAt ? ` SET ${expiry} = ${terms.value(toExpiry(add.expiresAt))}` : '';
  return {
    Update: {
      TableName,
      Key: toKey(add),
      UpdateExpression: `ADD ${sums.map(({ action }) => action).join(', ')}${setExpiry}`,
      ConditionExpression: [isLive, ...sums.map(({ fits }) => fits)].join(' AND '),
      ...terms.input(),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}

function conditionText(condition: HotCondition, terms: Terms): string {
  const [partition, expiry] = [terms.name(keyAttributes.partition), terms.name(expiryAttribute)];
  if ('absent' in condition) return `attribute_not_exists(${partition}) OR ${expiry} <= ${terms.now()}`;
  const exists = `attribute_exists(${partition}) AND (attribute_not_exists(${expiry}) OR ${expiry} > ${terms.now()})`;
  if ('exists' in condition) return exists;
  const equal = Object.entries(condition.equals).map(
    ([name, value]) => `${terms.name(attributeName(name))} = ${terms.value(toAttribute(value))}`,
  );
  return [exists, ...equal].join(' AND ');
}

/** The names and values of an expression, which stands for each by a short one: any text may be a name. */
class Terms {
  readonly #names: Record<string, string> = {};
  readonly #values: Attributes = {};
  readonly #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  name(attribute: string): string {
    const term = `#${Object.keys(this.#names).length}`;
    this.#names[term] = attribute;
    return term;
  }

  value(value: Attributes[string]): string {
    const term = `:${Object.keys(this.#values).length}`;
    this.#values[term] = value;
    return term;
  }

  /** The time of the write, in the seconds of the expiry attribute. */
  now(): string {
    return this.value({ N: String(this.#now / 1000) });
  }

  input(): { ExpressionAttributeNames: Record<string, string>; ExpressionAttributeValues: Attributes } {
    return { ExpressionAttributeNames: this.#names, ExpressionAttributeValues: this.#values };
  }
}
