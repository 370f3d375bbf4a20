/** Takes personal data out of a valid record, as its contract's `x-privacy` declares. */
import {
  type Column,
  type Contract,
  doorColumnsOf,
  envelopeLeaves,
  type Leaf,
  type Namespace,
} from '../../contracts/index.ts';
import type { JsonObject } from '../json.ts';
import { moneyText } from '../money.ts';
import { oncePer } from '../once-per.ts';
import { decadeOf, deviceFamily, monthOf, truncateIp } from './coarsen.ts';
import { scrub } from './scrub.ts';
import { seal } from './seal.ts';

/** A record that keeps its contract; it still holds personal data. */
export interface ValidRecord {
  contract: Contract;
  /** The payload or row that the contract describes. */
  record: JsonObject;
  /** What an event's payload came in. */
  envelope?: JsonObject;
}

/** A raw line: column name -> value, free of personal data. Columns without a value do not reach the file. */
export type RawLine = Record<string, string | number | boolean | undefined>;

/** A person as this module needs them. */
export interface KnownSubject {
  subjectId: string;
  dataKey: Uint8Array;
}

export interface Separated {
  line: RawLine;
  /** What the vault shall keep of the person, by property. */
  personal: Record<string, string>;
  /** Fields that the contract does not know; they are in neither. */
  unknownFieldCount: number;
}

/** The natural ids in a record, one a namespace at most, `user` first. */
export function naturalIdsIn(contract: Contract, record: JsonObject): { namespace: Namespace; id: string }[] {
  const ids: { namespace: Namespace; id: string }[] = [];
  for (const { property, namespace } of naturalIdLeaves(contract)) {
    const value = record[property];
    if (isPresent(value)) ids.push({ namespace: namespace!, id: String(value) });
  }
  return ids;
}

/** A contract's natural ids. */
const naturalIdLeaves = oncePer((contract: Contract): Leaf[] =>
  contract.leaves
    .filter(({ privacy }) => privacy === 'natural_id')
    .sort((a, b) => Number(b.namespace === 'user') - Number(a.namespace === 'user')),
);

/**
 * Separates one record. `subjects` are those of `naturalIdsIn`, by namespace; free text is sealed for the user, or for the
 * anonymous visitor where there is no user.
 */
export function separate(
  { contract, record, envelope }: ValidRecord,
  subjects: Partial<Record<Namespace, KnownSubject>>,
): Separated {
  const line = { ...emptyLine(contract) };
  const personal: Record<string, string> = {};
  let unknownFieldCount = separateLeaves(contract.leaves, record, subjects, line, personal);
  // The payload is the one field of an envelope that is no leaf of it.
  if (envelope) unknownFieldCount += separateLeaves(envelopeLeaves, envelope, subjects, line, personal) - 1;
  return { line, personal, unknownFieldCount };
}

/** Separates one object of a record into `line` and `personal`, and returns how many of its fields are unknown. */
function separateLeaves(
  leaves: Leaf[],
  record: JsonObject,
  subjects: Partial<Record<Namespace, KnownSubject>>,
  line: RawLine,
  personal: Record<string, string>,
): number {
  const leafOf = leavesByProperty(leaves);
  let unknown = 0;
  for (const property in record) {
    const value = record[property];
    const leaf = leafOf.get(property);
    if (leaf === undefined || value === undefined) unknown += 1;
    else if (value === null || value === '') continue;
    else if (leaf.privacy === 'vault') personal[property] = String(value);
    else line[leaf.column] = keptValue(leaf, value, subjects);
  }
  return unknown;
}

/** Leaves by their property: records hold a few of the many that they may. */
const leavesByProperty = oncePer((leaves: Leaf[]) => new Map(leaves.map((leaf) => [leaf.property, leaf])));

/**
 * A contract's line with all its columns and no values. Copies of it have one shape, whichever values they get: made so,
 * and written as JSON, lines take half the time of those that grow column by column.
 */
const emptyLine = oncePer((contract: Contract): RawLine => {
  const leaves = [...(contract.dataset === 'events' ? envelopeLeaves : []), ...contract.leaves]
    .filter(({ privacy }) => privacy !== 'vault' && privacy !== 'drop')
    .map(({ column }) => column);
  const columns = [...leaves, ...doorColumnsOf(contract.dataset)];
  // What JSON.parse makes keeps its shape when it is copied; an object that grew past a dozen columns has none.
  const line = JSON.parse(JSON.stringify(Object.fromEntries(columns.map((column) => [column, null])))) as RawLine;
  for (const column of columns) line[column] = undefined;
  return line;
});

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

/** What raw keeps of a leaf's value. */
export function keptValue(
  leaf: Leaf,
  value: unknown,
  subjects: Partial<Record<Namespace, KnownSubject>>,
): string | number | boolean | undefined {
  switch (leaf.privacy) {
    case 'keep':
      return keepAsDeclared(leaf, value);
    case 'natural_id':
      return subjects[leaf.namespace!]?.subjectId;
    case 'truncate_ip':
      return truncateIp(String(value));
    case 'coarsen_device':
      return deviceFamily(String(value));
    case 'coarsen_date':
      return typeof value === 'number' ? decadeOf(value) : monthOf(String(value));
    case 'scrub':
      return scrub(String(value));
    case 'seal': {
      const subject = subjects.user ?? subjects.anonymous;
      return subject && seal(subject.dataKey, JSON.stringify(value), leaf.column);
    }
    case 'vault':
    case 'drop':
      return undefined;
  }
}

/** Kept values in the one form that raw lines carry: money and times normalised. */
function keepAsDeclared(leaf: Leaf, value: unknown): string | number | boolean | undefined {
  if (leaf.isMoney) return moneyText(value as string | number);
  if (leaf.type === 'TIMESTAMP') return isoTime(value as string);
  return value as string | number | boolean;
}

const isInIsoForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Most producers write the one form already, and a date need not be made of it. */
function isoTime(text: string): string {
  return isInIsoForm.test(text) ? text : new Date(text).toISOString();
}

/** The line's values in the order of the columns, for hashing. */
export function canonicalText(line: RawLine, columns: Column[]): string {
  return JSON.stringify(columns.map((column) => line[column.name] ?? null));
}
