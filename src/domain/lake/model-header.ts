/** The machine-read header comment of a model, and the columns that a table has. */
import { type Column, type ColumnType, type Dataset, rawColumnsOf } from '../../contracts/index.ts';

export interface ModelHeader {
  grain: string;
  /** Tables that it reads: `raw.events`, `clean.events`, `curated.fact_event`. */
  inputs: string[];
  /** The date column by which its output is partitioned. */
  partition?: string;
  /**
   * SQL that tells a raw record's date, where a clean model makes each date of that date's records alone. A partitioned one
   * without it has a `.touched.sql` beside it, which finds the dates.
   */
  day?: string;
  key: string[];
}

/** Reads the comment lines at the top of a model. Throws where the grain or the key is missing. */
export function parseModelHeader(path: string, text: string): ModelHeader {
  const comments: string[] = [];
  for (const line of text.split('\n')) {
    if (!line.startsWith('--')) break;
    comments.push(line.slice(2).trim());
  }
  const entry = (name: string) =>
    comments
      .find((line) => line.startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim();
  const list = (name: string) => entry(name)?.split(/,\s*/).filter(Boolean) ?? [];
  const entries = comments.findIndex((line) => /^[a-z]+:/.test(line));
  const grain = comments.slice(0, entries === -1 ? undefined : entries).join(' ');
  const header = { grain, inputs: list('inputs'), partition: entry('partition'), day: entry('day'), key: list('key') };
  if (!header.grain || header.key.length === 0) {
    throw new Error(`${path}: a model opens with comment lines that say its grain, its inputs and its key`);
  }
  return header;
}

/** The name under which a model reads a table: `clean.events` is the view `clean_events`. */
export const viewName = (table: string): string => table.replace('.', '_');

const types: [RegExp, ColumnType][] = [
  [/^varchar\(\d+\)/, 'VARCHAR'],
  [/^bigint/, 'BIGINT'],
  [/^double precision/, 'DOUBLE'],
  [/^boolean/, 'BOOLEAN'],
  [/^date/, 'DATE'],
  [/^timestamp/, 'TIMESTAMP'],
  [/^decimal\(18, 4\)/, 'DECIMAL(18,4)'],
];

/** Column lists of the tables that DDL texts create, and later ones add to, by table name; a column's comment is its description. */
export function parseDdl(texts: string[]): Map<string, Column[]> {
  const tables = new Map<string, Column[]>();
  for (const text of texts) {
    for (const [, table, body] of text.matchAll(/create table if not exists (\w+) \(\n([\s\S]*?)\n\);/g)) {
      const lines = body!.split('\n').map((line) => line.trim());
      tables.set(
        table!,
        lines.filter((line) => !line.startsWith('primary key')).map((line) => ddlColumn(table!, line)),
      );
    }
    for (const [, table, column] of text.matchAll(/^alter table (\w+) add column (.*)$/gm)) {
      const columns = tables.get(table!);
      if (!columns) throw new Error(`${table}: a column is added to a table that no earlier file of sql/ddl makes`);
      columns.push(ddlColumn(table!, column!));
    }
  }
  return tables;
}

function ddlColumn(table: string, line: string): Column {
  const [name = '', ...rest] = line.split(' ');
  const type = types.find(([pattern]) => pattern.test(rest.join(' ')))?.[1];
  if (!type) throw new Error(`${table}: cannot read the column "${line}"`);
  return { name, type, description: line.split('-- ')[1] ?? '' };
}

/** The declared columns of a table of the clean or curated layer. */
export function tableColumns(table: string, header: ModelHeader, ddl: Map<string, Column[]>): Column[] {
  const [layer, name] = table.split('.') as [string, string];
  if (layer === 'curated') {
    const columns = ddl.get(name);
    if (!columns) throw new Error(`${table} has a model and no table in sql/ddl`);
    return columns;
  }
  const columns = rawColumnsOf(name as Dataset);
  if (!header.partition) return columns;
  return [...columns, { name: header.partition, type: 'DATE', description: 'Business date: the day of the row, UTC' }];
}
