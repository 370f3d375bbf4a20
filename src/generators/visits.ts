/** Who visits the shop on a day, through which channel, and how far down the funnel they come. */
import type { Day } from './calendar.ts';
import { channelShares, isTracked, returningCustomers } from './customers.ts';
import { type Order, purchasesOf } from './orders.ts';
import { fractionOf, hashOf, hex32, Random, type Shares } from './random.ts';
import { type Channel, funnelSteps, type Variant } from './truths.ts';
import type { World } from './world.ts';

/** A device, and the customer who owns it, or will. */
interface Visitor {
  anonymousId: string;
  customer?: number;
  /** False for those whose first order is still to come. */
  hasAccount: boolean;
}

export interface Visit {
  visitor: Visitor;
  channel: Channel;
  campaign?: string;
  /** Absent while no experiment runs. */
  variant?: Variant;
  /** Funnel steps taken, from 0 (only the visit itself) to 4 (purchase). */
  steps: number;
  /** The order that the visit ends in, where transactions.csv has one that fits. */
  order?: Order;
}

interface Campaign {
  name: string;
  /** By what each step of the funnel converts better. */
  effect: number;
}

const none: Campaign = { name: '', effect: 1 };
const campaigns: Partial<Record<Channel, Shares<Campaign>>> = {
  email: [
    [none, 0.3],
    [{ name: 'weekly_newsletter', effect: 0.94 }, 0.4],
    [{ name: 'loyalty_offer', effect: 1.07 }, 0.3],
  ],
  social: [
    [none, 0.4],
    [{ name: 'video_teaser', effect: 0.93 }, 0.35],
    [{ name: 'retargeting', effect: 1.06 }, 0.25],
  ],
  search: [
    [none, 0.4],
    [{ name: 'generic_keywords', effect: 0.95 }, 0.3],
    [{ name: 'brand_keywords', effect: 1.08 }, 0.3],
  ],
};
const blackFriday: Campaign = { name: 'black_friday', effect: 1.1 };

/** The treated button is on the cart's page: it helps the two steps behind the cart. */
const treatmentEffect = 1.2;
const treatedSteps = ['checkout_start', 'purchase'];
const worstConversion = 0.38;

/** Visits of a day, without end: the caller takes as many as it needs. A visitor comes at most once a day. */
export function* visitsOf(world: World, day: Day): Generator<Visit, never> {
  const random = new Random(world.options.seed, 'visits', day.index);
  const orders = new OrdersByVisit(world, day);
  const drawVisitor = visitorsOf(world, day);
  const seen = new Set<string>();
  for (;;) {
    const channel = random.weighted(channelShares);
    const campaign = campaignOf(channel, day, random);
    const variant = random.chance(0.5) ? 'treatment' : 'control';
    const running = experimentRuns(world, day);
    const steps = stepsTaken(world, channel, campaign.effect, running && variant === 'treatment', random);
    const order = steps === funnelSteps.length ? orders.take(channel, variant, seen) : undefined;
    // Who buys what no file knows is a stranger, so that customers' journeys end in their own orders.
    const kind = steps === funnelSteps.length ? 'stranger' : random.weighted(visitorKinds);
    const visitor = order ? visitorOfOrder(world, order) : drawVisitor(random, kind, variant, seen);
    seen.add(visitor.anonymousId);
    yield {
      visitor,
      channel,
      campaign: campaign.name || undefined,
      variant: running ? variant : undefined,
      steps,
      order,
    };
  }
}

function campaignOf(channel: Channel, day: Day, random: Random): Campaign {
  const shares = campaigns[channel];
  if (!shares) return none;
  const campaign = random.weighted(shares);
  const isSeason = day.date.slice(5) >= '11-15' && day.date.slice(5) <= '12-05';
  return isSeason && campaign !== none ? blackFriday : campaign;
}

/** The experiment runs in the last third of the period. */
const experimentRuns = ({ lastDay }: World, day: Day): boolean => day.index > (lastDay * 2) / 3;

function stepsTaken(world: World, channel: Channel, campaignEffect: number, treated: boolean, random: Random): number {
  const usual = 0.72 + 0.06 * fractionOf(world.options.seed, channel);
  const lost = funnelSteps.findIndex((step) => {
    const conversion = step === world.truths.worstFunnelStep[channel] ? worstConversion : usual;
    const effect = treated && treatedSteps.includes(step) ? treatmentEffect : 1;
    return !random.chance(Math.min(conversion * effect * campaignEffect, 0.97));
  });
  return lost < 0 ? funnelSteps.length : lost;
}

