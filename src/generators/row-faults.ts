/** The faults of the CSV files. */
import { type Canary, canariesOf } from './canaries.ts';
import { clean, type Expectation, type RefusalKind, refused } from './faults.ts';
import type { GeneratorOptions } from './options.ts';
import { money } from './orders.ts';
import { type FaultTable, farAheadMs, oversize, type Planting, type Spot } from './planting.ts';
import {
  type CustomerColumn,
  csvLine,
  customerColumns,
  type ProductColumn,
  productColumns,
  type Row,
  type SaleColumn,
  saleColumns,
} from './rows.ts';

/** A way to break a row: cells with other values, or another text. */
type Change<Column extends string> = Partial<Row<Column>> | ((line: string) => string);

interface Breaking<Column extends string> {
  kind: RefusalKind;
  change: Change<Column>;
}

const refusedAs = <Column extends string>(kind: RefusalKind, changes: readonly Change<Column>[]): Breaking<Column>[] =>
  changes.map((change) => ({ kind, change }));

/** A cell too few, one too many, a quote that nobody closes. */
const noCsv: readonly ((line: string) => string)[] = [
  (line) => line.slice(0, line.lastIndexOf(',')),
  (line) => `${line},more`,
  (line) => line.replace(',', '",'),
];

const brokenCustomers: readonly Breaking<CustomerColumn>[] = [
  ...refusedAs<CustomerColumn>('schema_violation', [
    { customer_id: '' },
    { email: '' },
    { email: 'nobody' },
    { country: 'Germany' },
    { birth_year: 1066 },
    { birth_year: 'unknown' },
    { signup_date: '31.12.2025' },
    { acquisition_channel: 'fax' },
    { updated_at: 'today' },
  ]),
  ...refusedAs<CustomerColumn>('not_csv', noCsv),
];

const brokenProducts: readonly Breaking<ProductColumn>[] = [
  ...refusedAs<ProductColumn>('schema_violation', [
    { product_id: 'no such id' },
    { category: '' },
    { price: 'free' },
    { price: '19,99' },
    { cost: '' },
    { updated_at: '2026-02-30T00:00:00Z' },
  ]),
  ...refusedAs<ProductColumn>('not_csv', noCsv),
];

const brokenSales: readonly Breaking<SaleColumn>[] = [
  ...refusedAs<SaleColumn>('schema_violation', [
    { product_id: '' },
    { quantity: 'two' },
    { quantity: 1.5 },
    { line_no: 0 },
    { unit_price: '', amount: '' },
    { amount: '1.000,00' },
    { channel: 'fax' },
    { country: 'Germany' },
    { payment_method: 'cheque' },
    { currency: 'dollars' },
    { ordered_at: 'yesterday' },
    { ordered_at: '2026-02-03T10:00:00+01:00' },
    { ordered_at: '1899-12-31T23:59:59Z' },
  ]),
  ...refusedAs<SaleColumn>('currency_without_rate', [{ currency: 'EUR' }]),
  ...refusedAs<SaleColumn>('not_csv', noCsv),
];

export function customerFaults(options: GeneratorOptions): FaultTable<Row<CustomerColumn>> {
  const people = canariesOf(options);
  return {
    invalid: {
      plant: ({ item, number }) => [broken('customers/1', customerColumns, item, brokenCustomers, number)],
      least: brokenCustomers.length,
    },
    personal_data: {
      plant: ({ item, number }) => canaryCustomer(item, people[number]!),
      linesEach: 3,
      least: people.length,
      most: people.length,
    },
  };
}

export const productFaults: FaultTable<Row<ProductColumn>> = {
  invalid: {
    plant: ({ item, number }) => [broken('products/1', productColumns, item, brokenProducts, number)],
    least: brokenProducts.length,
  },
};

export function saleFaults(options: GeneratorOptions): FaultTable<Row<SaleColumn>> {
  const people = canariesOf(options);
  return {
    invalid: { plant: invalidSale, least: brokenSales.length },
    duplicate: { plant: duplicate },
    conflict: { plant: conflict },
    oversized: { plant: oversized, most: 5 },
    personal_data: {
      plant: (spot) => [canarySale(spot, people[spot.number]!)],
      least: people.length,
      most: people.length,
    },
    orphan_reference: { plant: orphanReference },
    out_of_range: { plant: outOfRange },
  };
}

