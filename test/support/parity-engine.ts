/** A model engine for tests that is two: each plan runs on both, each over its own files, and what differs is told. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseModelHeader } from '../../src/domain/lake/model-header.ts';
import type { EngineResult, ModelPlan, ModelResult, PlanInput, RunPlan } from '../../src/domain/lake/run-plan.ts';
import type { Snapshot } from '../../src/domain/lake/snapshot.ts';
import type { ModelEngine, ObjectStore, SqlFiles } from '../../src/ports.ts';
import { openDuckDb } from './sql-engines.ts';
import { type Side, tableDifferences } from './table-differences.ts';

type Files = ModelResult['files'];

/** An engine, and the lake that it writes to. */
export interface Lineage {
  name: string;
  engine: ModelEngine;
  objects: ObjectStore;
}

export interface ParityOptions {
  /** What it makes is what callers go on with. */
  first: Lineage;
  /** Its lake shares the folders of `sharedFolders` with the first's. */
  second: Lineage;
  sql: SqlFiles;
}

/** What no model writes, and both lineages read. */
const sharedFolders = ['raw', 'rates', 'exclusions'];

/** Lets the second lake read what the first one holds beside its tables. */
export function shareInputs(first: ObjectStore, second: ObjectStore): void {
  for (const folder of sharedFolders) {
    mkdirSync(first.uri(folder), { recursive: true });
    symlinkSync(first.uri(folder), second.uri(folder));
  }
}

/** Executes plans on both engines; the second reads what it wrote itself wherever the first one does. */
export class ParityEngine implements ModelEngine {
  /** What differed, a line each: nothing where all was equal. */
  readonly differences: string[] = [];
  readonly #options: ParityOptions;
  /** What the second engine wrote, by folder: one table, run and date. The first one's lie in a folder of that name. */
  readonly #folders = new Map<string, Files>();

  constructor(options: ParityOptions) {
    this.#options = options;
  }

  async execute(plan: RunPlan): Promise<EngineResult> {
    const { first, second } = this.#options;
    const result = await first.engine.execute(plan);
    const models = plan.models.map((model) => ({ ...model, inputs: this.#ownInputs(model) }));
    const other = await second.engine.execute({ ...plan, models });
    const names = (made: EngineResult) => made.models.map(({ table }) => table);
    this.#tell('models', 'tables', names(result), names(other));
    for (const [index, model] of plan.models.entries()) {
      await this.#compareModel(model, result.models[index]!, other.models[index]!);
    }
    return result;
  }

  /** Compares which partitions the tables have, and how many rows: files are compared when they are written, and stay as they are. */
  compareLists(tables: Snapshot['tables']): void {
    for (const [table, files] of Object.entries(tables))
      this.#comparePartitions(table, files, this.counterparts(files));
  }

  /** Compares all rows of the tables, of which each lineage has its own files. */
  async compareTables(tables: Snapshot['tables']): Promise<void> {
    for (const [table, files] of Object.entries(tables)) {
      const sql = `models/${table.replace('.', '/')}.sql`;
      await this.#compareFiles(table, sql, files, this.counterparts(files));
    }
  }

  /** The second lineage's files in place of the first's. */
  counterparts(files: { key: string }[]): Files {
    const folders = [...new Set(files.map(({ key }) => dirname(key)))];
    return folders.flatMap((folder) => this.#folders.get(folder) ?? []);
  }

  #ownInputs(model: ModelPlan): ModelPlan['inputs'] {
    const own = (input: PlanInput): PlanInput =>
      'files' in input && input.format === 'parquet' ? { ...input, files: this.counterparts(input.files) } : input;
    return Object.fromEntries(Object.entries(model.inputs).map(([name, input]) => [name, own(input)]));
  }

  async #compareModel(plan: ModelPlan, one: ModelResult, other: ModelResult): Promise<void> {
    const { table } = plan;
    for (const folder of [...this.#folders.keys()]) {
      // What an earlier pass of the run wrote is written anew.
      if (folder === plan.output.prefix || folder.startsWith(`${plan.output.prefix}/`)) this.#folders.delete(folder);
    }
    for (const [folder, files] of Map.groupBy(other.files, ({ key }) => dirname(key))) this.#folders.set(folder, files);
    for (const fact of ['touched', 'rows', 'counts', 'checks', 'refused'] as const) {
      this.#tell(table, fact, one[fact], other[fact]);
    }
    this.#comparePartitions(table, one.files, other.files);
    if (one.refused && other.refused) {
      this.#tell(
        table,
        'refused rows',
        await this.#lines(this.#options.first, one),
        await this.#lines(this.#options.second, other),
      );
    }
    await this.#compareFiles(table, plan.sql, one.files, other.files);
  }

  #comparePartitions(table: string, one: Files, other: Files): void {
    const [ones, others] = [partitionsOf(one), partitionsOf(other)];
    for (const partition of new Set([...Object.keys(ones), ...Object.keys(others)])) {
      this.#tell(table, `partition ${partition}`, ones[partition], others[partition]);
      this.#tell(table, `files in partition ${partition}`, 1, others[partition]?.files ?? 1);
    }
  }

  async #lines({ objects }: Lineage, { refused }: ModelResult): Promise<string[]> {
    const text = Buffer.from((await objects.get(refused!.key))!).toString();
    return text.trimEnd().split('\n').sort();
  }

  async #compareFiles(table: string, path: string, one: Files, other: Files): Promise<void> {
    const { first, second, sql } = this.#options;
    const side = ({ name, objects }: Lineage, files: Files): Side => ({
      name,
      paths: files.map(({ key }) => objects.uri(key)),
    });
    const { key } = parseModelHeader(path, sql.read(path));
    const duckDb = await openDuckDb();
    try {
      const found = await tableDifferences(duckDb, key, side(first, one), side(second, other));
      this.differences.push(...found.map((difference) => `${table} ${difference}`));
    } finally {
      await duckDb.close();
    }
  }

  #tell(table: string, what: string, one: unknown, other: unknown): void {
    const { first, second } = this.#options;
    if (JSON.stringify(one) === JSON.stringify(other)) return;
    const [text, otherText] = [JSON.stringify(beside(one, other)), JSON.stringify(beside(other, one))];
    this.differences.push(`${table} ${what}: ${first.name} ${text}, ${second.name} ${otherText}`);
  }
}

/** Of a list, what the other one lacks; any other value, and a list that lacks nothing, whole. */
function beside(value: unknown, other: unknown): unknown {
  if (!Array.isArray(value) || !Array.isArray(other)) return value;
  const texts = (list: unknown[]) => new Set(list.map((item) => JSON.stringify(item)));
  if (texts(value).symmetricDifference(texts(other)).size === 0) return value;
  const others = texts(other);
  return value.filter((item) => !others.has(JSON.stringify(item)));
}

/** How many files and rows lie in each partition. */
function partitionsOf(files: Files): Record<string, { files: number; rows: number }> {
  const partitions = Map.groupBy(files, ({ partition }) => String(partition));
  const counted = [...partitions].map(([partition, found]) => {
    const rows = found.reduce((sum, file) => sum + file.rows, 0);
    return [partition, { files: found.length, rows }] as const;
  });
  return Object.fromEntries(counted);
}
