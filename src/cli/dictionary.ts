import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { SqlDirectory } from '../adapters/sql-directory.ts';
import { contractsPage } from '../contracts/contracts-page.ts';
import { contractsOf, leavesOf, readSchemaFiles } from '../contracts/read-schemas.ts';
import { tableColumns } from '../domain/lake/model-header.ts';
import { dataDictionary } from '../domain/reports/data-dictionary.ts';
import { readModels } from '../flows/models.ts';
import { readQueries } from '../flows/publish-answers.ts';
import { print, say } from './output.ts';

const repositoryRoot = join(import.meta.dirname, '../..');

export function dictionaryCommand(): Command {
  return new Command('dictionary')
    .description('print the data dictionary: inputs, tables and answers, as Markdown')
    .option('--out <file>', 'write it to a file')
    .addHelpText(
      'after',
      `
It is derived from schemas, models, tables and queries as they stand, and needs no data directory.

Examples:
  $ c360 dictionary --out dictionary.md
  $ c360 dictionary | less`,
    )
    .action(({ out }: { out?: string }) => {
      const page = readDictionary();
      if (out === undefined) return print(page);
      writeFileSync(out, `${page}\n`);
      say(`Written to ${out}.`);
    });
}

function readDictionary(): string {
  const schemas = readSchemaFiles();
  const sql = new SqlDirectory(join(repositoryRoot, 'sql'));
  const { models, ddl } = readModels(sql);
  return dataDictionary({
    contracts: contractsPage(contractsOf(schemas), leavesOf(schemas, 'common/envelope.json')),
    tables: models.map(({ table, header }) => ({ table, header, columns: tableColumns(table, header, ddl) })),
    queries: readQueries(sql),
  });
}
