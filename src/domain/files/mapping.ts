/** A mapping makes a foreign file fit a contract: which column becomes which field, constants, formats, row ids. */
import type { Contract, Leaf } from '../../contracts/index.ts';
import { isObject, type JsonObject } from '../json.ts';
import { RefusedInput } from '../refused-input.ts';
import { isTimeFormat, timeReader } from './time-format.ts';

export interface Mapping {
  /** Contract field -> column of the file. */
  columns: Record<string, string>;
  /** Contract field -> the same value in every row. */
  constants: Record<string, string>;
  /** Contract field -> format of its times. */
  formats: Record<string, string>;
  /** The field that gets an id made from the row, where the file has none. */
  rowId?: string;
}

const keys = ['dataset', 'columns', 'constants', 'formats', 'row_id'];

/** Checks what a mapping file holds against the contract it maps to. Throws RefusedInput. */
export function parseMapping(document: unknown, contract: Contract, file: string): Mapping {
  const refuse = (message: string): never => {
    throw new RefusedInput(`${file}: ${message}`);
  };
  if (!isObject(document)) return refuse(`a mapping is a YAML map with ${keys.join(', ')}`);
  for (const key of Object.keys(document)) {
    if (!keys.includes(key)) refuse(`unknown key ${key}; a mapping has ${keys.join(', ')}`);
  }
  if (document.dataset !== contract.dataset) {
    refuse(
      `dataset must be ${contract.dataset}, got ${document.dataset ?? 'none'}; upload it as that dataset or correct the mapping`,
    );
  }
  const fields = contract.leaves.map((leaf) => leaf.property);
  const textMap = (key: 'columns' | 'constants' | 'formats'): Record<string, string> => {
    const map = document[key] ?? {};
    if (!isObject(map)) return refuse(`${key} must be a map from a field of ${contract.dataset} to text`);
    for (const field of Object.keys(map)) {
      if (!fields.includes(field))
        refuse(`${key}.${field}: ${contract.dataset} has no such field; it has ${fields.join(', ')}`);
    }
    return Object.fromEntries(Object.entries(map).map(([field, value]) => [field, String(value)]));
  };
  const mapping: Mapping = {
    columns: textMap('columns'),
    constants: textMap('constants'),
    formats: textMap('formats'),
  };
  for (const [field, format] of Object.entries(mapping.formats)) {
    if (!isTimeFormat(format))
      refuse(`formats.${field} must be made of yyyy, MM, dd, HH, mm, ss and separators, got ${format}`);
  }
  if (document.row_id !== undefined) {
    mapping.rowId = String(document.row_id);
    const leaf = contract.leaves.find((candidate) => candidate.property === mapping.rowId);
    if (!leaf || leaf.privacy !== 'keep' || !leaf.json.includes('string')) {
      refuse(`row_id must name an id field of ${contract.dataset} that holds text, got ${mapping.rowId}`);
    }
  }
  const given = new Set([...Object.keys(mapping.columns), ...Object.keys(mapping.constants), mapping.rowId]);
  const missing = contract.leaves
    .filter((leaf) => leaf.required && !given.has(leaf.property))
    .map((leaf) => leaf.property);
  if (missing.length > 0) refuse(`${contract.dataset} needs ${missing.join(', ')}: map a column or set a constant`);
  return mapping;
}

/** Stands in the id field of a row until its id has been made. */
const provisionalId = 'row';

/** The row as the contract names its fields; a time that does not fit its format is the field's name under `broken`. */
export function mapRow(row: JsonObject, mapping: Mapping): { row: JsonObject; broken: string[] } {
  const mapped: JsonObject = { ...mapping.constants };
  for (const [field, column] of Object.entries(mapping.columns)) {
    if (Object.hasOwn(row, column)) mapped[field] = row[column];
  }
  if (mapping.rowId) mapped[mapping.rowId] = provisionalId;
  const broken: string[] = [];
  for (const [field, format] of Object.entries(mapping.formats)) {
    const value = mapped[field];
    if (value === undefined || value === null || value === '') continue;
    const time = timeReader(format)(String(value));
    if (time === undefined) broken.push(field);
    else mapped[field] = time;
  }
  return { row: mapped, broken };
}

/** The text cells of a CSV row as the types that the contract's fields have; empty cells are absent. */
export function typedRow(row: JsonObject, leaves: Leaf[]): JsonObject {
  const typed: JsonObject = {};
  const byProperty = new Map(leaves.map((leaf) => [leaf.property, leaf]));
  for (const [property, value] of Object.entries(row)) {
    if (value === '' || value === null || value === undefined) continue;
    typed[property] = typeof value === 'string' ? typedCell(value, byProperty.get(property)) : value;
  }
  return typed;
}

function typedCell(text: string, leaf: Leaf | undefined): string | number | boolean {
  if (!leaf || leaf.json.includes('string')) return text;
  const trimmed = text.trim();
  if (leaf.json.includes('boolean') && /^(true|false)$/i.test(trimmed)) return trimmed.toLowerCase() === 'true';
  if (/^[+-]?\d{1,15}(\.\d{1,15})?$/.test(trimmed)) return Number(trimmed);
  return text;
}
