/** The catalog, by which engines outside the platform find the lake's tables. */
import { datasets, rawColumnsOf } from '../contracts/index.ts';
import { type CatalogTable, publishedPartitions, publishedTable, rawTable } from '../domain/lake/catalog.ts';
import { tableColumns } from '../domain/lake/model-header.ts';
import type { Snapshot } from '../domain/lake/snapshot.ts';
import type { Environment, SqlFiles } from '../ports.ts';
import { readModels } from './models.ts';

/** All tables: the raw records of each dataset, and what each model makes. */
export function catalogTables(sql: SqlFiles): CatalogTable[] {
  const { models, ddl } = readModels(sql);
  return [
    ...datasets.map((dataset) => rawTable(dataset, rawColumnsOf(dataset))),
    ...models.map(({ table, header }) => publishedTable(table, header.grain, tableColumns(table, header, ddl))),
  ];
}

/**
 * Points the catalog to a snapshot's files. It follows the commit, in the step at which a run resumes that finds a snapshot
 * unserved: what a refusal or a crash left undone, the next run of any kind does.
 */
export const publishToCatalog =
  ({ catalog, sql }: Pick<Environment, 'catalog' | 'sql'>) =>
  async ({ tables }: Snapshot): Promise<void> =>
    catalog.publish(
      publishedPartitions(
        tables,
        readModels(sql).models.map(({ table }) => table),
      ),
    );
