/** What gates have refused: records named by their origin, which the clean layer leaves out in this run and in all others. */
import type { Column, Dataset } from '../../contracts/index.ts';
import type { RawLine } from '../privacy/separate.ts';
import { originColumns } from './compile-checks.ts';

/** One refused record: a line of `exclusions/<run>.<pass>.jsonl`. */
export interface Exclusion {
  dataset: Dataset;
  /** Of the record in quarantine. */
  id: string;
  /** Key of the raw object that holds it. */
  object: string;
  /** Names of the checks that it broke. */
  checks: string[];
  source_shard?: string;
  source_sequence?: string;
  source_file?: string;
  source_line?: number;
  /** How often it had come back before. */
  redrive_count: number;
}

const column = (name: string, type: Column['type']): Column => ({ name, type, description: '' });

/** The columns of an exclusion by which engines know a raw record. */
export const exclusionColumns: Column[] = [
  column('source_shard', 'VARCHAR'),
  column('source_sequence', 'VARCHAR'),
  column('source_file', 'VARCHAR'),
  column('source_line', 'BIGINT'),
  column('redrive_count', 'BIGINT'),
];

/** A record's origin as quarantine keeps it; one that came back before is another record there. */
export function originOf(dataset: Dataset, line: RawLine): RawLine {
  const origin = Object.fromEntries(originColumns(dataset).map((name) => [name, line[name]]));
  return line.redrive_count ? { ...origin, redrive_count: line.redrive_count } : origin;
}

/** The same for each row, line and exclusion of one record that came back as often. */
export const originText = (dataset: Dataset, record: Record<string, unknown>): string =>
  [...originColumns(dataset), 'redrive_count'].map((name) => String(record[name] ?? 0)).join(' ');
