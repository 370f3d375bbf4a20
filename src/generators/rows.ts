/** The rows of the CSV files. */
import { type Day, dayMs } from './calendar.ts';
import { productOf } from './catalogue.ts';
import { customerOf } from './customers.ts';
import { money, type Order, purchasesOf, returnsOf } from './orders.ts';
import type { World } from './world.ts';

type Cell = string | number | undefined;

export type Row<Column extends string> = Record<Column, Cell>;

export type CustomerColumn = (typeof customerColumns)[number];
export const customerColumns = [
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
] as const;

export type ProductColumn = (typeof productColumns)[number];
export const productColumns = ['product_id', 'name', 'category', 'brand', 'price', 'cost', 'updated_at'] as const;

export type SaleColumn = (typeof saleColumns)[number];
export const saleColumns = [
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
] as const;

/** A row as a line of CSV, without its `\n`. */
export function csvLine<Column extends string>(columns: readonly Column[], row: Row<Column>): string {
  return columns.map((column) => csvCell(row[column])).join(',');
}

function csvCell(cell: Cell): string {
  const text = String(cell ?? '');
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const timestamp = (milliseconds: number) => new Date(milliseconds).toISOString();

/** All customers as they registered, then those who moved, as they are since. */
export function* customerRows(world: World): Iterable<Row<CustomerColumn>> {
  const { days } = world.calendar;
  for (const moved of [false, true]) {
    for (let index = 0; index < world.options.customers; index++) {
      const customer = customerOf(world, index);
      if (moved && !customer.move) continue;
      const { country, city, address } = moved ? customer.move!.home : customer.home;
      const signup = days[customer.signupDay]!;
      const updatedAt = moved ? days[customer.move!.day]!.startsAt + dayMs - 1 : signup.startsAt;
      yield {
        customer_id: customer.id,
        email: customer.email,
        full_name: customer.fullName,
        address,
        phone: customer.phone,
        country,
        city,
        birth_year: customer.birthYear,
        signup_date: signup.date,
        acquisition_channel: customer.channel,
        updated_at: timestamp(updatedAt),
      };
    }
  }
}

/** The catalogue on the eve of the period, then the products whose price changed. */
export function* productRows({ options, calendar, lastDay }: World): Iterable<Row<ProductColumn>> {
  for (const changed of [false, true]) {
    for (let index = 0; index < options.products; index++) {
      const { id, name, category, brand, price, cost, change } = productOf(options, lastDay, index);
      if (changed && !change) continue;
      const since = changed ? calendar.days[change!.day]!.startsAt : calendar.days[0]!.startsAt - dayMs;
      yield {
        product_id: id,
        name,
        category,
        brand,
        price: money(changed ? change!.price : price),
        cost: money(cost),
        updated_at: timestamp(since),
      };
    }
  }
}

/** Transaction lines by time, but those of the missing day. */
export function* saleRows(world: World, missing?: Day): Iterable<Row<SaleColumn>> {
  for (const day of world.calendar.days) {
    if (day === missing) continue;
    const orders = [...purchasesOf(world, day), ...returnsOf(world, day)].sort((one, other) => one.at - other.at);
    for (const order of orders) yield* orderRows(order);
  }
}

function* orderRows(order: Order): Iterable<Row<SaleColumn>> {
  for (const [position, line] of order.lines.entries()) {
    yield {
      transaction_id: order.id,
      line_no: position + 1,
      customer_id: order.customerId,
      product_id: line.productId,
      quantity: line.quantity,
      unit_price: money(line.unitPrice),
      discount: money(line.discount),
      amount: money(line.amount),
      currency: 'USD',
      channel: order.channel,
      country: order.country,
      payment_method: order.paymentMethod,
      ordered_at: timestamp(order.at),
    };
  }
}
