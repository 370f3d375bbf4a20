/** What is to be generated: sizes, period, seed and faults. */
import { type Fault, faultNames } from './faults.ts';

export interface GeneratorOptions {
  /** Whole number; equal options give equal bytes. */
  seed: number;
  customers: number;
  products: number;
  /** Lines of transactions.csv, exactly. */
  transactions: number;
  /** Events of all types together, exactly. */
  events: number;
  /** Calendar months up to and with that of `until`. */
  months: number;
  /** Last day (`YYYY-MM-DD`, UTC), inclusive. */
  until: string;
  /** What is planted among the records; none by default. */
  faults: readonly Fault[];
  /** Share of a file's records that each fault adds as many lines as, at least once: 0 to 0.1. */
  faultShare: number;
}

/** Options as a caller gives them: what is absent comes from the preset `size`. */
export type GeneratorRequest = Partial<GeneratorOptions> & { size?: GeneratorSize };

export type GeneratorSize = 'default' | 'tiny';

export const generatorDefaults: GeneratorOptions = {
  seed: 360,
  customers: 5_000,
  products: 200,
  transactions: 50_000,
  events: 100_000,
  months: 24,
  until: '2026-10-31',
  faults: [],
  faultShare: 0.002,
};

/** `tiny` is for test suites: too small for its planted truths to show. */
export const generatorSizes: Record<GeneratorSize, GeneratorOptions> = {
  default: generatorDefaults,
  tiny: { ...generatorDefaults, customers: 200, products: 40, transactions: 1_000, events: 2_000, months: 6 },
};

/** An option outside its range. */
export class GeneratorOptionError extends Error {
  override name = 'GeneratorOptionError';
}

const ranges: Record<
  Exclude<keyof GeneratorOptions, 'until' | 'faults' | 'faultShare'>,
  [least: number, most: number]
> = {
  seed: [0, 2 ** 32 - 1],
  customers: [1, 9_999_999],
  products: [10, 9_999_999],
  transactions: [0, 100_000_000],
  events: [0, 100_000_000],
  months: [1, 240],
};

const mostFaultShare = 0.1;

/** Completes a request. Throws GeneratorOptionError where a value is outside its range. */
export function completeOptions({ size = 'default', ...given }: GeneratorRequest): GeneratorOptions {
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const options: GeneratorOptions = { ...generatorSizes[size], ...present };
  for (const name of Object.keys(ranges) as (keyof typeof ranges)[]) {
    const [least, most] = ranges[name];
    if (!Number.isInteger(options[name]) || options[name] < least || options[name] > most) {
      throw new GeneratorOptionError(`${name} must be a whole number from ${least} to ${most}, got ${options[name]}`);
    }
  }
  if (!isDay(options.until)) {
    throw new GeneratorOptionError(`until must be a day from 1990-01-01 on, as YYYY-MM-DD, got ${options.until}`);
  }
  const unknown = options.faults.find((fault) => !faultNames.includes(fault));
  if (unknown !== undefined) {
    throw new GeneratorOptionError(`faults must be among ${faultNames.join(', ')}, got ${unknown}`);
  }
  if (!(options.faultShare >= 0 && options.faultShare <= mostFaultShare)) {
    throw new GeneratorOptionError(
      `faultShare must be a number from 0 to ${mostFaultShare}, got ${options.faultShare}`,
    );
  }
  return { ...options, faults: faultNames.filter((fault) => options.faults.includes(fault)) };
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text < '1990') return false;
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
