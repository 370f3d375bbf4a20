/** What the generator hides in the data, for the answers to find. */
import type { CustomersRowV1 } from '../contracts/index.ts';
import { dayMs, monthsOf } from './calendar.ts';
import { productIdOf, productOfRank } from './catalogue.ts';
import { completeOptions, type GeneratorOptions, type GeneratorRequest } from './options.ts';
import { hashOf } from './random.ts';

export type Channel = CustomersRowV1['acquisition_channel'];
const channels: readonly Channel[] = ['web', 'mobile', 'email', 'social', 'search', 'store'];

/** The steps of a session's funnel behind the visit itself, in order. */
export const funnelSteps = ['product_view', 'add_to_cart', 'checkout_start', 'purchase'] as const;
type FunnelStep = (typeof funnelSteps)[number];

export type Variant = 'control' | 'treatment';

export interface PlantedTruths {
  /** `YYYY-MM`: highest mean retention over months 1 to 6, of the cohorts with six whole months behind them. */
  bestCohort: string;
  /** In each channel, the step with the lowest conversion from the step before. */
  worstFunnelStep: Record<Channel, FunnelStep>;
  /** The two products with the highest lift of all pairs that are bought together often; ids, sorted. */
  boughtTogether: [string, string];
  /** The variant that converts better. */
  experiment: { name: string; winner: Variant };
}

/** The truths of what `generate` makes from the same options. */
export function plantedTruths(request: GeneratorRequest = {}): PlantedTruths {
  const options = completeOptions(request);
  return {
    bestCohort: bestCohortOf(options),
    worstFunnelStep: worstFunnelStepOf(options),
    boughtTogether: pairRanks(options)
      .map((rank) => productIdOf(productOfRank(options, rank)))
      .sort() as [string, string],
    experiment: { name: 'checkout_button', winner: 'treatment' },
  };
}

/** One of the months with six whole months behind it, but the first, whose shop has hardly opened. */
function bestCohortOf(options: GeneratorOptions): string {
  const months = monthsOf(options);
  const nextDay = new Date(Date.parse(options.until) + dayMs);
  const wholeMonths = months.length - (nextDay.getUTCDate() === 1 ? 0 : 1);
  const candidates = months.slice(1, Math.max(wholeMonths - 6, 2));
  return candidates[hashOf(options.seed, 'best cohort') % candidates.length] ?? months[0]!;
}

function worstFunnelStepOf({ seed }: GeneratorOptions): Record<Channel, FunnelStep> {
  const turn = hashOf(seed, 'worst step') % funnelSteps.length;
  const worst = (position: number) => funnelSteps[(turn + position) % funnelSteps.length]!;
  return Object.fromEntries(channels.map((channel, position) => [channel, worst(position)])) as Record<
    Channel,
    FunnelStep
  >;
}

/** Popularity ranks of the pair: both seldom bought alone, so that their lift is high. */
export const pairRanks = ({ products }: GeneratorOptions): [number, number] => [
  Math.floor(products * 0.8),
  Math.floor(products * 0.9),
];
