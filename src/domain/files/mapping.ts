/** A mapping makes a foreign file fit a contract: which column becomes which field, constants, formats, row ids. */
import { type Contract, type Leaf, rowValidatorOf } from '../../contracts/index.ts';
import { isObject, type JsonObject } from '../json.ts';
import { RefusedInput } from '../refused-input.ts';
import { violations } from '../validate.ts';
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
  const refuse: Refuse = (message) => {
    throw new RefusedInput(`${file}: ${message}`);
  };
  if (!isObject(document)) return refuse(`a mapping is a YAML map with ${keys.join(', ')}`);
  for (const key of Object.keys(document)) {
    if (!keys.includes(key)) refuse(`unknown key ${key}; a mapping has ${keys.join(', ')}`);
  }
  if (document.dataset !== contract.dataset) {
    const got = typeof document.dataset === 'string' ? document.dataset : 'none';
    refuse(`dataset must be ${contract.dataset}, got ${got}; upload it as that dataset or correct the mapping`);
  }
  const mapping: Mapping = {
    columns: textMap(document, 'columns', contract, refuse),
    constants: textMap(document, 'constants', contract, refuse),
    formats: textMap(document, 'formats', contract, refuse),
    ...(document.row_id !== undefined && { rowId: String(document.row_id) }),
  };
  checkRowId(mapping, contract, refuse);
  checkFields(mapping, contract, refuse);
  checkFormats(mapping, contract, refuse);
  checkConstants(mapping, contract, refuse);
  return mapping;
}

type Refuse = (message: string) => never;

function textMap(
  document: JsonObject,
  key: 'columns' | 'constants' | 'formats',
  contract: Contract,
  refuse: Refuse,
): Record<string, string> {
  const map = document[key] ?? {};
  if (!isObject(map)) return refuse(`${key} must be a map from a field of ${contract.dataset} to text`);
  const fields = contract.leaves.map((leaf) => leaf.property);
  for (const [field, value] of Object.entries(map)) {
    if (!fields.includes(field)) {
      refuse(`${key}.${field}: ${contract.dataset} has no such field; it has ${fields.join(', ')}`);
    }
    if (!['string', 'number', 'boolean'].includes(typeof value)) refuse(`${key}.${field} must be text`);
  }
  return Object.fromEntries(Object.entries(map).map(([field, value]) => [field, String(value)]));
}

function checkRowId({ rowId }: Mapping, contract: Contract, refuse: Refuse): void {
  const leaf = contract.leaves.find((candidate) => candidate.property === rowId);
  const holdsId = leaf?.privacy === 'keep' && leaf.json.join() === 'string' && leaf.type === 'VARCHAR';
  if (rowId !== undefined && !holdsId) refuseRowId(rowId, contract, refuse);
}

function refuseRowId(rowId: string, contract: Contract, refuse: Refuse): never {
  return refuse(`row_id must name an id field of ${contract.dataset} that holds text, got ${rowId}`);
}

/** Each field has one source, and each that the contract requires has one. */
function checkFields({ columns, constants, rowId }: Mapping, contract: Contract, refuse: Refuse): void {
  const given = [...Object.keys(columns), ...Object.keys(constants), ...(rowId === undefined ? [] : [rowId])];
  const twice = given.find((field, index) => given.indexOf(field) !== index);
  if (twice) refuse(`${twice} must come from one place: a column, a constant or row_id`);
  const required = contract.leaves.filter((leaf) => leaf.required).map((leaf) => leaf.property);
  const missing = required.filter((field) => !given.includes(field));
  if (missing.length > 0) refuse(`${contract.dataset} needs ${missing.join(', ')}: map a column or set a constant`);
}

function checkFormats({ formats }: Mapping, contract: Contract, refuse: Refuse): void {
  const times = contract.leaves.filter((leaf) => isTime(leaf)).map((leaf) => leaf.property);
  for (const [field, format] of Object.entries(formats)) {
    if (!times.includes(field)) refuse(`formats.${field}: only a time has a format: ${times.join(', ')}`);
    if (!isTimeFormat(format)) {
      refuse(`formats.${field} must be made of yyyy, MM, dd, HH, mm, ss, T, Z and separators, got ${format}`);
    }
  }
}

/** A constant that breaks the contract would send every row to quarantine, as would an id where none can stand. */
function checkConstants(mapping: Mapping, contract: Contract, refuse: Refuse): void {
  const { row, broken } = rowMapper(mapping, contract)({});
  if (broken.length > 0) refuse(`constants.${broken[0]} must have the format ${mapping.formats[broken[0]!]}`);
  for (const { path, rule } of violations(
    rowValidatorOf(contract.id),
    contract.leaves,
    typedRow(row, contract.leaves),
  )) {
    const field = path.slice(1);
    if (field === mapping.rowId) refuseRowId(mapping.rowId, contract, refuse);
    if (Object.hasOwn(mapping.constants, field)) {
      refuse(`constants.${field} must be: ${rule}; got ${mapping.constants[field]}`);
    }
  }
}

const isTime = ({ type }: Leaf): boolean => type === 'TIMESTAMP' || type === 'DATE';

/** Stands in the id field of a row until its id has been made. */
const provisionalId = 'row';

/** The row as the contract names its fields; a time that does not fit its format is the field's name under `broken`. */
export type RowMapper = (row: JsonObject) => { row: JsonObject; broken: string[] };

export function rowMapper({ columns, constants, formats, rowId }: Mapping, contract: Contract): RowMapper {
  const readers = Object.entries(formats).map(([field, format]) => {
    const isDate = contract.leaves.some((leaf) => leaf.property === field && leaf.type === 'DATE');
    const read = timeReader(format);
    return { field, read: (text: string) => (isDate ? read(text)?.slice(0, 10) : read(text)) };
  });
  return (row) => {
    const mapped: JsonObject = { ...constants, ...(rowId !== undefined && { [rowId]: provisionalId }) };
    for (const [field, column] of Object.entries(columns)) {
      if (Object.hasOwn(row, column)) mapped[field] = row[column];
    }
    const broken: string[] = [];
    for (const { field, read } of readers) {
      const value = mapped[field];
      // Maps and lists are for the contract to refuse: making text of them can fail.
      if (!isPresent(value) || typeof value === 'object') continue;
      const time = read(String(value));
      if (time === undefined) broken.push(field);
      mapped[field] = time;
    }
    return { row: mapped, broken };
  };
}

/** A row whose text cells have the types of the contract's fields; empty cells and nulls are absent. */
export function typedRow(row: JsonObject, leaves: Leaf[]): JsonObject {
  const byProperty = new Map(leaves.map((leaf) => [leaf.property, leaf]));
  const typed = Object.entries(row)
    .filter(([, value]) => isPresent(value))
    .map(([property, value]) => [
      property,
      typeof value === 'string' ? typedCell(value, byProperty.get(property)) : value,
    ]);
  // Not by assignment, which would take a column named __proto__ for the row's prototype.
  return Object.fromEntries(typed);
}

const isPresent = (value: unknown): boolean => value !== '' && value !== null && value !== undefined;

function typedCell(text: string, leaf: Leaf | undefined): string | number | boolean {
  if (!leaf || leaf.json.includes('string')) return text;
  const trimmed = text.trim();
  if (leaf.json.includes('boolean') && /^(true|false)$/i.test(trimmed)) return trimmed.toLowerCase() === 'true';
  if (/^[+-]?\d{1,15}(\.\d{1,15})?$/.test(trimmed)) return Number(trimmed);
  return text;
}
