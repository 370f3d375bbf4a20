/** DynamoDB's form of values and items. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { storedExpiry } from '../../domain/limits/hot-items.ts';
import type { HotItem, HotKey, HotValue } from '../../ports.ts';

/** The attributes of a table's key, and the one by which DynamoDB removes items: seconds since 1970. */
export const keyAttributes = { partition: 'partition', sort: 'sort' } as const;
export const expiryAttribute = 'expires_at';

export type Attributes = Record<string, AttributeValue>;

export function toAttribute(value: HotValue): AttributeValue {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (value instanceof Uint8Array) return { B: value };
  if (Array.isArray(value)) return { L: value.map(toAttribute) };
  return { M: Object.fromEntries(Object.entries(value).map(([name, part]) => [name, toAttribute(part)])) };
}

function fromAttribute(attribute: AttributeValue): HotValue {
  if (attribute.S !== undefined) return attribute.S;
  if (attribute.N !== undefined) return Number(attribute.N);
  if (attribute.BOOL !== undefined) return attribute.BOOL;
  if (attribute.B !== undefined) return new Uint8Array(attribute.B);
  if (attribute.L !== undefined) return attribute.L.map(fromAttribute);
  if (attribute.M === undefined) return null;
  return Object.fromEntries(Object.entries(attribute.M).map(([name, part]) => [name, fromAttribute(part)]));
}

export function toKey({ partition, sort }: HotKey): Attributes {
  return { [keyAttributes.partition]: { S: partition }, [keyAttributes.sort]: { S: sort } };
}

export function toAttributes(item: HotItem): Attributes {
  const values = Object.entries(item.values).map(([name, value]) => [attributeName(name), toAttribute(value)] as const);
  return {
    ...Object.fromEntries(values),
    ...toKey(item),
    ...(item.expiresAt && { [expiryAttribute]: toExpiry(item.expiresAt) }),
  };
}

export function toItem(attributes: Attributes): HotItem {
  const { partition, sort, [expiryAttribute]: expiry, ...rest } = attributes;
  const values = Object.entries(rest).map(([name, value]) => [valueName(name), fromAttribute(value)] as const);
  return {
    partition: partition!.S!,
    sort: sort!.S!,
    values: Object.fromEntries(values),
    ...(expiry && { expiresAt: new Date(Number(expiry.N) * 1000) }),
  };
}

export function toExpiry(expiresAt: Date): AttributeValue {
  return { N: String(storedExpiry(expiresAt) / 1000) };
}

/** The attribute of a value: its name, with an underscore more where it would be one that the item itself needs. */
export function attributeName(name: string): string {
  return isReserved(name) ? `_${name}` : name;
}

function valueName(attribute: string): string {
  return isReserved(attribute) ? attribute.slice(1) : attribute;
}

function isReserved(name: string): boolean {
  return /^_*(partition|sort|expires_at)$/.test(name);
}
