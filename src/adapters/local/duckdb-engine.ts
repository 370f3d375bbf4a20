/** ModelEngine on DuckDB, in this process. */
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Column } from '../../contracts/index.ts';
import { refusedRowsKey } from '../../domain/lake/layout.ts';
import type {
  CheckMeasure,
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
import { measureChecks, refusingSelects, writeRefusedRows } from './duckdb-checks.ts';
import { type DuckDbSession, quoted, withSession } from './duckdb-session.ts';

/** The folders of the lake that models read and write: neither landing nor quarantine. */
const layers = ['raw', 'clean', 'curated', 'rates', 'exclusions', 'plans'];

export interface DuckDbEngineOptions {
  objects: ObjectStore;
  sql: SqlFiles;
  /** Where data goes that does not fit in memory. */
  temporaryDirectory: string;
  /** About how many rows a partitioned model reads at a time where it can; 250,000 by default. */
  spanRows?: number;
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
      await session.run('settings', 'set parquet_metadata_cache = true');
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
    await this.#materialise(session, model, done, dates);
    const counts = model.counts ? await this.#counts(session, model, model.counts) : {};
    const checks = model.checks ? await measureChecks(session, model.table, model.checks) : [];
    // Counts and checks are of all that the records say; what is refused, of what this run writes.
    await keepTouched(session, model, dates);
    const refused = await this.#refused(session, runId, model, checks);
    const files = await this.#write(session, model);
    return {
      table: model.table,
      touched: model.output.partitionColumn ? (dates ?? files.map(({ partition }) => partition!)) : 'whole',
      files,
      rows: files.reduce((sum, file) => sum + file.rows, 0),
      counts,
      checks,
      ...(refused && { refused }),
      seconds: (performance.now() - started) / 1000,
    };
  }

  /** The dates that the plan names, or that its SELECT finds over the inputs; undefined where the result's are meant. */
  async #touchedDates(
    session: DuckDbSession,
    { table, touched, inputs }: ModelPlan,
    done: ModelResult[],
  ): Promise<string[] | undefined> {
    if (!touched || touched === 'all') return undefined;
    if ('dates' in touched) return touched.dates;
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

  /** Makes the model's rows the table `result`, and leaves its inputs registered. */
  async #materialise(
    session: DuckDbSession,
    model: ModelPlan,
    done: ModelResult[],
    dates: string[] | undefined,
  ): Promise<void> {
    const text = this.#options.sql.read(model.sql);
    const [first, ...others] = dateSpans(model, done, this.#options.spanRows ?? defaultSpanRows);
    await this.#createViews(session, model.table, model.inputs, done, first ?? dates);
    await createResult(session, model, text);
    for (const span of others) {
      await this.#createViews(session, model.table, model.inputs, done, span);
      await session.run(model.table, `insert into result ${resultRows(model, text)}`);
    }
    if (others.length > 0) await this.#createViews(session, model.table, model.inputs, done, dates);
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
      const view = onlyDates('writtenBy' in input ? writtenInput(input, done) : input, wanted);
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

  /** The one row of the model's counts, by column name; its checks find it as the table `counts`, with the `arrivals` of the plan. */
  async #counts(
    session: DuckDbSession,
    { table, arrivals = 0 }: ModelPlan,
    path: string,
  ): Promise<Record<string, number>> {
    const text = withoutEnd(this.#options.sql.read(path));
    const [row = {}] = (await session.run(table, text)).getRowObjectsJson();
    const counts = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]));
    const columns = Object.entries({ ...counts, arrivals }).map(([name, count]) => `${count} as "${name}"`);
    await session.run(table, `create or replace temp table counts as select ${columns.join(', ')}`);
    return counts;
  }

  /** Writes down which rows break a check that refuses them; undefined where there are none. */
  async #refused(
    session: DuckDbSession,
    runId: string,
    { table, checks }: ModelPlan,
    measures: CheckMeasure[],
  ): Promise<ModelResult['refused']> {
    const selects = refusingSelects(checks, measures);
    if (selects.length === 0) return undefined;
    const key = refusedRowsKey(runId, table);
    const path = this.#options.objects.uri(key);
    mkdirSync(dirname(path), { recursive: true });
    const rows = await writeRefusedRows(session, table, selects, path);
    return rows && { key, rows };
  }

  async #write(session: DuckDbSession, { table, output }: ModelPlan): Promise<WrittenFile[]> {
    const directory = this.#options.objects.uri(output.prefix);
    mkdirSync(directory, { recursive: true });
    // Snappy is what Redshift's COPY reads; no reader here looks a single value up in a bloom filter.
    const options = 'format parquet, compression snappy, write_bloom_filter false, return_stats true';
    const written = output.partitionColumn
      ? await writePartitions(session, { table, column: output.partitionColumn, directory, options })
      : [await session.run(table, `copy result to ${quoted(`${directory}/part-0.parquet`)} (${options})`)];
    return written
      .flatMap((result) => result.getRowObjectsJson())
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
 * Writes the partitions of `result`, which lies sorted by them, one file each: a connection a core, each with a span of
 * partitions and a single thread, since two threads would make two files of a partition.
 */
