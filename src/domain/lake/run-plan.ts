/** A run plan: what an engine shall execute, as one JSON document in the object store. */
import type { Column } from '../../contracts/index.ts';

export type Layer = 'clean' | 'curated';

/** A file of a table, with the business date whose partition it belongs to (`null` where the table has none). */
interface TableFile {
  key: string;
  partition: string | null;
  /** Absent where they were not counted. */
  rows?: number;
}

/** A view that a model reads: files, or what an earlier model of the same plan wrote. */
export type PlanInput = FileInput | { writtenBy: string; columns: Column[] };

export interface FileInput {
  format: 'jsonl' | 'parquet';
  files: TableFile[];
  columns: Column[];
  /** SQL that tells a raw record's business date. */
  day?: string;
  /** Read only the files whose partition the model rewrites (`ModelPlan.touched`). */
  onlyTouched?: boolean;
  /** Records to leave out: those that `exclusions/` name by the columns of their origin. */
  without?: { files: string[]; origin: [string, string] };
}

/** A model's checks as SELECTs over its rows (`result`), the row of its counts with `arrivals` (`counts`), and its inputs. */
export interface CompiledChecks {
  /** One row: `judged_rows`, and by each check's name the number of rows, keys or differences that break it. */
  together: string;
  /** The same a check alone, to find the one that cannot run. */
  each: Record<string, string>;
  /** Check -> SELECT of the new rows that break it, by their origin and `redrive_count`. */
  refused: Record<string, string>;
}

export interface ModelPlan {
  /** `clean.events` */
  table: string;
  /** The model's SELECT: a path below `sql/`. */
  sql: string;
  /** View name -> what it reads. */
  inputs: Record<string, PlanInput>;
  /**
   * The business dates that the run touches, which a partitioned output rewrites and `onlyTouched` inputs are read for:
   * known dates, or the path of a SELECT with one date column, which the engine runs over all of the model's inputs first.
   * Where an input tells its records' day, absent means the days of its records.
   */
  touched?: { dates: string[] } | { sql: string };
  /** Each date of the output is made of that date's rows alone, so that an engine may make a few dates at a time. */
  isMadeByDate?: boolean;
  /** Path of a SELECT over the inputs and the table `result` that returns one row of whole numbers by name. */
  counts?: string;
  checks?: CompiledChecks;
  /** Of a clean model: how many raw records it is to find, by another count than its own. */
  arrivals?: number;
  output: {
    /** Folder below which Parquet files are written: `clean/events/run=<id>`. */
    prefix: string;
    columns: Column[];
    /** The date column whose value names the partition folder `dt=<date>`. */
    partitionColumn?: string;
    /** Write only the rows of the dates that are touched, of those that the model makes. */
    onlyTouched?: boolean;
  };
}

export interface RunPlan {
  runId: string;
  layer: Layer;
  /** 1, and one more for each time that the layer is made again without rows that its gate refused. */
  pass: number;
  models: ModelPlan[];
}

/** A Parquet file that an engine wrote. */
export interface WrittenFile extends TableFile {
  bytes: number;
  rows: number;
}

export interface ModelResult {
  table: string;
  /** Dates rewritten, also those that no longer hold a row; `whole` for a table without partitions. */
  touched: string[] | 'whole';
  files: WrittenFile[];
  rows: number;
  /** The row of the model's `counts`, by column name. */
  counts: Record<string, number>;
  checks: CheckMeasure[];
  /** Rows, by the names of the checks that refuse them, in an object of JSON Lines; absent where there are none. */
  refused?: { key: string; rows: Record<string, number> };
  seconds: number;
}

/** What the engine found of a check: how much breaks it among the rows that it judged, or why it could not run. */
export type CheckMeasure = { name: string; rows: number; failures: number } | { name: string; error: string };

export interface EngineResult {
  runId: string;
  layer: Layer;
  engine: string;
  models: ModelResult[];
}
