import { Command } from 'commander';
import { RefusedInput } from '../domain/refused-input.ts';
import { type Query, readQueries } from '../flows/publish-answers.ts';
import type { Environment, ResultSet } from '../ports.ts';
import { type Commands, commands, globalOptions, limitOption } from './context.ts';
import { type Format, print, printResult, styled, wrapped } from './output.ts';
import { withEnvironment } from './target.ts';

export function queryCommand(): Command {
  return new Command('query')
    .description('answer one of the analytics questions')
    .argument('[query]', 'its name or number')
    .option('--list', 'list the questions with their definitions')
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
      await withEnvironment(globals, 'read', async (env) => {
        const queries = readQueries(env.sql);
        if (options.list || wanted === undefined) {
          const isTold = globals.format === 'table' && options.list;
          if (isTold) for (const query of queries) print(`${headingText(query)}\n${definitionsText(query)}`);
          else printResult(listOf(queries, globals.format), globals.format, { isTextWrapped: true });
          return;
        }
        const { sql, ...header } = find(queries, wanted);
        const result = await env.warehouse.query(sql);
        const state = await loadState(env);
        if (globals.format === 'table') print(headingText(header));
        printResult(result, globals.format, { limit: options.limit, about: { ...header, ...state } });
        if (globals.format === 'table') print(`\n${definitionsText(header)}\n${stateText(state, commands(globals))}`);
      });
    });
}

/** What the answer is of. */
interface LoadState {
  /** The snapshot's latest business date; null where it holds no fact. */
  asOf: string | null;
  snapshot: number;
  runId: string | null;
}

async function loadState(env: Environment): Promise<LoadState> {
  const { rows } = await env.warehouse.query('select as_of_on, snapshot_no, run_id from load_state');
  const [asOf = null, snapshot = 0, runId = null] = rows[0] ?? [];
  return { asOf: asOf as string | null, snapshot: Number(snapshot), runId: runId as string | null };
}

const stateText = ({ asOf, snapshot }: LoadState, c360: Commands): string =>
  styled(
    'dim',
    snapshot === 0
      ? `   Nothing is loaded yet. Next: ${c360('run')}`
      : `   As of ${asOf ?? 'no day'}, snapshot ${snapshot}`,
  );

/** The queries, for programs with all that their headers say. */
function listOf(queries: Query[], format: Format): ResultSet {
  const columns = ['name', 'question', ...(format === 'table' ? [] : (['title', 'grain', 'definitions'] as const))];
  return {
    columns: ['no', ...columns].map((name) => ({ name, type: 'VARCHAR' })),
    rows: queries.map((query) => [query.number, ...columns.map((column) => query[column as 'name'])]),
  };
}

/** What a row of a query's answer is, and the definitions of its columns, a line each. */
function definitionsText({ grain, definitions }: Pick<Query, 'grain' | 'definitions'>): string {
  return [grain, ...definitions.split(/;\s+/)].map((line) => styled('dim', `   ${wrapped(line, 5)}`)).join('\n');
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
