import { Command } from 'commander';
import { rowsOf } from '../domain/lake/snapshot.ts';
import { listSnapshots } from '../flows/documents.ts';
import { askWarehouse } from '../flows/status.ts';
import { globalOptions } from './context.ts';
import { printResult } from './output.ts';
import { tellUnasked } from './status.ts';
import { withEnvironment } from './target.ts';

export function snapshotsCommand(): Command {
  return new Command('snapshots')
    .description('list what the runs have published')
    .addHelpText('after', '\nExamples:\n  $ c360 snapshots\n  $ c360 snapshots --format json')
    .action(async (_options: object, command: Command) => {
      const globals = globalOptions(command);
      await withEnvironment(globals, 'read', async (env) => {
        const { loadedSnapshot: loaded, warehouseError } = await askWarehouse(env);
        const rows = (await listSnapshots(env)).map(({ number, createdAt, runId, tables, restored }) => [
          number,
          createdAt,
          runId,
          rowsOf(tables['curated.fact_sales']),
          rowsOf(tables['curated.fact_event']),
          Object.values(tables).flat().length,
          restored ?? null,
          loaded === undefined ? null : number === loaded,
        ]);
        const columns = [
          { name: 'snapshot', type: 'INTEGER' },
          { name: 'created_at', type: 'VARCHAR' },
          { name: 'run', type: 'VARCHAR' },
          { name: 'sales', type: 'BIGINT' },
          { name: 'events', type: 'BIGINT' },
          { name: 'files', type: 'BIGINT' },
          { name: 'restores', type: 'INTEGER' },
          { name: 'is_loaded', type: 'BOOLEAN' },
        ];
        printResult({ columns, rows }, globals.format);
        tellUnasked(warehouseError);
      });
    });
}
