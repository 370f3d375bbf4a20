/** The shop's customers, each derived from their index; they are numbered in the order of their first orders. */
import type { Cohort, Day } from './calendar.ts';
import { returnWeight } from './calendar.ts';
import { fractionOf, hashOf, Random, type Shares } from './random.ts';
import type { Channel } from './truths.ts';
import type { World } from './world.ts';

export interface Home {
  country: string;
  city: string;
  address: string;
}

export interface Customer {
  id: string;
  fullName: string;
  email: string;
  phone: string;
  home: Home;
  birthYear: number;
  /** Index of the day of the registration: that of the first order, for those who ever order. */
  signupDay: number;
  channel: Channel;
  /** A later home, from the day after `day`. */
  move?: { day: number; home: Home };
}

const cities: Record<string, readonly string[]> = {
  US: ['New York', 'Chicago', 'Austin', 'Seattle', 'Denver'],
  DE: ['Berlin', 'Hamburg', 'Leipzig', 'Stuttgart'],
  GB: ['London', 'Leeds', 'Bristol', 'Glasgow'],
  FR: ['Paris', 'Lyon', 'Nantes', 'Lille'],
  NL: ['Utrecht', 'Rotterdam', 'Groningen'],
  ES: ['Madrid', 'Sevilla', 'Bilbao'],
  SE: ['Stockholm', 'Malmö', 'Uppsala'],
  JP: ['Osaka', 'Kyoto', 'Sapporo'],
};

export const countries: Shares<string> = [
  ['US', 0.32],
  ['DE', 0.18],
  ['GB', 0.14],
  ['FR', 0.12],
  ['NL', 0.08],
  ['ES', 0.07],
  ['SE', 0.05],
  ['JP', 0.04],
];

/** How sessions, orders and customers come to the shop. */
export const channelShares: Shares<Channel> = [
  ['web', 0.3],
  ['mobile', 0.22],
  ['email', 0.12],
  ['social', 0.12],
  ['search', 0.14],
  ['store', 0.1],
];

const domains = ['example.com', 'example.org', 'example.net'];

/** Every twentieth customer moves once. */
const movesEvery = 20;
const moves = (index: number) => index % movesEvery === 7;
export const movesAmong = (customers: number): number => Math.ceil((customers - 7) / movesEvery);

export function customerOf(world: World, index: number): Customer {
  const random = new Random(world.options.seed, 'customer', index);
  const [first, last] = nameOf(world, index);
  const plainName = `${first}.${last}`.toLowerCase().replace(/[^a-z.]/g, '');
  const signupDay = signupDayOf(world, index);
  const home = drawHome(world, random, random.weighted(countries));
  const customer = {
    id: `C${String(index + 1).padStart(6, '0')}`,
    fullName: `${first} ${last}`,
    email: `${plainName}.${index.toString(36)}@${random.pick(domains)}`,
    phone: phoneOf(world, index),
    home,
    birthYear: random.between(1945, 2006),
    signupDay,
    channel: random.weighted(channelShares),
  };
  if (!moves(index)) return customer;
  const country = random.chance(0.7) ? home.country : random.weighted(countries);
  const newHome = drawHome(world, random, country, home.city);
  return { ...customer, move: { day: random.between(signupDay, world.lastDay), home: newHome } };
}

export const homeOn = (customer: Customer, day: number): Home =>
  customer.move && day > customer.move.day ? customer.move.home : customer.home;

function drawHome({ pools }: World, random: Random, country: string, notCity?: string): Home {
  const city = random.pick(cities[country]!.filter((name) => name !== notCity));
  const address = `${random.between(1, 199)} ${random.pick(pools.streets)}, ${random.between(10_000, 99_999)} ${city}`;
  return { country, city, address };
}

/** No two customers share a name while there are fewer customers than pairs of names. */
function nameOf({ options, pools }: World, index: number): [first: string, last: string] {
  const pair = (index * 7_919 + hashOf(options.seed, 'names')) % (pools.firstNames.length * pools.lastNames.length);
  return [
    pools.firstNames[pair % pools.firstNames.length]!,
    pools.lastNames[Math.floor(pair / pools.firstNames.length)]!,
  ];
}

/** Ten digits behind an area code that no exchange uses; no two customers share a number. */
function phoneOf({ options }: World, index: number): string {
  const digits = String((index * 7_654_321 + hashOf(options.seed, 'phones')) % 10_000_000).padStart(7, '0');
  return `+1 555 ${digits.slice(0, 3)} ${digits.slice(3)}`;
}

function signupDayOf({ options, calendar, lastDay }: World, index: number): number {
  if (index >= calendar.buyers) return Math.floor(fractionOf(options.seed, 'signup', index) * (lastDay + 1));
  let low = 0;
  let high = lastDay;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (index < calendar.days[middle]!.newcomers.to) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** How often a customer comes back, from 0 to 1: few come often, but in the best cohort many do. */
function loyaltyOf({ options, truths }: World, index: number, cohort: Cohort): number {
  const fraction = fractionOf(options.seed, 'loyalty', index);
  const square = fraction * fraction;
  return cohort.month === truths.bestCohort ? square : square * square * square;
}

/** Four in ten customers leave for good at some time. */
function hasLeft({ options, truths }: World, index: number, cohort: Cohort, age: number): boolean {
  if (cohort.month === truths.bestCohort && age <= 7) return false;
  const fraction = fractionOf(options.seed, 'departure', index);
  return fraction < 0.4 && age > 1 + fraction * 30;
}

/** True for customers who let their visits be measured; the others appear in no session. */
export const isTracked = ({ options }: World, index: number): boolean =>
  fractionOf(options.seed, 'tracked', index) < 0.6;

/** Draws customers, by loyalty, whose first order was before `day`; undefined where none was found. */
export function returningCustomers(world: World, day: Day): (random: Random) => number | undefined {
  const known = world.calendar.cohorts
    .slice(0, day.month + 1)
    .map((cohort, month) => ({
      cohort,
      age: day.month - month,
      size: Math.min(day.newcomers.from, cohort.to) - cohort.from,
    }))
    .filter(({ size }) => size > 0);
  const weights = known.map(
    ({ cohort, age, size }) => size * returnWeight(age, cohort.month === world.truths.bestCohort),
  );
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const shares = known.map((cohort, position) => [cohort, weights[position]! / all] as const);
  return (random) => {
    for (let attempt = 0; attempt < 60 && shares.length > 0; attempt++) {
      const { cohort, age, size } = random.weighted(shares);
      const index = cohort.from + random.between(0, size - 1);
      if (random.chance(loyaltyOf(world, index, cohort)) && !hasLeft(world, index, cohort, age)) return index;
    }
    return undefined;
  };
}
