import { Command } from 'commander';
import { RefusedInput } from '../domain/refused-input.ts';
import { type Query, readQueries } from '../flows/publish-answers.ts';
import { globalOptions, limitOption, withPlatform } from './context.ts';
import { print, printResult, styled, wrapped } from './output.ts';

export function queryCommand(): Command {
  return new Command('query')
    .description('answer one of the analytics questions')
    .argument('[query]', 'its name or number')
    .option('--list', 'list the questions')
    .addOption(limitOption(20))
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
      await withPlatform(globals, 'read', async ({ env }) => {
        const queries = readQueries(env.sql);
        if (options.list || wanted === undefined) {
          const rows = queries.map(({ number, name, question }) => [number, name, question]);
          const columns = ['no', 'name', 'question'].map((name) => ({ name, type: 'VARCHAR' }));
          printResult({ columns, rows }, globals.format, { isTextWrapped: true });
          return;
        }
        const { sql, ...header } = find(queries, wanted);
        const result = await env.warehouse.query(sql);
        if (globals.format === 'table') print(headingText(header));
        printResult(result, globals.format, { limit: options.limit, about: header });
      });
    });
}

/** A query's heading: its number, title and question. */
export function headingText({ number, title, question }: Pick<Query, 'number' | 'title' | 'question'>): string {
  return `\n${styled('bold', `${number}  ${title}`)}\n   ${styled('dim', wrapped(question, 3))}`;
}

function find(queries: Query[], wanted: string): Query {
  const found = queries.find(({ number, name }) => name === wanted || String(number) === wanted);
  if (found) return found;
  throw new RefusedInput(
    `there is no query ${wanted}; there are ${queries.map(({ number, name }) => `${number} ${name}`).join(', ')}`,
  );
}
