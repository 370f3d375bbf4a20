/** The first steps of a file's row: from its cells to a record that keeps its contract. */
import { type Contract, rowValidatorOf } from '../../contracts/index.ts';
import type { JsonObject } from '../json.ts';
import { accepted, type Outcome, rejected } from '../outcome.ts';
import { violations } from '../validate.ts';
import { type Mapping, rowMapper, typedRow } from './mapping.ts';
import { earliestRate, type Rates } from './rates.ts';

export interface RowRules {
  contract: Contract;
  mapping?: Mapping;
  rates: Rates;
}

/** A function that maps, types and checks one row; the record it accepts still holds personal data. */
export function rowReceiver({ contract, mapping, rates }: RowRules): (row: JsonObject) => Outcome<JsonObject> {
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
    return contract.dataset === 'transactions' ? checkSale(record, contract, rates) : accepted(record);
  };
}

/** DECIMAL(18,4) ends at 10^14: ten thousand such lines can still be added up. */
const greatestAmount = 1e10;

/** A sale's amount can be converted, and added up with all others. */
export function checkSale(record: JsonObject, contract: Contract, { known }: Rates): Outcome<JsonObject> {
  const { currency, amount, quantity, unit_price: price, discount = 0 } = record;
  const rate = known.get(String(currency));
  if (!rate || String(record.ordered_at).slice(0, 10) < rate.from) {
    const since = [...known].map(([name, { from }]) => (from === earliestRate ? name : `${name} from ${from} on`));
    const rule = `a currency with a rate on the day of the order; there is one for ${since.join(', ')}`;
    return rejected('currency_without_rate', [{ path: '/currency', rule, value: String(currency) }], contract.id);
  }
  const most =
    amount === undefined
      ? Math.abs(Number(quantity) * Number(price)) + Math.abs(Number(discount))
      : Math.abs(Number(amount));
  const greatest = Math.max(most, Math.abs(Number(price ?? 0)), Math.abs(Number(discount)));
  if (greatest * Math.max(rate.greatest, 1) > greatestAmount) {
    const rule = `an amount, or quantity x unit_price - discount, within ${greatestAmount} of the reporting currency`;
    return rejected(
      'schema_violation',
      [{ path: amount === undefined ? '/unit_price' : '/amount', rule }],
      contract.id,
    );
  }
  return accepted(record);
}
