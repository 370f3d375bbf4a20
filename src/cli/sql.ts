import { Command } from 'commander';
import { RefusedInput } from '../domain/refused-input.ts';
import { globalOptions, limitOption } from './context.ts';
import { printResult } from './output.ts';
import { withEnvironment } from './target.ts';

export function sqlCommand(): Command {
  return new Command('sql')
    .description('ask the warehouse in SQL, read only')
    .argument('<select>', 'one SELECT statement')
    .addOption(limitOption(50))
    .addHelpText(
      'after',
      `
Examples:
  $ c360 sql "select country, sum(amount) as revenue from fact_sales group by country order by revenue desc"
  $ c360 sql "show tables"
  $ c360 sql "describe fact_event"
  $ c360 sql --target aws "select column_name, data_type from svv_columns where table_name = 'fact_event'"`,
    )
    .action(async (statement: string, options: { limit: number }, command: Command) => {
      const globals = globalOptions(command);
      if (globals.target === 'aws') refuseWrites(statement);
      await withEnvironment(globals, 'read', async (env) => {
        const result = await env.warehouse.query(statement);
        printResult(result, globals.format, { limit: options.limit, areNamesKept: true });
      });
    });
}

/** What a name or a text is in SQL, and comments: whatever stands in them. */
const quotedOrComment = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g;

/** On one machine the warehouse is opened read only. Redshift's Data API does all that the caller's role may do. */
export function refuseWrites(statement: string): void {
  const text = statement.replaceAll(quotedOrComment, ' ').toLowerCase();
  const isReading = /^\s*(select|with|show|explain\s+(select|with))\b/.test(text);
  if (isReading && !/\binto\b|;\s*\S/.test(text)) return;
  throw new RefusedInput(
    'c360 sql takes one select, with, show or explain, and no `into`; change data by runs, tables by cdk deploy',
  );
}
