import { existsSync, readFileSync, statSync } from 'node:fs';
import { Command } from 'commander';
import { RefusedInput } from '../domain/refused-input.ts';
import { setRates } from '../flows/rates.ts';
import { commands, globalOptions } from './context.ts';
import { count, printSummary, say } from './output.ts';
import { withEnvironment } from './target.ts';

export function ratesCommand(): Command {
  return new Command('rates')
    .description('set the exchange rates into the reporting currency')
    .argument('<file>', 'CSV with the header currency,valid_on,rate')
    .addHelpText(
      'after',
      `
A rate says what one unit of the currency is worth in the reporting currency, from its day until the next. Sales in a
currency without a rate wait in quarantine. Once there is one, \`c360 redrive\` brings them in; on AWS their source sends
them again. Rates may be added and corrected, not withdrawn; the next run converts what is in already again.

Examples:
  $ printf 'currency,valid_on,rate\\nEUR,2024-01-01,1.0956\\n' > rates.csv
  $ c360 rates rates.csv`,
    )
    .action(async (file: string, _options: object, command: Command) => {
      const globals = globalOptions(command);
      if (!existsSync(file) || !statSync(file).isFile()) throw new RefusedInput(`${file} is no file; check the path`);
      const text = readFileSync(file, 'utf8');
      await withEnvironment(globals, 'write', async (env) => {
        const rates = await setRates(env)(text);
        const currencies = new Set(rates.map(({ currency }) => currency)).size;
        say(
          `${count(rates.length)} rates of ${count(currencies)} currencies are in force, ${env.settings.reportingCurrency} included.`,
        );
        say(`Next: ${commands(globals)('run')}`);
        printSummary({ rates: rates.length, currencies }, globals.format);
      });
    });
}
