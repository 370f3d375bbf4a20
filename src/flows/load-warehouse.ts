/** Brings the warehouse to a snapshot: what differs from the loaded one is copied and replaced in one transaction. */
import { type Snapshot, type TableChange, tableChange } from '../domain/lake/snapshot.ts';
import { statementsOf } from '../domain/warehouse/statements.ts';
import type { Environment, WarehouseStatement } from '../ports.ts';
import { readSnapshot } from './documents.ts';
import { readModels } from './models.ts';

export interface Load {
  snapshot: number;
  /** Tables that changed, with the rows copied; empty where the warehouse held the snapshot already. */
  tables: { table: string; rows: number }[];
}

/** The number of the snapshot that the warehouse holds; 0 before the first load. */
export async function loadedSnapshot(env: Environment): Promise<number> {
  const { rows } = await env.warehouse.query('select snapshot_no from load_state');
  return Number(rows[0]?.[0] ?? 0);
}

/** Loads the snapshot. Loading twice changes nothing; any error leaves the warehouse as it was. */
export const loadWarehouse =
  (env: Environment) =>
  async (snapshot: Snapshot): Promise<Load> => {
    const loaded = await loadedSnapshot(env);
    if (loaded === snapshot.number) return { snapshot: snapshot.number, tables: [] };
    const from = loaded === 0 ? {} : (await readSnapshot(env, loaded))?.tables;
    const { models } = readModels(env.sql);
    const partitionOf = new Map(models.map((model) => [model.table, model.header.partition]));
    // Every table of the star schema, since a snapshot does not name those that never held a row.
    const changes = models
      .map(({ table }) => table)
      .filter((table) => table.startsWith('curated.'))
      .map((table) => tableChange(table, from && (from[table] ?? []), snapshot.tables[table] ?? []))
      .filter((change) => change !== undefined);
    await env.warehouse.transaction([
      ...changes.flatMap((change) => replaceStatements(env, change, partitionOf.get(change.table))),
      ...statements(env, 'load/set_load_state.sql', {
        run_id: snapshot.runId,
        snapshot_no: snapshot.number,
        loaded_at: env.clock.now().toISOString().slice(0, 19).replace('T', ' '),
      }),
    ]);
    return { snapshot: snapshot.number, tables: changes.map(({ table, files }) => ({ table, rows: rowCount(files) })) };
  };

const rowCount = (files: { rows: number }[]): number => files.reduce((sum, file) => sum + file.rows, 0);

function replaceStatements(
  env: Environment,
  { table: lakeTable, changed, files }: TableChange,
  partitionColumn?: string,
): WarehouseStatement[] {
  const table = lakeTable.slice('curated.'.length);
  const replace =
    changed === 'whole'
      ? statements(env, 'load/replace_table.sql', { table })
      : statements(env, 'load/replace_partitions.sql', {
          table,
          partition_column: partitionColumn!,
          changed_dates: changed,
        });
  return [
    ...statements(env, 'load/stage_table.sql', { table }),
    { copy: { table: `staging_${table}`, files } },
    ...statements(env, 'load/compare_rows.sql', { table, rows: rowCount(files) }),
    ...replace,
  ];
}

/** The statements of a file of `sql/load`, its `{placeholders}` filled with names, numbers and dates of our own making. */
function statements(env: Environment, path: string, values: Record<string, Placeholder>): WarehouseStatement[] {
  const what = values.table ? `sql/${path} for ${values.table}` : `sql/${path}`;
  const text = env.sql
    .read(path)
    .replaceAll(/\{(\w+)\}/g, (_, name: string) => literal(values[name] ?? '', `${what}: {${name}}`));
  return statementsOf(text).map((sql) => ({ sql, what }));
}

type Placeholder = string | number | string[];

/** A list stands for rows of one date each. */
function literal(value: Placeholder, where: string): string {
  if (Array.isArray(value)) return value.map((date) => `(date '${literal(date, where)}')`).join(', ');
  if (!/^[\w.: -]+$/.test(String(value))) throw new Error(`${where} cannot be filled with ${JSON.stringify(value)}`);
  return String(value);
}
