/**
 * What a deployment costs a month: `npm run cost [-- --env prod] [--markdown]`. Its templates are synthesized, its prices read from
 * config/prices/us-east-1.yaml; what neither says is assumed in scripts/cost/assumptions.ts.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import CliTable from 'cli-table3';
import { readPrices } from './cost/prices.ts';
import { byAssumption, byLine, byService, bySize, costsOf, markdown, type Table } from './cost/table.ts';
import { resourcesOfEnvironment } from './cost/templates.ts';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { env: { type: 'string', default: 'dev' }, markdown: { type: 'boolean', default: false } },
});
const prices = readPrices(join(root, 'config/prices/us-east-1.yaml'));
const resources = await resourcesOfEnvironment(root, values.env);
const costs = costsOf(resources, prices);
const tables = [byService(costs), bySize(resources), byLine(costs), ...(values.markdown ? [byAssumption()] : [])];

process.stdout.write(`${tables.map(values.markdown ? markdown : forTerminal).join('\n\n')}\n`);
process.stderr.write(
  `\n${values.env} in ${prices.region}, prices of ${prices.asOf}, second-hand, without free tiers; docs/cost.md tells more.\n`,
);

function forTerminal({ head, rows }: Table): string {
  const plain = (cells: string[]) => cells.map((cell) => cell.replaceAll(/\*\*|`/g, ''));
  const table = new CliTable({ head, style: { head: [], border: [], compact: true } });
  table.push(...rows.map(plain));
  return table.toString();
}