async function writePartitions(
  session: DuckDbSession,
  { table, column, directory, options }: { table: string; column: string; directory: string; options: string },
) {
  const found = await session.run(
    table,
    `select ${column}, count(*) from result group by ${column} order by ${column}`,
  );
  const partitions = found.getRowsJson().map(([date, rows]) => ({ date: date as string | null, rows: Number(rows) }));
  if (partitions.some(({ date }) => date === null)) throw new EngineError(`${table}: ${column} must not be null`);
  const spans = evenSpans(partitions, availableParallelism());
  await session.run(table, 'set threads = 1');
  const written = await Promise.allSettled(
    spans.map((span) =>
      session.beside(async (connection) => {
        await connection.run(table, partitionedWrites);
        return connection.run(
          table,
          `copy (
            select *, cast(${column} as varchar) as dt from result
            where ${column} between date '${span[0]!.date}' and date '${span.at(-1)!.date}'
          ) to ${quoted(directory)} (${options}, ${partitioning})`,
        );
      }),
    ),
  );
  await session.run(table, 'reset threads');
  return written.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

const partitioning =
  "partition_by (dt), write_partition_columns false, overwrite_or_ignore true, filename_pattern 'part-{i}'";

/** Up to `count` neighbouring spans with about as many rows each. */
function evenSpans<Partition extends { rows: number }>(partitions: Partition[], count: number): Partition[][] {
  const total = partitions.reduce((sum, { rows }) => sum + rows, 0);
  const spans = new Map<number, Partition[]>();
  let before = 0;
  for (const partition of partitions) {
    const place = Math.floor(((before + partition.rows / 2) / total) * count);
    spans.set(place, [...(spans.get(place) ?? []), partition]);
    before += partition.rows;
  }
  return [...spans.values()];
}

/**
 * Rows come sorted by partition, so few partitions need to be held: a partition buffers whole vectors of every column, and
 * hundreds of them would fill the memory. Settings of a connection.
 */
const partitionedWrites = 'set partitioned_write_flush_threshold = 16384; set partitioned_write_max_open_files = 8';

/** What an earlier model of the same plan wrote; nothing where that model had nothing to rewrite. */
function writtenInput(
  { writtenBy, columns }: Extract<PlanInput, { writtenBy: string }>,
  done: ModelResult[],
): FileInput {
  const files = done.find((result) => result.table === writtenBy)?.files ?? [];
  return { format: 'parquet', files, columns, onlyTouched: files.some(({ partition }) => partition !== null) };
}

function onlyDates(input: FileInput, dates: Set<string> | undefined): FileInput {
  if (!dates || !input.onlyTouched) return input;
  return { ...input, files: input.files.filter((file) => dates.has(file.partition ?? '')) };
}

/** So many rows are joined and sorted in memory. */
const defaultSpanRows = 250_000;

/**
 * The dates that a plan names, in spans that read about so many rows each; none where it names no dates. A model makes each
 * of these dates of that date's rows alone, which is why a run may make a few of them: so it may also make them one by one.
 */
function dateSpans({ touched, inputs }: ModelPlan, done: ModelResult[], spanRows: number): string[][] {
  if (!touched || touched === 'all' || 'sql' in touched) return [];
  const rowsByDate = new Map<string, number>();
  for (const input of Object.values(inputs)) {
    const { files } = 'writtenBy' in input ? writtenInput(input, done) : input;
    for (const { partition, rows = 0 } of files) {
      if (partition) rowsByDate.set(partition, (rowsByDate.get(partition) ?? 0) + rows);
    }
  }
  const spans: string[][] = [];
  let room = 0;
  for (const date of touched.dates) {
    const rows = rowsByDate.get(date) ?? 0;
    if (spans.length === 0 || rows > room) {
      spans.push([]);
      room = spanRows;
    }
    spans.at(-1)!.push(date);
    room -= rows;
  }
  return spans;
}

/**
 * The model's rows as the table `result`, sorted by partition; refused where a column's type is not the declared one. No
 * temporary table, which one connection alone would see.
 */
async function createResult(session: DuckDbSession, model: ModelPlan, text: string): Promise<void> {
  const { columns } = model.output;
  await session.run(model.table, `create or replace table result as ${resultRows(model, text)}`);
  // Asked of the table: to describe the SELECT would plan it twice, which is most of the time that a small run takes.
  const described = await session.run(model.table, 'describe result');
  const types = described.getRowObjectsJson().map((row) => String(row.column_type));
  const differing = columns.flatMap(({ name, type }, index) =>
    types[index] === type ? [] : [`${name} must be ${type}, got ${types[index]}`],
  );
  if (differing.length > 0)
    throw new EngineError(`${model.table}: ${differing.join('; ')}. Cast it in sql/${model.sql}`);
}

function resultRows({ output: { columns, partitionColumn } }: ModelPlan, text: string): string {
  const order = partitionColumn ? `order by ${partitionColumn}` : '';
  return `select ${columnList(columns)} from (${withoutEnd(text)}) ${order}`;
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
