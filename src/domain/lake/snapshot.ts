/** A snapshot: the list of files that readers see. A run publishes a new one, or none. */
import type { Dataset } from '../../contracts/index.ts';
import { arrivalDayOfKey } from './layout.ts';
import type { EngineResult, WrittenFile } from './run-plan.ts';

/** Raw records that runs have consumed, by what became of them; `raw` = clean rows + the others. */
interface ConsumedCounts {
  raw: number;
  duplicates: number;
  superseded: number;
}

export interface Snapshot {
  number: number;
  runId: string;
  createdAt: string;
  /** Table (`clean.events`) -> its files. */
  tables: Record<string, WrittenFile[]>;
  /** Keys of consumed raw objects that arrived on `consumedSince` or later; older ones are consumed, but for those held. */
  consumed: string[];
  consumedSince: string;
  /** Keys of raw objects that a rollback has withdrawn: no run consumes them until they are released. */
  held: string[];
  /** Key of the exchange rates by which its sales were converted. */
  rates: string;
  /** The snapshot whose lists a rollback has brought back. */
  restored?: number;
  counts: Partial<Record<Dataset, ConsumedCounts>>;
}

/** Tells of a raw object whether the snapshot was made with its records. */
export function consumes({ consumed, consumedSince, held }: Snapshot): (key: string) => boolean {
  const inWindow = new Set(consumed);
  const withdrawn = new Set(held);
  return (key) => (arrivalDayOfKey(key) < consumedSince ? !withdrawn.has(key) : inWindow.has(key));
}

/** The snapshot as if nothing had been consumed but what is held: a run that builds on it makes every table anew. */
export const emptied = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  tables: {},
  counts: {},
  consumed: [],
  consumedSince: '',
});

/**
 * The snapshot that brings back an earlier one's lists. Of the raw objects given, those that only later runs consumed are
 * held, since they are why somebody goes back; `keys` must name all that the earlier one had not consumed.
 */
export function rolledBack(
  newest: Snapshot,
  to: Snapshot,
  keys: Iterable<string>,
  { runId, createdAt }: Pick<Snapshot, 'runId' | 'createdAt'>,
): Snapshot {
  const [isConsumed, wasConsumed] = [consumes(newest), consumes(to)];
  const { consumedSince } = newest;
  const known = [...new Set([...keys, ...newest.held, ...to.held])].sort();
  const wasHeld = new Set(newest.held);
  return {
    number: newest.number + 1,
    runId,
    createdAt,
    tables: to.tables,
    counts: to.counts,
    consumed: known.filter((key) => wasConsumed(key) && arrivalDayOfKey(key) >= consumedSince),
    consumedSince,
    rates: to.rates,
    held: known.filter((key) => !wasConsumed(key) && (isConsumed(key) || wasHeld.has(key))),
    restored: to.number,
  };
}

/** The tables after a layer's models ran: touched partitions replaced, tables without partitions replaced whole. */
export function applyResult(tables: Snapshot['tables'], result: EngineResult): Snapshot['tables'] {
  const applied = { ...tables };
  for (const model of result.models) {
    const { touched } = model;
    const kept =
      touched === 'whole' ? [] : (tables[model.table] ?? []).filter((file) => !touched.includes(file.partition ?? ''));
    applied[model.table] = [...kept, ...model.files].sort((a, b) => (a.key < b.key ? -1 : 1));
  }
  return applied;
}

/** The counts after a run's clean models: each adds what it consumed. */
export function addConsumed(counts: Snapshot['counts'], clean: EngineResult): Snapshot['counts'] {
  const added = { ...counts };
  for (const model of clean.models) {
    const dataset = model.table.split('.')[1] as Dataset;
    const before = added[dataset] ?? { raw: 0, duplicates: 0, superseded: 0 };
    added[dataset] = {
      raw: before.raw + (model.counts.raw_rows ?? 0),
      duplicates: before.duplicates + (model.counts.duplicate_rows ?? 0),
      superseded: before.superseded + (model.counts.superseded_rows ?? 0),
    };
  }
  return added;
}

/**
 * The counts after clean tables were made anew of records that were consumed before, less those that gates have refused
 * since. Where other models leave out more or fewer of them than before, these are told as superseded.
 */
export function recounted(
  counts: Snapshot['counts'],
  tables: Snapshot['tables'],
  refused: Partial<Record<Dataset, number>>,
): Snapshot['counts'] {
  const entries = Object.entries(counts) as [Dataset, ConsumedCounts][];
  const again = entries.map(([dataset, before]): [Dataset, ConsumedCounts] => {
    const raw = before.raw - (refused[dataset] ?? 0);
    const leftOut = raw - rowsOf(tables[`clean.${dataset}`]);
    const duplicates = Math.min(before.duplicates, leftOut);
    return [dataset, { raw, duplicates, superseded: leftOut - duplicates }];
  });
  return Object.fromEntries(again);
}

export const rowsOf = (files: WrittenFile[] | undefined): number =>
  (files ?? []).reduce((sum, file) => sum + file.rows, 0);

/** A table's change between two snapshots. */
export interface TableChange {
  table: string;
  /** Partitions that differ, or `whole` where the table has none. */
  changed: string[] | 'whole';
  /** The files to copy: those of the changed partitions in the new snapshot. */
  files: WrittenFile[];
}

/**
 * What a load has to replace to go from one list of files to the other; nothing where they are equal. Where it is not known
 * what the table holds (`from` is undefined) it is replaced whole.
 */
export function tableChange(
  table: string,
  from: WrittenFile[] | undefined,
  to: WrittenFile[],
): TableChange | undefined {
  if (!from) return { table, changed: 'whole', files: to };
  const isWhole = [...from, ...to].some((file) => file.partition === null);
  const before = keysByPartition(from);
  const after = keysByPartition(to);
  const changed = [...new Set([...before.keys(), ...after.keys()])]
    .filter((partition) => before.get(partition) !== after.get(partition))
    .sort();
  if (changed.length === 0) return undefined;
  if (isWhole) return { table, changed: 'whole', files: to };
  const differs = new Set(changed);
  return { table, changed, files: to.filter((file) => differs.has(file.partition!)) };
}

function keysByPartition(files: WrittenFile[]): Map<string, string> {
  const keys = new Map<string, string>();
  for (const { partition, key } of files) keys.set(partition ?? '', `${keys.get(partition ?? '') ?? ''}${key}\n`);
  return keys;
}
