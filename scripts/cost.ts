/**
 * What a deployment costs a month: `npm run cost [-- --env prod]`, and `npm run cost -- --write` for the tables in docs/cost.md. The
 * templates are synthesized, prices read from config/prices/; what neither says is assumed in scripts/cost/assumptions.ts.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import CliTable from 'cli-table3';
import { costPage } from './cost/page.ts';
import { readPrices } from './cost/prices.ts';
import { byLine, byService, bySize, costsOf, type Table } from './cost/table.ts';
import { resourcesOfEnvironment } from './cost/templates.ts';

const root = join(import.meta.dirname, '..');
const usage =
  'npm run cost [-- --env <environment>], by default dev, or npm run cost -- --write for the tables in docs/cost.md';
const { values } = readArguments();
const prices = readPrices(join(root, 'config/prices/us-east-1.yaml'));

if (values.help) {
  process.stdout.write(`Usage: ${usage}\n`);
} else if (values.write) {
  const page = join(root, 'docs/cost.md');
  const [dev, prod] = await Promise.all(['dev', 'prod'].map((name) => resourcesOfEnvironment(root, name)));
  writeFileSync(page, costPage(readFileSync(page, 'utf8'), { dev: dev!, prod: prod! }, prices));
  process.stdout.write('The tables in docs/cost.md are made anew.\n');
} else {
  const resources = await resourcesOfEnvironment(root, values.env);
  const costs = costsOf(resources, prices);
  const tables = [byService(costs), bySize(resources), byLine(costs)];
  process.stdout.write(`${tables.map(terminalText).join('\n\n')}\n`);
  process.stderr.write(
    `\n${values.env} in ${prices.region}, prices of ${prices.asOf}, second-hand, without free tiers; docs/cost.md tells more.\n`,
  );
}

function terminalText({ head, rows }: Table): string {
  const table = new CliTable({ head, style: { head: [], border: [], compact: true } });
  table.push(...rows.map((cells) => cells.map((cell) => cell.replaceAll(/\*\*|`/g, ''))));
  return table.toString();
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        env: { type: 'string', default: 'dev' },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nUsage: ${usage}\n`);
    process.exit(1);
  }
}