const deviceOf = ({ options }: World, owner: string, index: number): string =>
  `d-${hex32(hashOf(options.seed, owner, index))}${hex32(hashOf(options.seed + 1, owner, index))}`;

const variantOf = (anonymousId: string): Variant => (hashOf(0, anonymousId) % 2 === 0 ? 'control' : 'treatment');

const customerVisitor = (world: World, customer: number, hasAccount: boolean): Visitor => ({
  anonymousId: deviceOf(world, 'customer', customer),
  customer,
  hasAccount,
});

/** A guest's device is known by their order alone. */
function visitorOfOrder(world: World, order: Order): Visitor {
  if (order.customer === undefined) return { anonymousId: deviceOf(world, order.id, 0), hasAccount: false };
  return customerVisitor(world, order.customer, !order.isFirst);
}

/** The day's orders whose buyers are tracked, to be taken by visits; first orders before others. */
class OrdersByVisit {
  readonly #world: World;
  readonly #waiting = new Map<string, Order[]>();

  constructor(world: World, day: Day) {
    this.#world = world;
    const orders = purchasesOf(world, day).filter((order) => isMeasured(world, order));
    for (const order of orders.sort((one, other) => Number(one.isFirst) - Number(other.isFirst))) {
      const key = `${order.channel} ${variantOf(visitorOfOrder(world, order).anonymousId)}`;
      const waiting = this.#waiting.get(key);
      if (waiting) waiting.push(order);
      else this.#waiting.set(key, [order]);
    }
  }

  take(channel: Channel, variant: Variant, seen: Set<string>): Order | undefined {
    const waiting = this.#waiting.get(`${channel} ${variant}`) ?? [];
    for (let order = waiting.pop(); order; order = waiting.pop()) {
      if (!seen.has(visitorOfOrder(this.#world, order).anonymousId)) return order;
    }
    return undefined;
  }
}

const isMeasured = (world: World, { customer, customerId }: Order): boolean =>
  customer === undefined ? customerId === undefined : isTracked(world, customer);

type VisitorKind = 'customer' | 'prospect' | 'stranger';
const visitorKinds: Shares<VisitorKind> = [
  ['customer', 0.32],
  ['prospect', 0.3],
  ['stranger', 0.38],
];
/** Prospects are customers whose first order is at most so many days ahead: their journey is seen before it. */
const prospectDays = 21;

/** Draws visitors whose variant is the wanted one and who have not been seen today. */
function visitorsOf(world: World, day: Day) {
  const drawReturning = returningCustomers(world, day);
  const { days } = world.calendar;
  const prospects = {
    from: day.newcomers.to,
    to: days[Math.min(day.index + prospectDays, world.lastDay)]!.newcomers.to,
  };
  const drawCustomer = (random: Random, kind: VisitorKind): Visitor | undefined => {
    const customer =
      kind === 'customer'
        ? drawReturning(random)
        : prospects.from + Math.floor(random.fraction() * (prospects.to - prospects.from));
    if (customer === undefined || customer >= world.calendar.buyers || !isTracked(world, customer)) return undefined;
    return customerVisitor(world, customer, kind === 'customer');
  };
  return (random: Random, kind: VisitorKind, variant: Variant, seen: Set<string>): Visitor => {
    for (let attempt = 0; ; attempt++) {
      const visitor =
        (kind !== 'stranger' && attempt < 12 && drawCustomer(random, kind)) ||
        drawStranger(world, day, random, attempt);
      if (variantOf(visitor.anonymousId) === variant && !seen.has(visitor.anonymousId)) return visitor;
    }
  };
}

/** Strangers come back for about four weeks; after many attempts they are taken from an endless crowd. */
function drawStranger(world: World, day: Day, random: Random, attempt: number): Visitor {
  const perDay = Math.ceil(day.events / 40);
  const number = attempt < 24 ? day.index * perDay + random.between(0, perDay * 28) : random.bits();
  return { anonymousId: deviceOf(world, attempt < 24 ? 'stranger' : 'crowd', number), hasAccount: false };
}
