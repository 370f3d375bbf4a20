/** The four files that stand for a shop's exports. */
import type { Dataset } from '../contracts/index.ts';
import { dayMs } from './calendar.ts';
import { priceChangesAmong, productOf } from './catalogue.ts';
import { customerOf, movesAmong } from './customers.ts';
import { eventsOf } from './events.ts';
import type { GeneratorRequest } from './options.ts';
import { money, type Order, purchasesOf, returnsOf } from './orders.ts';
import { type World, worldOf } from './world.ts';

export interface GeneratedFile {
  name: 'customers.csv' | 'products.csv' | 'transactions.csv' | 'events.jsonl';
  dataset: Dataset;
  /** Records in the file, its header aside. */
  count: number;
  /** Each line with its `\n`, a CSV's header first; made as they are asked for, anew on each call. */
  lines(): Iterable<string>;
}

/**
 * The files of a synthetic shop, byte for byte the same for the same options. Nothing is made before lines are asked
 * for, and memory follows the busiest day, not the size. Throws GeneratorOptionError.
 */
export function generate(request: GeneratorRequest = {}): GeneratedFile[] {
  const world = worldOf(request);
  const { customers, products, transactions, events } = world.options;
  return [
    {
      name: 'customers.csv',
      dataset: 'customers',
      count: customers + movesAmong(customers),
      lines: () => csv(customerColumns, customerRows(world)),
    },
    {
      name: 'products.csv',
      dataset: 'products',
      count: products + priceChangesAmong(products),
      lines: () => csv(productColumns, productRows(world)),
    },
    {
      name: 'transactions.csv',
      dataset: 'transactions',
      count: transactions,
      lines: () => csv(transactionColumns, transactionRows(world)),
    },
    { name: 'events.jsonl', dataset: 'events', count: events, lines: () => eventLines(world) },
  ];
}

const customerColumns = [
  'customer_id',
  'email',
  'full_name',
  'address',
  'phone',
  'country',
  'city',
  'birth_year',
  'signup_date',
  'acquisition_channel',
  'updated_at',
];
const productColumns = ['product_id', 'name', 'category', 'brand', 'price', 'cost', 'updated_at'];
const transactionColumns = [
  'transaction_id',
  'line_no',
  'customer_id',
  'product_id',
  'quantity',
  'unit_price',
  'discount',
  'amount',
  'currency',
  'channel',
  'country',
  'payment_method',
  'ordered_at',
];

type Cell = string | number | undefined;

function* csv(columns: string[], rows: Iterable<Cell[]>): Iterable<string> {
  yield `${columns.join(',')}\n`;
  for (const row of rows) yield `${row.map(csvCell).join(',')}\n`;
}

function csvCell(cell: Cell): string {
  const text = String(cell ?? '');
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const timestamp = (milliseconds: number) => new Date(milliseconds).toISOString();

/** All customers as they registered, then those who moved, as they are since. */
function* customerRows(world: World): Iterable<Cell[]> {
  const { days } = world.calendar;
  for (const moved of [false, true]) {
    for (let index = 0; index < world.options.customers; index++) {
      const customer = customerOf(world, index);
      if (moved && !customer.move) continue;
      const { country, city, address } = moved ? customer.move!.home : customer.home;
      const signup = days[customer.signupDay]!;
      const updatedAt = moved ? days[customer.move!.day]!.startsAt + dayMs - 1 : signup.startsAt;
      yield [
        customer.id,
        customer.email,
        customer.fullName,
        address,
        customer.phone,
        country,
        city,
        customer.birthYear,
        signup.date,
        customer.channel,
        timestamp(updatedAt),
      ];
    }
  }
}

/** The catalogue on the eve of the period, then the products whose price changed. */
function* productRows({ options, calendar, lastDay }: World): Iterable<Cell[]> {
  for (const changed of [false, true]) {
    for (let index = 0; index < options.products; index++) {
      const { id, name, category, brand, price, cost, change } = productOf(options, lastDay, index);
      if (changed && !change) continue;
      const since = changed ? calendar.days[change!.day]!.startsAt : calendar.days[0]!.startsAt - dayMs;
      yield [id, name, category, brand, money(changed ? change!.price : price), money(cost), timestamp(since)];
    }
  }
}

function* transactionRows(world: World): Iterable<Cell[]> {
  for (const day of world.calendar.days) {
    const orders = [...purchasesOf(world, day), ...returnsOf(world, day)].sort((one, other) => one.at - other.at);
    for (const order of orders) yield* orderRows(order);
  }
}

function* orderRows(order: Order): Iterable<Cell[]> {
  for (const [position, line] of order.lines.entries()) {
    yield [
      order.id,
      position + 1,
      order.customerId,
      line.productId,
      line.quantity,
      money(line.unitPrice),
      money(line.discount),
      money(line.amount),
      'USD',
      order.channel,
      order.country,
      order.paymentMethod,
      timestamp(order.at),
    ];
  }
}

function* eventLines(world: World): Iterable<string> {
  for (const day of world.calendar.days) {
    for (const event of eventsOf(world, day)) yield `${JSON.stringify(event)}\n`;
  }
}
