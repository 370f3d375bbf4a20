/** Reads the models, their companions and the DDL from `sql/`. */
import type { Column } from '../contracts/index.ts';
import { parseDdl, parseModelHeader } from '../domain/lake/model-header.ts';
import type { Model } from '../domain/lake/plan-layer.ts';
import { parseChecks } from '../domain/quality/checks.ts';
import type { SqlFiles } from '../ports.ts';

export interface ModelCatalog {
  models: Model[];
  /** Columns of the warehouse's tables, by name. */
  ddl: Map<string, Column[]>;
}

export function readModels(sql: SqlFiles): ModelCatalog {
  const models = ['clean', 'curated'].flatMap((layer) => {
    const paths = sql.list(`models/${layer}`);
    return paths
      .filter((path) => /\/[a-z_]+\.sql$/.test(path))
      .map((path): Model => {
        const companion = (kind: string) => paths.find((other) => other === path.replace(/\.sql$/, `.${kind}.sql`));
        const header = parseModelHeader(path, sql.read(path));
        const touchedSql = companion('touched');
        if (layer === 'clean' && header.partition && !header.day && !touchedSql) {
          throw new Error(
            `${path}: its header must tell the day of a raw record, or a .touched.sql beside it find the dates`,
          );
        }
        const name = path.slice(path.lastIndexOf('/') + 1, -'.sql'.length);
        const checks = paths.find((other) => other === path.replace(/\.sql$/, '.checks.json'));
        return {
          table: `${layer}.${name}`,
          sql: path,
          header,
          touchedSql,
          countsSql: companion('counts'),
          checks: checks ? parseChecks(checks, sql.read(checks)) : [],
        };
      });
  });
  return { models, ddl: parseDdl(sql.list('ddl').map((path) => sql.read(path))) };
}
