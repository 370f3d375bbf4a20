/** The tables in docs/cost.md, between its markers. */
import type { PriceList } from './prices.ts';
import { byAssumption, byLine, byService, bySize, costsOf, markdown } from './table.ts';
import type { Resource } from './templates.ts';

/** The page with its tables made anew. Throws an Error where it lacks the markers of one. */
export function costPage(page: string, environments: Record<string, Resource[]>, prices: PriceList): string {
  const sections = Object.entries(environments).flatMap(([name, resources]) => {
    const costs = costsOf(resources, prices);
    return [
      [`services of ${name}`, byService(costs)],
      [`sizes of ${name}`, bySize(resources)],
      [`lines of ${name}`, byLine(costs)],
    ] as const;
  });
  return [...sections, ['assumptions', byAssumption()] as const].reduce((text, [name, table]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const [before, rest] = text.split(begin);
    const after = rest?.split(end)[1];
    if (before === undefined || after === undefined) throw new Error(`docs/cost.md must hold ${begin} and ${end}`);
    return `${before}${begin}\n\n${markdown(table)}\n\n${end}${after}`;
  }, page);
}
