/** The dated price file of a region. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

interface Price {
  /** US dollars a unit. */
  price: number;
  unit: string;
  source: string;
}

export interface PriceList {
  region: string;
  /** The day of the prices, `YYYY-MM-DD`. */
  asOf: string;
  prices: Record<string, Price>;
}

/** Reads a price file; throws an Error that names the price that is not one. */
export function readPrices(file: string): PriceList {
  const read = parse(readFileSync(file, 'utf8')) as PriceList & { sources: Record<string, string> };
  for (const [name, { price, unit, source }] of Object.entries(read.prices)) {
    const isWhole = typeof price === 'number' && price > 0 && typeof unit === 'string' && source in read.sources;
    if (!isWhole) throw new Error(`${file}: ${name} must have a price above 0, a unit, and one of the file's sources`);
  }
  return read;
}
