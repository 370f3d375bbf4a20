/** Reads `schemas/` into contracts and refuses what the platform could not keep its promises for. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ColumnType,
  type Contract,
  type Dataset,
  type Leaf,
  type Namespace,
  type PrivacyRule,
  privacyRules,
} from './model.ts';

const schemasDirectory = join(dirname(fileURLToPath(import.meta.url)), '../../schemas');

/** A JSON Schema document or a part of one. */
export interface Schema {
  [keyword: string]: unknown;
  $ref?: string;
  title?: string;
  description?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  pattern?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  allOf?: Schema[];
  anyOf?: Schema[];
}

/** Every schema file by its path below `schemas/`. */
export type SchemaFiles = Map<string, Schema>;

class ContractError extends Error {
  override name = 'ContractError';
}

export function readSchemaFiles(directory = schemasDirectory): SchemaFiles {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.json'))
    .sort();
  return new Map(paths.map((path) => [path, JSON.parse(readFileSync(join(directory, path), 'utf8')) as Schema]));
}

/** The contracts that the schema files declare: entities first, then event types, each in order of its version. */
export function contractsOf(files: SchemaFiles): Contract[] {
  const contracts: Contract[] = [];
  for (const [path, schema] of files) {
    const match = /^(events|entities)\/([a-z0-9_]+)\/([0-9]+)\.json$/.exec(path);
    if (!match) continue;
    const [, kind, name, version] = match as unknown as [string, string, string, string];
    contracts.push({
      id: kind === 'events' ? `events/${name}/${version}` : `${name}/${version}`,
      dataset: (kind === 'events' ? 'events' : name) as Dataset,
      name,
      version: Number(version),
      title: schema.title ?? name,
      description: schema.description ?? '',
      leaves: leavesOf(files, path),
    });
  }
  return contracts;
}

/** A schema file with what it includes: every property resolved, the alternatives of which one must hold. */
export interface FlatSchema {
  properties: Record<string, Schema>;
  required: string[];
  anyOf: Schema[];
}

/** Reads one schema file, the properties of the schemas it includes with `allOf` first. */
export function flatten(files: SchemaFiles, path: string): FlatSchema {
  const schema = files.get(path);
  if (!schema) throw new ContractError(`${path} is named by a $ref and does not exist`);
  const flat: FlatSchema = { properties: {}, required: [], anyOf: [] };
  for (const part of schema.allOf ?? []) {
    if (!part.$ref) throw new ContractError(`${path}: allOf may only hold $ref, put the properties beside it`);
    const included = flatten(files, posix.join(posix.dirname(path), part.$ref));
    Object.assign(flat.properties, included.properties);
    flat.required.push(...included.required);
    flat.anyOf.push(...included.anyOf);
  }
  for (const [property, part] of Object.entries(schema.properties ?? {})) {
    flat.properties[property] = resolve(files, path, part);
  }
  flat.required.push(...(schema.required ?? []));
  flat.anyOf.push(...(schema.anyOf ?? []));
  return flat;
}

/** The leaves of one schema file, those of the schemas it includes first. The envelope's payload is no leaf of it. */
export function leavesOf(files: SchemaFiles, path: string): Leaf[] {
  const { properties, required } = flatten(files, path);
  return Object.entries(properties)
    .filter(([property]) => !(path === 'common/envelope.json' && property === 'payload'))
    .map(([property, schema]) => leafOf(property, schema, required.includes(property), path));
}

/** Follows a property's `$ref`; keywords beside the `$ref` win. */
function resolve(files: SchemaFiles, path: string, part: Schema): Schema {
  if (!part.$ref) return part;
  const [file = '', pointer = ''] = part.$ref.split('#');
  const target = posix.join(posix.dirname(path), file);
  const found = pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], files.get(target));
  if (!found) throw new ContractError(`${path}: nothing stands at ${part.$ref}`);
  const { $ref: _, ...beside } = part;
  return { ...resolve(files, target, found as Schema), ...beside };
}

function leafOf(property: string, schema: Schema, required: boolean, path: string): Leaf {
  const where = `${path}, property ${property}`;
  const privacy = schema['x-privacy'] as PrivacyRule | undefined;
  if (!privacy) throw new ContractError(`${where}: x-privacy is missing; say one of ${privacyRules.join(', ')}`);
  if (!privacyRules.includes(privacy)) {
    throw new ContractError(`${where}: x-privacy must be one of ${privacyRules.join(', ')}, got ${privacy}`);
  }
  const json = [schema.type ?? []].flat();
  if (json.length === 0) throw new ContractError(`${where}: type is missing`);
  if (json.includes('array')) throw new ContractError(`${where}: a leaf cannot be an array`);
  if (json.includes('object') && privacy !== 'seal' && privacy !== 'drop') {
    throw new ContractError(`${where}: a map is sealed or dropped whole, got x-privacy ${privacy}`);
  }
  const isClosed = hasClosedDomain(schema, json);
  if (privacy === 'keep' && !isClosed) {
    throw new ContractError(
      `${where}: x-privacy keep needs a closed domain (enum, number, boolean, uuid, date, date-time or a bounded pattern)`,
    );
  }
  const namespace = schema['x-namespace'] as Namespace | undefined;
  if (privacy === 'natural_id' && namespace !== 'user' && namespace !== 'anonymous') {
    throw new ContractError(`${where}: a natural_id needs x-namespace user or anonymous, got ${namespace}`);
  }
  return {
    property,
    column: (schema['x-column'] as string | undefined) ?? snakeCase(property),
    type: columnType(schema, json, privacy),
    json,
    privacy,
    ...(namespace && { namespace }),
    isMoney: schema['x-money'] === true,
    ...(schema.enum && { values: schema.enum.map(String) }),
    isClosed: isClosed && privacy === 'keep',
    required,
    description: schema.description ?? '',
  };
}

/** A pattern bounds its domain when it is anchored at both ends and repeats nothing without a limit. */
function hasClosedDomain(schema: Schema, json: string[]): boolean {
  if (schema.enum) return true;
  if (!json.includes('string')) return true;
  if (['uuid', 'date', 'date-time'].includes(schema.format ?? '')) return true;
  const pattern = schema.pattern ?? '';
  return (
    pattern.startsWith('^') &&
    pattern.endsWith('$') &&
    !/[^\\][*+]|\{[0-9]+,\}/.test(pattern.replace(/\[[^\]]*\]/g, 'x'))
  );
}

function columnType(schema: Schema, json: string[], privacy: PrivacyRule): ColumnType {
  if (schema['x-money'] === true) return 'DECIMAL(18,4)';
  if (privacy === 'seal' || privacy === 'natural_id') return 'VARCHAR';
  if (schema.format === 'date-time') return 'TIMESTAMP';
  if (schema.format === 'date') return 'DATE';
  if (json.includes('string')) return 'VARCHAR';
  if (json.includes('number')) return 'DOUBLE';
  if (json.includes('integer')) return 'BIGINT';
  return 'BOOLEAN';
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
