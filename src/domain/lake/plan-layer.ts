/** Builds the run plan of one layer from the models' headers, the newest snapshot and what is new. */
import { type Column, type Dataset, rawColumnsOf } from '../../contracts/index.ts';
import { rateColumns } from '../files/rates.ts';
import type { Check } from '../quality/checks.ts';
import { compileChecks, originColumns, tablesOfChecks } from '../quality/compile-checks.ts';
import { tablePrefix } from './layout.ts';
import { type ModelHeader, tableColumns, viewName } from './model-header.ts';
import type { EngineResult, Layer, ModelPlan, PlanInput, RunPlan } from './run-plan.ts';
import type { Snapshot } from './snapshot.ts';

/** A model as it lies in `sql/models`. */
export interface Model {
  /** `clean.events` */
  table: string;
  /** Path below `sql/`. */
  sql: string;
  header: ModelHeader;
  /** Path of the SELECT of touched dates, where it has one. */
  touchedSql?: string;
  countsSql?: string;
  checks: Check[];
}

export interface LayerContext {
  runId: string;
  /** When the run is planned. */
  at: Date;
  /** Objects that name the records which gates have refused. */
  exclusions: string[];
  /** How many records the doors counted in the raw objects, less those that gates have refused; for the clean layer. */
  arrivals?: Partial<Record<Dataset, number>>;
  models: Model[];
  ddl: Map<string, Column[]>;
  /** Files of every table, those that this run's clean models wrote included. */
  tables: Snapshot['tables'];
  /** Raw objects that no run has consumed; with `again`, those that were. */
  newRaw: Partial<Record<Dataset, string[]>>;
  /** Key of the exchange rates in force. */
  rates: string;
  /** True where the published sales were converted by other rates: all of them are converted again. */
  haveRatesChanged: boolean;
  /** What the clean models of this run did. */
  clean?: EngineResult;
  /** Set where nothing new is taken in, and these are made anew. */
  again?: MadeAgain;
}

/** What is made anew of records that are consumed already: the rest of the lake keeps its files. */
export interface MadeAgain {
  /** Business dates, of every table that is partitioned by them. */
  dates: string[];
  /** Clean tables without dates. */
  tables: string[];
}

/** The clean models of the datasets that have new raw objects, or of what is made anew. */
export function planClean(context: LayerContext): RunPlan {
  const { again } = context;
  const models = context.models
    .filter((model) => model.table.startsWith('clean.') && (context.newRaw[datasetOf(model)]?.length ?? 0) > 0)
    .filter(({ table, header }) => !again || (header.partition ? again.dates.length > 0 : again.tables.includes(table)))
    .map((model) => modelPlan(context, model, cleanTouched(context, model), context.arrivals?.[datasetOf(model)]));
  return { runId: context.runId, layer: 'clean', pass: 1, models };
}

function cleanTouched({ tables, again }: LayerContext, { table, header, touchedSql }: Model): ModelPlan['touched'] {
  if (again) return header.partition ? { dates: again.dates } : undefined;
  if (!touchedSql) return undefined;
  return (tables[table] ?? []).length > 0 ? { sql: touchedSql } : 'all';
}

/**
 * The curated models that the clean layer's changes reach, each after those it reads. A partitioned table is rewritten
 * for the dates that its inputs touch; one without partitions when any input changed, or when it was never built.
 */
export function planCurated(context: LayerContext): RunPlan {
  const touched = new Map<string, string[]>();
  if (!context.again) for (const dataset of Object.keys(context.newRaw)) touched.set(`raw.${dataset}`, []);
  for (const { table, touched: dates } of context.clean?.models ?? [])
    touched.set(table, dates === 'whole' ? [] : dates);
  if (context.haveRatesChanged) {
    const sales = context.tables['clean.transactions'] ?? [];
    touched.set('reference.rates', [...new Set(sales.map(({ partition }) => partition!))]);
  }
  const models: ModelPlan[] = [];
  for (const model of inOrder(context.models.filter((candidate) => candidate.table.startsWith('curated.')))) {
    const others = model.header.inputs.filter((input) => input !== model.table);
    const isChanged = others.some((input) => touched.has(input));
    if (!isChanged && (model.header.partition || context.tables[model.table])) continue;
    const dates = [...new Set(others.flatMap((input) => touched.get(input) ?? []))].sort();
    if (model.header.partition && dates.length === 0) continue;
    models.push(modelPlan(context, model, { dates }));
    touched.set(model.table, model.header.partition ? dates : []);
  }
  return { runId: context.runId, layer: 'curated', pass: 1, models };
}

const datasetOf = (model: Model): Dataset => model.table.split('.')[1] as Dataset;

function modelPlan(context: LayerContext, model: Model, touched: ModelPlan['touched'], arrivals?: number): ModelPlan {
  const columns = tableColumns(model.table, model.header, context.ddl);
  const checks = compileChecks(model.checks, { table: model.table, at: context.at });
  const inputs = new Set([...model.header.inputs, ...tablesOfChecks(model.checks)]);
  return {
    table: model.table,
    sql: model.sql,
    inputs: Object.fromEntries([...inputs].map((input) => [viewName(input), planInput(context, model, input)])),
    ...(touched && { touched }),
    ...(model.countsSql && { counts: model.countsSql }),
    ...(checks && { checks }),
    ...(arrivals !== undefined && { arrivals }),
    output: {
      prefix: tablePrefix(model.table, context.runId),
      columns,
      ...(model.header.partition && { partitionColumn: model.header.partition }),
      // Records say where they belong now: one that lay on these dates may have moved to others, which keep their files.
      ...(context.again && model.header.partition && { onlyTouched: true }),
    },
  };
}

function planInput(context: LayerContext, model: Model, input: string): PlanInput {
  const [layer, name] = input.split('.') as [Layer | 'raw' | 'reference', string];
  if (layer === 'raw') {
    const files = (context.newRaw[name as Dataset] ?? []).map((key) => ({ key, partition: null }));
    const without = { files: context.exclusions, origin: originColumns(name as Dataset) };
    const columns = rawColumnsOf(name as Dataset);
    return { format: 'jsonl', files, columns, ...(context.exclusions.length > 0 && { without }) };
  }
  if (input === 'reference.rates') {
    return { format: 'jsonl', files: [{ key: context.rates, partition: null }], columns: rateColumns };
  }
  const source = context.models.find((candidate) => candidate.table === input);
  if (!source) throw new Error(`${model.sql} reads ${input}, and no model makes it`);
  const columns = tableColumns(input, source.header, context.ddl);
  if (layer === 'curated' && input !== model.table) return { writtenBy: input, columns };
  // What is made anew is made of raw records alone.
  const published = context.again && input === model.table ? [] : (context.tables[input] ?? []);
  return {
    format: 'parquet',
    files: published.map(({ key, partition, rows }) => ({ key, partition, rows })),
    columns,
    ...(source.header.partition && { onlyTouched: true }),
  };
}

/** Models sorted so that each stands behind those it reads. */
function inOrder(models: Model[]): Model[] {
  const byTable = new Map(models.map((model) => [model.table, model]));
  const ordered = new Set<Model>();
  const visit = (model: Model, path: string[]): void => {
    if (path.includes(model.table))
      throw new Error(`models read each other in a circle: ${[...path, model.table].join(' -> ')}`);
    for (const input of model.header.inputs) {
      const source = byTable.get(input);
      if (source && source !== model) visit(source, [...path, model.table]);
    }
    ordered.add(model);
  };
  for (const model of models) visit(model, []);
  return [...ordered];
}
