/**
 * Holds published contracts to their meaning: what a version once accepted and did with it, it goes on accepting and
 * doing. `published.json` is the record of what has been published.
 */
import { type FlatSchema, flatten, type Schema, type SchemaFiles } from './read-schemas.ts';

/** Contract id -> its flattened schema without the words for people. */
export type Published = Record<string, FlatSchema>;

const wordsForPeople = ['description', 'title', 'examples', '$comment'];

/** What the schema files say now, in the form in which it is published. */
export function publishedForm(files: SchemaFiles): Published {
  const published: Published = {};
  for (const path of files.keys()) {
    if (!/^(events|entities)\/|^common\/envelope/.test(path)) continue;
    const { properties, required, anyOf } = flatten(files, path);
    const meanings = Object.entries(properties).map(([property, schema]) => [property, meaningOf(schema)]);
    published[path.slice(0, -'.json'.length)] = { properties: Object.fromEntries(meanings), required, anyOf };
  }
  return published;
}

const meaningOf = (schema: Schema): Schema =>
  Object.fromEntries(Object.entries(schema).filter(([keyword]) => !wordsForPeople.includes(keyword)));

/**
 * How the schemas as they stand break what was published; nothing where they keep it. New contracts, new optional fields
 * and new values of an enumeration keep it.
 */
export function breaches(published: Published, now: Published): string[] {
  return Object.entries(published).flatMap(([id, before]) => {
    const after = now[id];
    if (!after) return [`${id} was published and is gone; bring it back: producers still send it`];
    return [...propertyBreaches(before, after), ...ruleBreaches(before, after)].map(
      (breach) => `${id}: ${breach}; leave this version as it was published and add the next one`,
    );
  });
}

function propertyBreaches(before: FlatSchema, after: FlatSchema): string[] {
  return Object.entries(before.properties).flatMap(([property, was]) => {
    const is = after.properties[property];
    if (!is) return [`${property} is gone`];
    const keywords = [...new Set([...Object.keys(was), ...Object.keys(is)])];
    return keywords
      .filter((keyword) => !isKept(keyword, was[keyword], is[keyword]))
      .map((keyword) => `${keyword} of ${property} was ${text(was[keyword])} and is ${text(is[keyword])}`);
  });
}

function isKept(keyword: string, was: unknown, is: unknown): boolean {
  if (keyword === 'enum' && Array.isArray(was) && Array.isArray(is)) return was.every((value) => is.includes(value));
  return text(was) === text(is);
}

function ruleBreaches(before: FlatSchema, after: FlatSchema): string[] {
  const changed = (name: string, was: string[], is: string[]) =>
    was.join() === is.join() ? [] : [`${name} was ${was.join(', ') || 'nothing'} and is ${is.join(', ') || 'nothing'}`];
  return [
    ...changed('required', [...before.required].sort(), [...after.required].sort()),
    ...changed('anyOf', before.anyOf.map(text), after.anyOf.map(text)),
  ];
}

/** JSON with the keys in order, so that equal meanings are equal texts. */
function text(value: unknown): string {
  if (value === undefined) return 'absent';
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
