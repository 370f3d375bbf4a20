/** The orders of one day: first orders, repeat orders, guests, and what is brought back. */
import type { TransactionsRowV1 } from '../contracts/index.ts';
import { type Day, returnAfterDays } from './calendar.ts';
import { categoryOf, drawProduct, priceOn, productIdOf, productOf, productOfRank } from './catalogue.ts';
import { channelShares, countries, customerOf, homeOn, returningCustomers } from './customers.ts';
import { fractionOf, Random, type Shares } from './random.ts';
import { type Channel, pairRanks } from './truths.ts';
import type { World } from './world.ts';

type PaymentMethod = TransactionsRowV1['payment_method'];

export interface OrderLine {
  productId: string;
  /** Negative where it is brought back. */
  quantity: number;
  /** US cents, as is all money here. */
  unitPrice: number;
  discount: number;
  amount: number;
}

export interface Order {
  id: string;
  /** Milliseconds since 1970. */
  at: number;
  /** Index of the customer; absent for guests and for customers that customers.csv does not know. */
  customer?: number;
  customerId?: string;
  isFirst: boolean;
  channel: Channel;
  country: string;
  paymentMethod: PaymentMethod;
  lines: OrderLine[];
}

const hourMs = 3_600_000;
/** The doors open at half past seven and close fifteen hours later, so that no visit is near midnight. */
const opensAt = 7.5 * hourMs;
const openFor = 15 * hourMs;

const basketSizes: Shares<number> = [
  [1, 0.42],
  [2, 0.28],
  [3, 0.15],
  [4, 0.09],
  [5, 0.06],
];
const onlinePayments: Shares<PaymentMethod> = [
  ['card', 0.52],
  ['wallet', 0.27],
  ['invoice', 0.11],
  ['bank_transfer', 0.06],
  ['gift_card', 0.04],
];
const storePayments: Shares<PaymentMethod> = [
  ['card', 0.6],
  ['cash', 0.33],
  ['gift_card', 0.07],
];
/** Share of repeat orders that guests place, and that customers place whom customers.csv does not know. */
const guestShare = 0.05;
const unknownCustomerShare = 0.002;
const unknownProductShare = 0.002;
const pairShare = 0.05;
/** Best-selling products go together two by two, mildly. */
const companionShare = 0.12;
const companionRanks = 0.06;

