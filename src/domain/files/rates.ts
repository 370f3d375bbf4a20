/** Exchange rates into the reporting currency: a rate holds from its day until the currency's next. */
import type { Column } from '../../contracts/index.ts';
import { RefusedInput } from '../refused-input.ts';

/** One line of a rates file: `amount x rate` is the amount in the reporting currency. */
export interface Rate {
  currency: string;
  /** `YYYY-MM-DD`, UTC. */
  valid_on: string;
  /** Decimal text with at most ten places. */
  rate: string;
}

/** What a door needs of the rates: whether an amount can be converted, and will fit. */
export interface Rates {
  reportingCurrency: string;
  /** By currency: the first day with a rate, and the greatest rate. */
  known: ReadonlyMap<string, { from: string; greatest: number }>;
}

/** The columns of the view `reference_rates`. The rate is text, so that no engine rounds it. */
export const rateColumns: Column[] = [
  { name: 'currency', type: 'VARCHAR', description: 'Currency that was paid in, ISO 4217' },
  { name: 'valid_on', type: 'VARCHAR', description: 'First day on which the rate holds, YYYY-MM-DD' },
  { name: 'rate', type: 'VARCHAR', description: 'What one unit is worth in the reporting currency, decimal text' },
];

const header = 'currency,valid_on,rate';
/** The day from which the reporting currency has its rate of 1. */
export const earliestRate = '1900-01-01';

/**
 * Reads a rates file: CSV with the header `currency,valid_on,rate`. The reporting currency's own rate of 1 is added.
 * RefusedInput names the first line that cannot be used.
 */
export function parseRates(text: string, reportingCurrency: string): Rate[] {
  const [first = '', ...lines] = text.replace(/^\ufeff/, '').split(/\r?\n/);
  if (first.trim() !== header) throw new RefusedInput(`a rates file begins with the line ${header}`);
  const rates = ownRate(reportingCurrency);
  const seen = new Set<string>();
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const refuse = (rule: string) => new RefusedInput(`line ${index + 2} of the rates file: ${rule}`);
    const [currency = '', day = '', rate = '', ...more] = line.split(',').map((cell) => cell.trim());
    if (more.length > 0 || rate === '') throw refuse(`three cells are needed, ${header}`);
    if (!/^[A-Z]{3}$/.test(currency)) throw refuse('currency must be three capital letters (ISO 4217)');
    if (!isDay(day)) throw refuse('valid_on must be a day, YYYY-MM-DD');
    if (!/^\d{1,8}(\.\d{1,10})?$/.test(rate) || Number(rate) === 0) {
      throw refuse(
        'rate must be a decimal number above 0, with at most eight digits before the point and ten behind it',
      );
    }
    if (currency === reportingCurrency) throw refuse(`${currency} is the reporting currency, its rate is always 1`);
    if (seen.has(`${currency} ${day}`)) throw refuse(`${currency} has a rate on ${day} already`);
    seen.add(`${currency} ${day}`);
    rates.push({ currency, valid_on: day, rate });
  }
  return rates;
}

/** What a deployment knows before any rates are set: one unit of its reporting currency is worth one. */
export const ownRate = (reportingCurrency: string): Rate[] => [
  { currency: reportingCurrency, valid_on: earliestRate, rate: '1' },
];

/** The rates of a deployment that has set none: its reporting currency alone can be added up. */
export const noRates = (reportingCurrency: string): Rates => summaryOf(ownRate(reportingCurrency), reportingCurrency);

function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

export function summaryOf(rates: Rate[], reportingCurrency: string): Rates {
  const known = new Map<string, { from: string; greatest: number }>();
  for (const { currency, valid_on: day, rate } of rates) {
    const before = known.get(currency) ?? { from: day, greatest: 0 };
    known.set(currency, {
      from: day < before.from ? day : before.from,
      greatest: Math.max(before.greatest, Number(rate)),
    });
  }
  return { reportingCurrency, known };
}

/** The currencies and days for which there was a rate and would be none: sales that came in would lose their worth. */
export function withdrawnRates(before: Rates, after: Rates): string[] {
  return [...before.known]
    .filter(([currency, { from }]) => (after.known.get(currency)?.from ?? '9999') > from)
    .map(([currency, { from }]) => `${currency} from ${from} on`);
}
