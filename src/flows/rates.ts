/** The exchange rates of a deployment: each version one object, and a document that names the one in force. */
import { createHash } from 'node:crypto';
import {
  noRates,
  ownRate,
  parseRates,
  type Rate,
  type Rates,
  summaryOf,
  withdrawnRates,
} from '../domain/files/rates.ts';
import { ratesKey } from '../domain/lake/layout.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import type { Environment } from '../ports.ts';
import { readDocument, writeDocument } from './documents.ts';

interface RatesInForce {
  /** Key of the rates, as JSON Lines. */
  key: string;
  reportingCurrency: string;
  setAt: string;
}

const inForceKey = 'rates/in-force.json';

/** The key of the rates in force. Writes nothing. */
export async function ratesInForce(env: Environment): Promise<string> {
  const { reportingCurrency } = env.settings;
  const inForce = await readDocument<RatesInForce>(env, inForceKey);
  if (!inForce) return encoded(ownRate(reportingCurrency)).key;
  if (inForce.reportingCurrency === reportingCurrency) return inForce.key;
  throw new RefusedInput(
    `the rates are into ${inForce.reportingCurrency} and the reporting currency is ${reportingCurrency}: set them anew ` +
      'with `c360 rates`, and the next run converts all sales again',
  );
}

/** Sees to it that models find rates where none were ever set: that of the reporting currency. */
export async function putDefaultRates(env: Environment): Promise<void> {
  if (await readDocument<RatesInForce>(env, inForceKey)) return;
  await writeRates(env, ownRate(env.settings.reportingCurrency));
}

/** What a door has to know of the rates in force. Writes nothing. */
export async function readRates(env: Environment): Promise<Rates> {
  const { reportingCurrency } = env.settings;
  const inForce = await readDocument<RatesInForce>(env, inForceKey);
  return inForce ? summaryOf(await rateLines(env, inForce.key), reportingCurrency) : noRates(reportingCurrency);
}

/**
 * Puts a rates file (CSV `currency,valid_on,rate`) in force. Rates may be added and corrected; RefusedInput where one that
 * sales may have been taken in with would be withdrawn.
 */
export const setRates =
  (env: Environment) =>
  async (text: string): Promise<Rate[]> => {
    const { reportingCurrency } = env.settings;
    const rates = parseRates(text, reportingCurrency);
    const withdrawn = withdrawnRates(await readRates(env), summaryOf(rates, reportingCurrency));
    if (withdrawn.length > 0) {
      throw new RefusedInput(`a rates file repeats what was known, and this one lacks ${withdrawn.join(', ')}`);
    }
    const key = await writeRates(env, rates);
    const inForce: RatesInForce = { key, reportingCurrency, setAt: env.clock.now().toISOString() };
    await writeDocument(env, inForceKey, inForce);
    return rates;
  };

async function writeRates(env: Environment, rates: Rate[]): Promise<string> {
  const { key, content } = encoded(rates);
  await env.objects.putIfAbsent(key, content);
  return key;
}

function encoded(rates: Rate[]): { key: string; content: Uint8Array } {
  const content = Buffer.from(rates.map((rate) => `${JSON.stringify(rate)}\n`).join(''));
  return { key: ratesKey(createHash('sha256').update(content).digest('hex')), content };
}

async function rateLines(env: Environment, key: string): Promise<Rate[]> {
  const text = Buffer.from((await env.objects.get(key)) ?? []).toString('utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Rate);
}
