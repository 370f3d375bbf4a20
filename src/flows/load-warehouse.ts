/**
 * Brings the warehouse to a snapshot: what differs from the loaded one is copied and replaced in one transaction, which may take
 * several calls.
 */
import { type Snapshot, type TableChange, tableChange } from '../domain/lake/snapshot.ts';
import { statementsOf } from '../domain/warehouse/statements.ts';
import { EngineError, type Environment, type WarehouseStatement } from '../ports.ts';
import { readSnapshot } from './documents.ts';
import { readModels } from './models.ts';

export interface Load {
  snapshot: number;
  /** `loading` asks to be called again after a while. */
  state: 'loaded' | 'loading';
  /** Tables that change, with the rows copied; empty where the warehouse holds the snapshot already. */
  tables: { table: string; rows: number }[];
}

/** As long as the models of a layer may take, and less than the eight hours for which Redshift knows a statement by its token. */
const mostHours = 4;

/** The number of the snapshot that the warehouse holds; 0 before the first load. */
export async function loadedSnapshot(env: Environment): Promise<number> {
  const { rows } = await env.warehouse.query('select snapshot_no from load_state');
  return Number(rows[0]?.[0] ?? 0);
}

/**
 * Loads the snapshot, or goes on with the load that began at `startedAt`. Loading twice changes nothing; any error leaves the
 * warehouse as it was. EngineError where a load takes too long.
 */
export const loadWarehouse =
  (env: Environment) =>
  async (snapshot: Snapshot, startedAt = env.clock.now()): Promise<Load> => {
    const { number } = snapshot;
    const loaded = await loadedSnapshot(env);
    if (loaded === number) return { snapshot: number, state: 'loaded', tables: [] };
    if (env.clock.now().getTime() - startedAt.getTime() > mostHours * 3_600_000) throw tookTooLong();
    const from = loaded === 0 ? {} : (await readSnapshot(env, loaded))?.tables;
    const { models } = readModels(env.sql);
    const partitionOf = new Map(models.map((model) => [model.table, model.header.partition]));
    // Every table of the star schema, since a snapshot does not name those that never held a row.
    const changes = models
      .map(({ table }) => table)
      .filter((table) => table.startsWith('curated.'))
      .map((table) => tableChange(table, from && (from[table] ?? []), snapshot.tables[table] ?? []))
      .filter((change) => change !== undefined);
    const id = `snapshot ${number} ${startedAt.toISOString()}`;
    const load = env.warehouse.advance(id, [
      ...statements(env, 'load/begin_load.sql', { loaded }),
      ...changes.flatMap((change) => replaceStatements(env, change, partitionOf.get(change.table))),
      ...statements(env, 'load/set_load_state.sql', {
        run_id: snapshot.runId,
        snapshot_no: number,
        loaded_at: startedAt.toISOString().slice(0, 19).replace('T', ' '),
      }),
    ]);
    const state = await load.catch(async (error: unknown) => {
      // Another load came first: what differs is worked out anew.
      if (error instanceof EngineError && (await loadedSnapshot(env)) !== loaded) return 'running';
      throw error;
    });
    const tables = changes.map(({ table, files }) => ({ table, rows: rowCount(files) }));
    return { snapshot: number, state: state === 'committed' ? 'loaded' : 'loading', tables };
  };

const tookTooLong = () =>
  new EngineError(
    `a load may take ${mostHours} hours, and this one has not ended: it is given up, and nothing of it is in the warehouse; ` +
      "look for a lock of somebody's long transaction, or give the warehouse more RPUs (`warehouse.maxRpus`), and run again",
  );

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
