/** What items and writes of the hot store may hold: the limits of DynamoDB, kept on every side of the port. */

const maxWrites = 100;
const maxItemBytes = 400 * 1024;
const maxWriteBytes = 4 * 1024 * 1024;
const maxPartitionBytes = 2048;
const maxSortBytes = 1024;
/** A condition or an addition is text of at most 4 KB in DynamoDB; so many names fit with certainty. */
const maxNames = 50;
const maxDepth = 30;
/** AWS' client reads an item by assignments, and this one sets the prototype. */
const lostName = '__proto__';
const lostNameProblem = `a value must not be named ${lostName}, which would be lost`;
const largestNumber = 1e125;
const smallestNumber = 1e-130;

type Value = string | number | boolean | null | Uint8Array | Value[] | { [name: string]: Value };

interface Key {
  partition: string;
  sort: string;
}

type Write = { table: string; if?: object } & (
  | { put: Key & { values: Record<string, Value> } }
  | { add: Key & { values: Record<string, number> } }
  | { delete: Key }
  | { check: Key }
);

/** What is wrong with the writes as one transaction, before it is known what is stored, or undefined. */
export function hotWritesProblem(writes: Write[]): string | undefined {
  if (writes.length > maxWrites) return `a write takes at most ${maxWrites} items, got ${writes.length}`;
  const keys = new Set<string>();
  for (const [position, write] of writes.entries()) {
    const { partition, sort } = keyOf(write);
    const problem = hotKeyProblem({ partition, sort }) ?? namesProblem(write);
    if (problem !== undefined) return `write ${position}: ${problem}`;
    const key = JSON.stringify([write.table, partition, sort]);
    if (keys.has(key)) return `write ${position} repeats the key of an earlier one: keys must be distinct`;
    keys.add(key);
  }
  return hotItemsProblem(writes.map((write) => ('put' in write ? write.put : undefined)));
}

/** What is wrong with the items that one transaction leaves behind, undefined for those it deletes, or undefined. */
export function hotItemsProblem(items: ((Key & { values: Record<string, Value> }) | undefined)[]): string | undefined {
  let total = 0;
  for (const [position, item] of items.entries()) {
    if (item === undefined) continue;
    const problem = valueProblem(item.values, 0);
    if (problem !== undefined) return `write ${position}: ${problem}`;
    const bytes = bytesOf(item.partition) + bytesOf(item.sort) + bytesOf(item.values);
    if (bytes > maxItemBytes) return `write ${position}: an item has at most 400 KB, got ${bytes} bytes`;
    total += bytes;
  }
  return total > maxWriteBytes ? `a write takes at most 4 MB in all, got ${total} bytes` : undefined;
}

/** What is wrong with an item's key, or undefined. */
export function hotKeyProblem(key: Key): string | undefined {
  return sizeProblem('partition', key.partition, maxPartitionBytes) ?? sizeProblem('sort', key.sort, maxSortBytes);
}

/** What is wrong with a query of a partition, or undefined. */
export function hotQueryProblem(
  partition: string,
  { prefix = '', after = '' }: { prefix?: string; after?: string },
): string | undefined {
  for (const [name, text] of Object.entries({ prefix, after })) {
    const bytes = Buffer.byteLength(text);
    if (bytes > maxSortBytes) return `${name} has at most ${maxSortBytes} bytes, got ${bytes}`;
  }
  return sizeProblem('partition', partition, maxPartitionBytes);
}

/** An expiry as stores keep it: DynamoDB's is in whole seconds, so it is rounded up. Milliseconds since 1970. */
export function storedExpiry(expiresAt: Date): number {
  return Math.ceil(expiresAt.getTime() / 1000) * 1000;
}

function keyOf(write: Write): Key {
  if ('put' in write) return write.put;
  if ('delete' in write) return write.delete;
  return 'add' in write ? write.add : write.check;
}

function sizeProblem(name: string, text: string, maxBytes: number): string | undefined {
  const bytes = Buffer.byteLength(text);
  return bytes < 1 || bytes > maxBytes ? `${name} has 1 to ${maxBytes} bytes, got ${bytes}` : undefined;
}

function namesProblem(write: Write): string | undefined {
  if (write.if !== undefined && 'equals' in write.if) {
    const names = Object.keys(write.if.equals as object).length;
    if (names > maxNames) return `a condition compares at most ${maxNames} values, got ${names}`;
  }
  if (!('add' in write)) return undefined;
  const { values } = write.add;
  const names = Object.keys(values).length;
  if (names < 1 || names > maxNames) return `an addition names 1 to ${maxNames} values, got ${names}`;
  if (Object.hasOwn(values, lostName)) return lostNameProblem;
  if (Object.values(values).every(Number.isSafeInteger)) return undefined;
  return 'an addition takes whole numbers below 2^53';
}

/** Numbers that only one store could hold, and nesting that DynamoDB (32 levels in all) refuses. */
function valueProblem(value: Value, depth: number): string | undefined {
  if (typeof value === 'number') {
    const magnitude = Math.abs(value);
    if (value === 0 || (magnitude >= smallestNumber && magnitude <= largestNumber)) return undefined;
    return `a number is 0 or between ${smallestNumber} and ${largestNumber} without its sign, got ${value}`;
  }
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return undefined;
  if (depth > maxDepth) return `values nest at most ${maxDepth} levels deep`;
  if (Object.hasOwn(value, lostName)) return lostNameProblem;
  for (const part of Array.isArray(value) ? value : Object.values(value)) {
    const problem = valueProblem(part, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** A value's size as DynamoDB counts it, numbers at their largest. */
function bytesOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return 21;
  if (value === null || typeof value === 'boolean') return 1;
  if (value instanceof Uint8Array) return value.length;
  const parts = Array.isArray(value) ? value : Object.entries(value).flat();
  return parts.reduce<number>((sum, part) => sum + 1 + bytesOf(part), 3);
}
