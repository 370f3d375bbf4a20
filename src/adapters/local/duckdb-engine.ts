/** ModelEngine on DuckDB, in this process. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Column } from '../../contracts/index.ts';
import { refusedRowsKey } from '../../domain/lake/layout.ts';
import type {
  EngineResult,
  FileInput,
  ModelPlan,
  ModelResult,
  PlanInput,
  RunPlan,
  WrittenFile,
} from '../../domain/lake/run-plan.ts';
import { exclusionColumns } from '../../domain/quality/exclusions.ts';
import { EngineError, type ModelEngine, type ObjectStore, type SqlFiles } from '../../ports.ts';
import { type Measured, measureChecks } from './duckdb-checks.ts';
import { type DuckDbSession, quoted, withSession } from './duckdb-session.ts';

/** The folders of the lake that models read and write: neither landing nor quarantine. */
const layers = ['raw', 'clean', 'curated', 'rates', 'exclusions', 'plans'];

export interface DuckDbEngineOptions {
  objects: ObjectStore;
  sql: SqlFiles;
  /** Where data goes that does not fit in memory. */
  temporaryDirectory: string;
}

export class DuckDbEngine implements ModelEngine {
  readonly #options: DuckDbEngineOptions;

  constructor(options: DuckDbEngineOptions) {
    this.#options = options;
  }

  async execute(plan: RunPlan): Promise<EngineResult> {
    const { objects, sql, temporaryDirectory } = this.#options;
    const options = { directories: layers.map((layer) => objects.uri(layer)), temporaryDirectory };
    return withSession(options, async (session) => {
      await session.run('partitioned writes', partitionedWrites);
      await session.run('sql/prelude/duckdb.sql', sql.read('prelude/duckdb.sql'));
      const models: ModelResult[] = [];
      for (const model of plan.models) models.push(await this.#executeModel(session, plan.runId, model, models));
      return { runId: plan.runId, layer: plan.layer, engine: 'duckdb', models };
    });
  }

  async #executeModel(
    session: DuckDbSession,
    runId: string,
    model: ModelPlan,
    done: ModelResult[],
  ): Promise<ModelResult> {
    const started = performance.now();
    const dates = await this.#touchedDates(session, model, done);
    await this.#createViews(session, model.table, model.inputs, done, dates);
    await materialise(session, model, this.#options.sql.read(model.sql));
    const counts = model.counts ? await this.#counts(session, model.table, model.counts) : {};
    const measured = await this.#measure(session, runId, model);
    // Counts and checks are of all that the records say.
    await keepTouched(session, model, dates);
    const files = await this.#write(session, model);
    return {
      table: model.table,
      touched: model.output.partitionColumn ? (dates ?? []) : 'whole',
      files,
      rows: files.reduce((sum, file) => sum + file.rows, 0),
      counts,
      ...measured,
      seconds: (performance.now() - started) / 1000,
    };
  }

  /** The dates that the plan names, or that its SELECT finds over the inputs; undefined for a table without partitions. */
  async #touchedDates(
    session: DuckDbSession,
    { table, touched, inputs }: ModelPlan,
    done: ModelResult[],
  ): Promise<string[] | undefined> {
    if (!touched || 'dates' in touched) return touched?.dates;
    const text = this.#options.sql.read(touched.sql);
    // A view opens each of its files, which for all of a table's history takes longer than the rest: only those that it reads.
    const read = Object.entries(inputs).filter(([name]) => text.includes(name));
    await this.#createViews(session, table, Object.fromEntries(read), done);
    const found = await session.run(table, text);
    return found
      .getRowsJson()
      .map(([date]) => String(date))
      .sort();
  }

