/** What a contract is once it has been read: the shape that everything else is derived from. */

/** The four kinds of input. */
export type Dataset = 'events' | 'customers' | 'products' | 'transactions';

/** How a leaf is treated at the door (`x-privacy`). */
export const privacyRules = [
  'keep',
  'natural_id',
  'truncate_ip',
  'coarsen_device',
  'scrub',
  'coarsen_date',
  'seal',
  'vault',
  'drop',
] as const;
export type PrivacyRule = (typeof privacyRules)[number];

/** Namespaces of natural ids: a `user` and an `anonymous` id of the same text are two subjects. */
export const namespaces = ['user', 'anonymous'] as const;
export type Namespace = (typeof namespaces)[number];

/** SQL types of the lake, in the spelling that DuckDB, Spark, PostgreSQL and Redshift share. */
export type ColumnType = 'VARCHAR' | 'BIGINT' | 'DOUBLE' | 'BOOLEAN' | 'DATE' | 'TIMESTAMP' | 'DECIMAL(18,4)';

export interface Column {
  name: string;
  type: ColumnType;
  description: string;
}

/** One leaf property of a contract, with the column it becomes; vault and dropped leaves become none. */
export interface Leaf {
  /** Property name; leaves stand directly below the payload or row. */
  property: string;
  column: string;
  type: ColumnType;
  /** JSON types that the contract accepts. */
  json: string[];
  privacy: PrivacyRule;
  namespace?: Namespace;
  /** Decimal text with four places from raw on. */
  isMoney: boolean;
  /** Allowed values, where the contract lists them. */
  values?: string[];
  /** True where every accepted value comes from a closed domain, so that it may be shown in a reason. */
  isClosed: boolean;
  required: boolean;
  /** Words for people. The schemas give them to documents and columns; functions do without. */
  description?: string;
}

/** One published version of an event type's payload or of an entity's row. */
export interface Contract {
  /** `events/login/1`, `customers/1` */
  id: string;
  dataset: Dataset;
  /** Event type, or the dataset's name. */
  name: string;
  version: number;
  title: string;
  description: string;
  leaves: Leaf[];
}
