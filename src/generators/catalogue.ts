/** The shop's products, each derived from its index. */
import type { GeneratorOptions } from './options.ts';
import { hashOf, Random } from './random.ts';

export interface Product {
  id: string;
  name: string;
  category: string;
  brand: string;
  /** US cents. */
  price: number;
  cost: number;
  /** A later list price, from a day on. */
  change?: { day: number; price: number };
}

interface Category {
  name: string;
  nouns: readonly string[];
  /** Lowest and highest price, US cents. */
  prices: readonly [number, number];
  /** How readily its products are brought back, 1 being the least. */
  returnRate: number;
}

export const categories: readonly Category[] = [
  { name: 'Kitchen', nouns: ['Teapot', 'Skillet', 'Bread Knife', 'Mixing Bowl'], prices: [900, 8_900], returnRate: 1 },
  {
    name: 'Garden',
    nouns: ['Lantern', 'Planter', 'Hedge Shears', 'Bird Bath'],
    prices: [1_200, 14_900],
    returnRate: 1,
  },
  { name: 'Clothing', nouns: ['Jacket', 'Scarf', 'Jeans', 'Raincoat'], prices: [1_500, 12_900], returnRate: 8 },
  { name: 'Shoes', nouns: ['Sneakers', 'Hiking Boots', 'Sandals', 'Loafers'], prices: [2_900, 15_900], returnRate: 10 },
  {
    name: 'Electronics',
    nouns: ['Headphones', 'Speaker', 'Keyboard', 'Desk Lamp'],
    prices: [1_900, 34_900],
    returnRate: 4,
  },
  { name: 'Toys', nouns: ['Puzzle', 'Train Set', 'Kite', 'Board Game'], prices: [700, 6_900], returnRate: 1 },
  { name: 'Books', nouns: ['Cookbook', 'Atlas', 'Novel', 'Sketchbook'], prices: [600, 4_500], returnRate: 1 },
  {
    name: 'Sports',
    nouns: ['Yoga Mat', 'Dumbbell', 'Tennis Racket', 'Bike Helmet'],
    prices: [1_400, 19_900],
    returnRate: 3,
  },
];

const styles = ['Amber', 'Classic', 'Compact', 'Nordic', 'Rustic', 'Slate', 'Velvet', 'Willow', 'Copper', 'Midnight'];
const brands = ['Alderway', 'Brightfold', 'Corvane', 'Dunmore & Lake', 'Evenhart', 'Fjellro', 'Greystone', 'Halden'];

/** Every seventh product changes its price once. */
const changesEvery = 7;
const changes = (index: number) => index % changesEvery === 3;
export const priceChangesAmong = (products: number): number => Math.ceil((products - 3) / changesEvery);

export const productIdOf = (index: number): string => `P${String(index + 1).padStart(5, '0')}`;

/** The product that stands at a rank of popularity, the best-selling being 0: a shuffle that needs no list. */
export function productOfRank({ seed, products }: GeneratorOptions, rank: number): number {
  let step = Math.floor(products * 0.618) || 1;
  while (greatestCommonDivisor(step, products) > 1) step++;
  return (rank * step + (hashOf(seed, 'popularity') % products)) % products;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

export const categoryOf = ({ seed }: GeneratorOptions, index: number): Category =>
  categories[hashOf(seed, 'category', index) % categories.length]!;

/** `lastDay` is the index of the period's last day. */
export function productOf(options: GeneratorOptions, lastDay: number, index: number): Product {
  const random = new Random(options.seed, 'product', index);
  const category = categoryOf(options, index);
  const [lowest, highest] = category.prices;
  // Most products are cheap; margins know nothing of prices, so that each corner of the product matrix is taken.
  const price = roundedPrice(lowest + (highest - lowest) * random.fraction() * random.fraction());
  const cost = Math.floor(
    price * (random.chance(0.5) ? 0.3 + 0.15 * random.fraction() : 0.65 + 0.2 * random.fraction()),
  );
  const product = {
    id: productIdOf(index),
    name: `${random.pick(styles)} ${random.pick(category.nouns)}`,
    category: category.name,
    brand: random.pick(brands),
    price,
    cost,
  };
  if (!changes(index)) return product;
  const step = 100 * random.between(1, Math.ceil(price / 1_000));
  const newPrice = random.chance(0.7) ? price + step : price - step;
  return { ...product, change: { day: Math.floor(lastDay * (0.2 + 0.6 * random.fraction())), price: newPrice } };
}

/** Cents ending in 99, as shops like them. */
const roundedPrice = (cents: number): number => Math.floor(cents / 100) * 100 + 99;

export const priceOn = (product: Product, day: number): number =>
  product.change && day >= product.change.day ? product.change.price : product.price;

/** A product drawn by popularity: a few sell much, many sell little. */
export function drawProduct(options: GeneratorOptions, random: Random): { rank: number; index: number } {
  const fraction = random.fraction();
  const rank = Math.floor(options.products * fraction * fraction);
  return { rank, index: productOfRank(options, rank) };
}