  /** Registers a model's inputs; with `dates`, partitioned ones only as far as they belong to these. */
  async #createViews(
    session: DuckDbSession,
    table: string,
    inputs: ModelPlan['inputs'],
    done: ModelResult[],
    dates?: string[],
  ): Promise<void> {
    const wanted = dates && new Set(dates);
    for (const [name, input] of Object.entries(inputs)) {
      const view = 'writtenBy' in input ? writtenInput(input, done) : onlyDates(input, wanted);
      await session.run(table, `create or replace temp view ${name} as ${this.#select(view)}`);
    }
  }

  /** The SELECT that reads an input's files with its declared columns. */
  #select({ format, files, columns, without }: FileInput): string {
    const none = `select ${columns.map(({ name, type }) => `cast(null as ${type}) as "${name}"`).join(', ')} where false`;
    if (files.length === 0) return none;
    const list = `[${files.map((file) => quoted(this.#options.objects.uri(file.key))).join(', ')}]`;
    // The folder names of the lake are no columns.
    const options = 'hive_partitioning = false';
    if (format === 'parquet') {
      // Files that were written before a column was declared lack it.
      const rows = `${none} union all by name select * from read_parquet(${list}, union_by_name = true, ${options})`;
      return `select ${columnList(columns)} from (${rows})`;
    }
    const struct = columns.map(({ name, type }) => `"${name}": '${type}'`).join(', ');
    const records = `select * from read_json(${list}, format = 'newline_delimited', records = true, columns = {${struct}}, ${options})`;
    return without ? `select * from (${records}) as records where not exists (${this.#excluded(without)})` : records;
  }

  /** The SELECT that finds a record's origin among those to leave out. */
  #excluded({ files, origin }: NonNullable<FileInput['without']>): string {
    const list = files.map((key) => quoted(this.#options.objects.uri(key))).join(', ');
    const columns = exclusionColumns.map(({ name, type }) => `"${name}": '${type}'`).join(', ');
    const isSame = origin.map((column) => `excluded.${column} = records.${column}`).join(' and ');
    return `select 1 from read_json([${list}], format = 'newline_delimited', records = true, columns = {${columns}}) as excluded
      where ${isSame} and excluded.redrive_count = coalesce(records.redrive_count, 0)`;
  }

  /** The one row of the model's counts, by column name; its checks find it as the table `counts`. */
  async #counts(session: DuckDbSession, table: string, path: string): Promise<Record<string, number>> {
    const text = withoutEnd(this.#options.sql.read(path));
    await session.run(table, `create or replace temp table counts as ${text}`);
    const [row = {}] = (await session.run(table, 'from counts')).getRowObjectsJson();
    return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]));
  }

  async #measure(session: DuckDbSession, runId: string, model: ModelPlan): Promise<Measured> {
    if (!model.checks) return { checks: [] };
    const key = refusedRowsKey(runId, model.table);
    mkdirSync(this.#options.objects.uri(dirname(key)), { recursive: true });
    return measureChecks(session, model.table, model.checks, { key, path: this.#options.objects.uri(key) });
  }

  async #write(session: DuckDbSession, { table, output }: ModelPlan): Promise<WrittenFile[]> {
    const directory = this.#options.objects.uri(output.prefix);
    mkdirSync(directory, { recursive: true });
    const { partitionColumn } = output;
    const target = partitionColumn ? directory : `${directory}/part-0.parquet`;
    const rows = partitionColumn
      ? `select *, cast(${partitionColumn} as varchar) as dt from result order by ${partitionColumn}`
      : 'from result';
    const partitioning = partitionColumn
      ? ", partition_by (dt), write_partition_columns false, overwrite_or_ignore true, filename_pattern 'part-{i}'"
      : '';
    // Snappy is what Redshift's COPY reads. One thread, so that a partition becomes one file.
    await session.run(table, 'set threads = 1');
    const written = await session.run(
      table,
      `copy (${rows}) to ${quoted(target)} (format parquet, compression snappy, return_stats true${partitioning})`,
    );
    await session.run(table, 'reset threads');
    return written
      .getRowObjectsJson()
      .filter((row) => Number(row.count) > 0)
      .map((row) => {
        const key = output.prefix + String(row.filename).slice(directory.length);
        const partition = /\/dt=([^/]+)\//.exec(key)?.[1] ?? null;
        return { key, partition, bytes: Number(row.file_size_bytes), rows: Number(row.count) };
      })
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

/**
 * Rows come sorted by partition, so few partitions need to be held: a partition buffers whole vectors of every column, and
 * hundreds of them would fill the memory.
 */
const partitionedWrites = 'set partitioned_write_flush_threshold = 16384; set partitioned_write_max_open_files = 8';

/** What an earlier model of the same plan wrote; nothing where that model had nothing to rewrite. */
function writtenInput(
  { writtenBy, columns }: Extract<PlanInput, { writtenBy: string }>,
  done: ModelResult[],
): FileInput {
  return { format: 'parquet', files: done.find((result) => result.table === writtenBy)?.files ?? [], columns };
}

function onlyDates(input: FileInput, dates: Set<string> | undefined): FileInput {
  if (!dates || !input.onlyTouched) return input;
  return { ...input, files: input.files.filter((file) => dates.has(file.partition ?? '')) };
}

/** The model's rows as the table `result`, refused where a column's type is not the declared one. */
async function materialise(session: DuckDbSession, model: ModelPlan, text: string): Promise<void> {
  const { columns } = model.output;
  await session.run(
    model.table,
    `create or replace temp table result as select ${columnList(columns)} from (${withoutEnd(text)})`,
  );
  // Asked of the table: to describe the SELECT would plan it twice, which is most of the time that a small run takes.
  const described = await session.run(model.table, 'describe result');
  const types = described.getRowObjectsJson().map((row) => String(row.column_type));
  const differing = columns.flatMap(({ name, type }, index) =>
    types[index] === type ? [] : [`${name} must be ${type}, got ${types[index]}`],
  );
  if (differing.length > 0)
    throw new EngineError(`${model.table}: ${differing.join('; ')}. Cast it in sql/${model.sql}`);
}

async function keepTouched(session: DuckDbSession, { table, output }: ModelPlan, dates: string[] = []): Promise<void> {
  const { onlyTouched, partitionColumn } = output;
  if (!onlyTouched) return;
  const list = dates.map((date) => `date ${quoted(date)}`).join(', ');
  await session.run(table, `delete from result where not list_contains([${list}]::date[], ${partitionColumn})`);
}

const columnList = (columns: Column[]): string => columns.map(({ name }) => `"${name}"`).join(', ');

/** A statement without its closing semicolon, so that it can stand inside another; the line break ends a last comment. */
const withoutEnd = (text: string): string => `${text.trim().replace(/;$/, '')}\n`;
