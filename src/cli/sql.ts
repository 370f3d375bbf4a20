import { Command } from 'commander';
import { globalOptions, limitOption, withPlatform } from './context.ts';
import { printResult } from './output.ts';

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
  $ c360 sql "describe fact_event"`,
    )
    .action(async (statement: string, options: { limit: number }, command: Command) => {
      const globals = globalOptions(command);
      await withPlatform(globals, 'read', async ({ env }) => {
        const result = await env.warehouse.query(statement);
        printResult(result, globals.format, { limit: options.limit, areNamesKept: true });
      });
    });
}
