import { Command } from 'commander';
import { RefusedInput } from '../domain/refused-input.ts';
import { type Query, readQueries } from '../flows/publish-answers.ts';
import { globalOptions, withPlatform } from './context.ts';
import { print, printResult, styled } from './output.ts';

export function queryCommand(): Command {
  return new Command('query')
    .description('answer one of the analytics questions')
    .argument('[query]', 'its name or number')
    .option('--list', 'list the questions')
    .option('--limit <n>', 'rows shown in a table; 0 shows all', (text) => Number(text), 20)
    .addHelpText(
      'after',
      `
Examples:
  $ c360 query --list
  $ c360 query 2
  $ c360 query cohort_retention --format csv > cohorts.csv`,
    )
    .action(async (wanted: string | undefined, options: { list?: boolean; limit: number }, command: Command) => {
      const globals = globalOptions(command);
      if (!Number.isInteger(options.limit) || options.limit < 0) {
        throw new RefusedInput('--limit must be a whole number from 0 on; 0 shows all rows');
      }
      await withPlatform(globals, 'read', async ({ env }) => {
        const queries = readQueries(env.sql);
        if (options.list || wanted === undefined) {
          const rows = queries.map(({ number, name, question }) => [number, name, question]);
          const columns = ['no', 'name', 'question'].map((name) => ({ name, type: 'VARCHAR' }));
          printResult({ columns, rows }, globals.format);
          return;
        }
        const { sql, ...header } = find(queries, wanted);
        const result = await env.warehouse.query(sql);
        if (globals.format === 'table') printHeading(header);
        printResult(result, globals.format, { limit: options.limit, about: header });
      });
    });
}

/** A query's heading: its number, title and question. */
export function printHeading({ number, title, question }: Pick<Query, 'number' | 'title' | 'question'>): void {
  print(`\n${styled('bold', `${number}  ${title}`)}\n${styled('dim', `   ${question}`)}`);
}

function find(queries: Query[], wanted: string): Query {
  const found = queries.find(({ number, name }) => name === wanted || String(number) === wanted);
  if (found) return found;
  throw new RefusedInput(
    `there is no query ${wanted}; there are ${queries.map(({ number, name }) => `${number} ${name}`).join(', ')}`,
  );
}