/** Cents as decimal text. */
export function money(cents: number): string {
  const digits = String(Math.abs(cents)).padStart(3, '0');
  return `${cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** What an order is drawn from. */
interface Source {
  world: World;
  day: Day;
  random: Random;
}

/** Orders placed on a day, in no particular order. They have `day.purchaseLines` lines in all. */
export function purchasesOf(world: World, day: Day): Order[] {
  const random = new Random(world.options.seed, 'orders', day.index);
  const source = { world, day, random };
  const drawReturning = returningCustomers(world, day);
  const orders: Order[] = [];
  let spare = day.purchaseLines - (day.newcomers.to - day.newcomers.from);
  for (let index = day.newcomers.from; index < day.newcomers.to; index++) {
    const order = purchase(source, orders.length, { customer: index, isFirst: true }, 1 + spare);
    spare -= order.lines.length - 1;
    orders.push(order);
  }
  while (spare > 0) {
    const order = purchase(source, orders.length, drawBuyer(random, drawReturning), spare);
    spare -= order.lines.length;
    orders.push(order);
  }
  return orders;
}

/** Lines bought `returnAfterDays` before and brought back today, each an order of its own. */
export function returnsOf(world: World, day: Day): Order[] {
  if (day.returnLines === 0) return [];
  const { options, calendar } = world;
  const random = new Random(options.seed, 'returns', day.index);
  const bought = purchasesOf(world, calendar.days[day.index - returnAfterDays]!).flatMap((order) =>
    order.lines.map((line) => ({ order, line })),
  );
  return bought
    .map(({ order, line }) => ({ order, line, patience: random.fraction() / returnRateOf(world, line) }))
    .sort((one, other) => one.patience - other.patience)
    .slice(0, day.returnLines)
    .map(({ order, line }, position) => ({
      ...order,
      id: `R${orderNumber(day, position)}`,
      at: timeOf(day, random),
      isFirst: false,
      lines: [broughtBack(line)],
    }));
}

type Buyer = Pick<Order, 'customer' | 'customerId' | 'isFirst'>;

function drawBuyer(random: Random, drawReturning: (random: Random) => number | undefined): Buyer {
  const isUnknown = random.chance(unknownCustomerShare);
  if (isUnknown) return { customerId: `X${random.between(100_000, 999_999)}`, isFirst: false };
  return { customer: random.chance(guestShare) ? undefined : drawReturning(random), isFirst: false };
}

function purchase(source: Source, position: number, buyer: Buyer, mostLines: number): Order {
  const { world, day, random } = source;
  const known = buyer.customer === undefined ? undefined : customerOf(world, buyer.customer);
  const channel = known && random.chance(0.4) ? known.channel : random.weighted(channelShares);
  const products = basket(world, random, Math.min(random.weighted(basketSizes), mostLines));
  return {
    ...buyer,
    id: `T${orderNumber(day, position)}`,
    at: timeOf(day, random),
    customerId: known?.id ?? buyer.customerId,
    channel,
    country: known ? homeOn(known, day.index).country : random.weighted(countries),
    paymentMethod: random.weighted(channel === 'store' ? storePayments : onlinePayments),
    lines: products.map((product) => lineOf(source, product, mostUnits(world, buyer))),
  };
}

const orderNumber = (day: Day, position: number) =>
  `${day.date.replaceAll('-', '')}-${String(position + 1).padStart(4, '0')}`;

/** Busiest in the middle of the opening hours. */
const timeOf = (day: Day, random: Random): number =>
  day.startsAt + opensAt + Math.floor((openFor * (random.fraction() + random.fraction())) / 2);

/** Distinct products, by index; -1 is one that the catalogue does not know. */
function basket({ options }: World, random: Random, size: number): number[] {
  if (size >= 2 && random.chance(pairShare)) return pairRanks(options).map((rank) => productOfRank(options, rank));
  const products = new Set<number>();
  while (products.size < size) {
    const { rank, index } = drawProduct(options, random);
    products.add(random.chance(unknownProductShare) ? -1 : index);
    if (products.size < size && rank < options.products * companionRanks && random.chance(companionShare)) {
      products.add(productOfRank(options, rank ^ 1));
    }
  }
  return [...products];
}

/** Loyal customers buy more of a thing: this makes the customers' value a Pareto. */
function mostUnits({ options }: World, { customer }: Buyer): number {
  if (customer === undefined) return 2;
  const loyalty = fractionOf(options.seed, 'loyalty', customer);
  return loyalty < 0.8 ? 1 : 2;
}

function lineOf({ world, day, random }: Source, index: number, mostUnits: number): OrderLine {
  const { options, lastDay } = world;
  const known = index < 0 ? undefined : productOf(options, lastDay, index);
  const productId = known?.id ?? productIdOf(options.products + random.between(0, 9));
  const unitPrice = known ? priceOn(known, day.index) : 1_999;
  const quantity = random.between(1, mostUnits);
  // A discount goes by the unit, so that a line brought back has a unit price of whole cents.
  const discount = random.chance(0.15) ? quantity * Math.floor((unitPrice * random.pick([5, 10, 20])) / 100) : 0;
  return { productId, quantity, unitPrice, discount, amount: quantity * unitPrice - discount };
}

function broughtBack({ productId, quantity, amount }: OrderLine): OrderLine {
  return { productId, quantity: -quantity, unitPrice: amount / quantity, discount: 0, amount: -amount };
}

function returnRateOf({ options }: World, { productId }: OrderLine): number {
  return categoryOf(options, Number(productId.slice(1)) - 1).returnRate;
}
