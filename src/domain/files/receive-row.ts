/** The first steps of a file's row: from its cells to a record that keeps its contract. */
import { type Contract, rowValidatorOf } from '../../contracts/index.ts';
import type { JsonObject } from '../json.ts';
import { accepted, type Outcome, rejected } from '../outcome.ts';
import { violations } from '../validate.ts';
import { type Mapping, rowMapper, typedRow } from './mapping.ts';

export interface RowRules {
  contract: Contract;
  mapping?: Mapping;
  /** The one currency whose amounts can be added up. */
  reportingCurrency: string;
}

/** A function that maps, types and checks one row; the record it accepts still holds personal data. */
export function rowReceiver({
  contract,
  mapping,
  reportingCurrency,
}: RowRules): (row: JsonObject) => Outcome<JsonObject> {
  const map = mapping ? rowMapper(mapping, contract) : (row: JsonObject) => ({ row, broken: [] as string[] });
  return (row) => {
    const { row: mapped, broken } = map(row);
    if (broken.length > 0) {
      const reasons = broken.map((field) => ({ path: `/${field}`, rule: `format ${mapping?.formats[field]}` }));
      return rejected('schema_violation', reasons, contract.id);
    }
    const record = typedRow(mapped, contract.leaves);
    const reasons = violations(rowValidatorOf(contract.id), contract.leaves, record);
    if (reasons.length > 0) return rejected('schema_violation', reasons, contract.id);
    return contract.dataset === 'transactions' ? checkSale(record, contract, reportingCurrency) : accepted(record);
  };
}

/** DECIMAL(18,4) ends at 10^14; below half of it no rounding matters. */
const greatestAmount = 5e13;

function checkSale(record: JsonObject, contract: Contract, reportingCurrency: string): Outcome<JsonObject> {
  if (record.currency !== reportingCurrency) {
    const rule = `a currency with a rate; only ${reportingCurrency} has one`;
    return rejected(
      'currency_without_rate',
      [{ path: '/currency', rule, value: String(record.currency) }],
      contract.id,
    );
  }
  const { amount, quantity, unit_price: price, discount = 0 } = record;
  if (
    amount === undefined &&
    Math.abs(Number(quantity) * Number(price)) + Math.abs(Number(discount)) > greatestAmount
  ) {
    const rule = `quantity x unit_price - discount within ${greatestAmount}`;
    return rejected('schema_violation', [{ path: '/unit_price', rule }], contract.id);
  }
  return accepted(record);
}
