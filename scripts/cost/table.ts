/** The cost of a deployment as tables. */
import { type AssumptionName, assumptions } from './assumptions.ts';
import { type Line, linesOf } from './lines.ts';
import type { PriceList } from './prices.ts';
import type { Resource } from './templates.ts';
import { type Scenario, scenarios, workloadOf } from './workload.ts';

export interface Table {
  head: string[];
  rows: string[][];
}

/** One cost in each scenario, in US dollars a month. */
interface Cost {
  service: string;
  what: string;
  unit: string;
  price: number;
  quantities: number[];
  dollars: number[];
}

export interface Costs {
  scenarios: Scenario[];
  costs: Cost[];
  totals: number[];
}

/** What the resources cost in each scenario. */
export function costsOf(resources: Resource[], { prices }: PriceList): Costs {
  const columns = scenarios.map((scenario) => linesOf(resources, workloadOf(resources, scenario)));
  const costs = columns[0]!.map(({ service, what, price: name }, index): Cost => {
    const price = prices[name];
    if (!price) throw new Error(`there is no price ${name}; add it to the price file`);
    const quantities = columns.map((lines: Line[]) => lines[index]!.quantity);
    const dollars = quantities.map((quantity) => quantity * price.price);
    return { service, what, unit: price.unit, price: price.price, quantities, dollars };
  });
  const totals = scenarios.map((_, index) => costs.reduce((sum, { dollars }) => sum + dollars[index]!, 0));
  return { scenarios, costs, totals };
}

const dollarsText = (dollars: number) => (dollars > 0 && dollars < 0.005 ? '< 0.01' : dollars.toFixed(2));

/** A service a row, the dearest at rest first, and the total. */
export function byService({ scenarios, costs, totals }: Costs): Table {
  const services = [...new Set(costs.map(({ service }) => service))];
  const sums = services.map((service) => ({
    service,
    dollars: scenarios.map((_, index) =>
      costs.reduce((sum, cost) => sum + (cost.service === service ? cost.dollars[index]! : 0), 0),
    ),
  }));
  sums.sort((a, b) => b.dollars[0]! - a.dollars[0]! || b.dollars.at(-1)! - a.dollars.at(-1)!);
  return {
    head: ['USD a month', ...scenarios.map(({ title }) => title)],
    rows: [
      ...sums.map(({ service, dollars }) => [service, ...dollars.map(dollarsText)]),
      ['**total**', ...totals.map((total) => `**${total.toFixed(2)}**`)],
    ],
  };
}

/** Each line with its quantities and its price. */
export function byLine({ scenarios, costs }: Costs): Table {
  const number = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });
  return {
    head: ['what', 'price', 'unit', ...scenarios.flatMap(({ title }) => [`units, ${title}`, 'USD'])],
    rows: costs
      .filter(({ quantities }) => quantities.some((quantity) => quantity > 0))
      .toSorted((a, b) => a.service.localeCompare(b.service))
      .map(({ service, what, unit, price, quantities, dollars }) => [
        `${service}: ${what}`,
        String(price),
        unit,
        ...quantities.flatMap((quantity, index) => [number.format(quantity), dollarsText(dollars[index]!)]),
      ]),
  };
}

/** What grows with the rate. */
export function bySize(resources: Resource[]): Table {
  const sizes = scenarios.map((scenario) => workloadOf(resources, scenario));
  return {
    head: ['what it takes', ...scenarios.map(({ title }) => title)],
    rows: [
      ['shards', ...sizes.map(({ shards }) => String(shards))],
      ['workers of a run of the job', ...sizes.map(({ workers }) => String(workers))],
      ['RPU of the warehouse', ...sizes.map(({ rpus }) => String(rpus))],
      [
        'calls of `archive-events` a month',
        ...sizes.map(({ archive }) => Math.round(archive.number).toLocaleString('en-US')),
      ],
    ],
  };
}

/** What the model takes for granted. */
export function byAssumption(): Table {
  const names = Object.keys(assumptions) as AssumptionName[];
  return {
    head: ['assumption', 'value', 'unit', 'why'],
    rows: names.map((name) => {
      const { value, unit, why } = assumptions[name];
      return [`\`${name}\``, value.toLocaleString('en-US'), unit, why];
    }),
  };
}

/** A table in Markdown; numbers stand to the right where all rows of a column begin with one. */
export function markdown({ head, rows }: Table): string {
  const isNumeric = head.map((_, column) => rows.every((row) => /^(\*\*)?(< )?\d/.test(row[column]!)));
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(isNumeric.map((numeric) => (numeric ? '---:' : '---'))), ...rows.map(line)].join('\n');
}