type SaleSpot = Spot<Row<SaleColumn>>;

const minuteMs = 60_000;

/** The row with this change, as `breakings[number]` says, in turn. */
function broken<Column extends string>(
  contract: string,
  columns: readonly Column[],
  row: Row<Column>,
  breakings: readonly Breaking<Column>[],
  number: number,
): Planting {
  const { kind, change } = breakings[number % breakings.length]!;
  if (typeof change === 'function') return { text: change(csvLine(columns, row)), expect: refused(kind) };
  return { text: csvLine(columns, { ...row, ...change }), expect: refused(kind, contract) };
}

/** As they should be, without an e-mail address, and with all data once more behind the last cell. */
function canaryCustomer(row: Row<CustomerColumn>, canary: Canary): Planting[] {
  const { naturalId, email, fullName, address, phone, signupDate, number } = canary;
  const person = {
    ...row,
    customer_id: naturalId,
    email,
    full_name: fullName,
    address,
    phone,
    city: `c/o ${email}`,
    signup_date: signupDate,
  };
  const whole = csvLine(customerColumns, person);
  const lines: [text: string, expect: Expectation][] = [
    [whole, clean],
    [csvLine(customerColumns, { ...person, email: '' }), refused('schema_violation', 'customers/1')],
    [`${whole},${whole}`, refused('not_csv')],
  ];
  return lines.map(([text, expect]) => ({ text, group: number, expect }));
}

/** The line of another order. */
function sale({ item }: SaleSpot, change: Partial<Row<SaleColumn>>, expect: Expectation): Planting {
  const row = { ...item, line_no: 1, ...change };
  return { text: csvLine(saleColumns, row), id: idOf(row), expect };
}

const idOf = ({ transaction_id, line_no }: Row<SaleColumn>): string => `${transaction_id}/${line_no}`;

const centsOf = (price: Row<SaleColumn>['unit_price']): number => Number(String(price).replace('.', ''));

function invalidSale({ item, number }: SaleSpot): Planting[] {
  const row = { ...item, transaction_id: `invalid-${number + 1}`, line_no: 1 };
  return [broken('transactions/1', saleColumns, row, brokenSales, number)];
}

const duplicate = ({ item, text, at, random }: SaleSpot): Planting[] => [
  { text, at: at + random.between(1, 10) * minuteMs, id: idOf(item), expect: { place: 'duplicate' } },
];

/** An older version: of the lines with one id the last of a file counts, so it stands before the record. */
const conflict = ({ item, at }: SaleSpot): Planting[] => [
  {
    text: csvLine(saleColumns, { ...item, payment_method: 'unknown' }),
    at: at - 1,
    id: idOf(item),
    expect: { place: 'superseded' },
  },
];

const oversized = (spot: SaleSpot): Planting[] => [
  sale(
    spot,
    { transaction_id: `oversized-${spot.number + 1}`, customer_id: 'x'.repeat(oversize) },
    refused('too_long'),
  ),
];

const canarySale = (spot: SaleSpot, { naturalId, number }: Canary): Planting => ({
  ...sale(spot, { transaction_id: `canary-${number}`, customer_id: naturalId }, clean),
  group: number,
});

const orphanReference = (spot: SaleSpot): Planting[] => {
  const gone = { transaction_id: `orphan-${spot.number + 1}`, product_id: `gone-${spot.number + 1}` };
  return [sale(spot, gone, { place: 'gate', check: 'referential' })];
};

/** A discount ten times the price, a price a thousand times too high, a time far ahead, too many units: in turn. */
function outOfRange(spot: SaleSpot): Planting[] {
  const { item, number, at } = spot;
  const price = centsOf(item.unit_price);
  const one = { transaction_id: `range-${number + 1}`, quantity: 1, discount: '0.00', amount: money(price) };
  const changes: Partial<Row<SaleColumn>>[] = [
    { discount: money(price * 10), amount: money(price * -9) },
    { unit_price: money(price * 1_000), amount: money(price * 1_000) },
    { ordered_at: new Date(at + farAheadMs).toISOString() },
    { quantity: 900_000, amount: money(price * 900_000) },
  ];
  return [sale(spot, { ...one, ...changes[number % changes.length] }, { place: 'gate', check: 'range' })];
}
