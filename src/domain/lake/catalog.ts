/** What a catalog such as Glue's is told of the lake: tables with their columns, and where the published partitions lie. */
import type { Column, ColumnType, Dataset } from '../../contracts/index.ts';
import type { WrittenFile } from './run-plan.ts';

/** A table as engines outside the platform see it. */
export interface CatalogTable {
  /** `raw_events`, `clean_events`, `curated_fact_sales`. */
  name: string;
  /** Folder of the lake, `raw/events/`. */
  folder: string;
  format: 'json lines' | 'parquet';
  description: string;
  columns: { name: string; type: string; description: string }[];
  /** What its folders are called by; the partitions of raw records follow from the date, of others a snapshot names them. */
  partitionKeys: string[];
}

/** Hive's names of the lake's types. */
const hiveTypes: Record<ColumnType, string> = {
  VARCHAR: 'string',
  BIGINT: 'bigint',
  DOUBLE: 'double',
  BOOLEAN: 'boolean',
  DATE: 'date',
  TIMESTAMP: 'timestamp',
  'DECIMAL(18,4)': 'decimal(18,4)',
};

/** In raw lines money and times are text, as they came. */
const asText: ColumnType[] = ['DATE', 'TIMESTAMP', 'DECIMAL(18,4)'];

export const rawTable = (dataset: Dataset, columns: Column[]): CatalogTable => ({
  name: `raw_${dataset}`,
  folder: `raw/${dataset}/`,
  format: 'json lines',
  description: `${dataset} as they were received, less personal data`,
  columns: columns.map(({ name, type, description }) => ({
    name,
    type: asText.includes(type) ? 'string' : hiveTypes[type],
    description,
  })),
  partitionKeys: ['dt', 'hour'],
});

/** `table` is named as in a snapshot: `clean.events`. */
export const publishedTable = (table: string, description: string, columns: Column[]): CatalogTable => ({
  name: catalogName(table),
  folder: `${table.replace('.', '/')}/`,
  format: 'parquet',
  description,
  columns: columns.map(({ name, type, description: meaning }) => ({
    name,
    type: hiveTypes[type],
    description: meaning,
  })),
  partitionKeys: ['dt'],
});

const catalogName = (table: string): string => table.replace('.', '_');

/** The one partition of a table that has no dates: it is repointed, and not made anew, so that readers always find it. */
export const wholeTable = 'all';

/** Table of the catalog -> partition -> folder of its files. */
export type PublishedPartitions = Record<string, Record<string, string>>;

/** Where the partitions of a snapshot's tables lie; `tables` are all there are, since a snapshot names those alone that have rows. */
export function publishedPartitions(files: Record<string, WrittenFile[]>, tables: string[]): PublishedPartitions {
  const partitionsOf = (table: string) => {
    const partitions: Record<string, string> = {};
    for (const { key, partition } of files[table] ?? []) {
      const value = partition ?? wholeTable;
      const folder = key.slice(0, key.lastIndexOf('/') + 1);
      const known = partitions[value];
      // One run writes a partition whole, so that its files lie together.
      if (known !== undefined && known !== folder)
        throw new Error(`${table}: ${value} lies in ${known} and in ${folder}`);
      partitions[value] = folder;
    }
    return partitions;
  };
  return Object.fromEntries(tables.map((table) => [catalogName(table), partitionsOf(table)]));
}

export interface PartitionChanges {
  create: string[];
  update: string[];
  remove: string[];
}

/** What makes the one the other; both are partition -> folder. */
export function partitionChanges(has: Record<string, string>, wants: Record<string, string>): PartitionChanges {
  const [known, wanted] = [Object.keys(has).sort(), Object.keys(wants).sort()];
  return {
    create: wanted.filter((value) => has[value] === undefined),
    update: wanted.filter((value) => has[value] !== undefined && has[value] !== wants[value]),
    remove: known.filter((value) => wants[value] === undefined),
  };
}
