import { contractOf } from '../../../../src/contracts/index.ts';
import { noRates } from '../../../../src/domain/files/rates.ts';
import { rowReceiver } from '../../../../src/domain/files/receive-row.ts';
import type { Outcome } from '../../../../src/domain/outcome.ts';
import { canary, contracts, sampleRecord } from '../../../support/sample-records.ts';

const reasonsOf = (outcome: Outcome<unknown>) => (outcome.ok ? [] : outcome.rejection.reasons);
const contract = contractOf('transactions/1')!;
const receive = rowReceiver({ contract, rates: noRates('USD') });
const sale = {
  transaction_id: 't',
  line_no: '1',
  product_id: 'p',
  quantity: '2',
  unit_price: '9.99',
  currency: 'USD',
  channel: 'web',
  country: 'US',
  payment_method: 'card',
  ordered_at: '2026-01-02T03:04:05Z',
};

describe('a row that keeps its contract', () => {
  test.each(contracts.filter(({ dataset }) => dataset !== 'events').map(({ id }) => id))('is accepted: %s', (id) => {
    const entity = contractOf(id)!;
    expect(reasonsOf(rowReceiver({ contract: entity, rates: noRates('USD') })(sampleRecord(entity)))).toEqual([]);
  });

  test.each`
    row                                                                        | why
    ${sale}                                                                    | ${'a guest has no customer_id'}
    ${{ ...sale, customer_id: '0001' }}                                        | ${'ids are text'}
    ${{ ...sale, customer_id: null, amount: '' }}                              | ${'null and nothing are absent'}
    ${{ ...sale, quantity: '-2' }}                                             | ${'a return'}
    ${{ ...sale, unit_price: '', amount: '0' }}                                | ${'a line may cost nothing'}
    ${{ ...sale, quantity: '1000000', unit_price: '9999999999', amount: '1' }} | ${'amount counts, not the product'}
  `('may be $row: $why', ({ row }) => {
    expect(reasonsOf(receive(row))).toEqual([]);
  });
});

describe('a row that breaks it', () => {
  test.each`
    row                                                            | path              | rule
    ${{ ...sale, currency: 'EUR' }}                                | ${'/currency'}    | ${'a currency with a rate on the day of the order; there is one for USD'}
    ${{ ...sale, currency: 'usd' }}                                | ${'/currency'}    | ${'pattern ^[A-Z]{3}$'}
    ${{ ...sale, quantity: '1.5' }}                                | ${'/quantity'}    | ${'type integer'}
    ${{ ...sale, quantity: 'NaN' }}                                | ${'/quantity'}    | ${'type integer'}
    ${{ ...sale, product_id: 7 }}                                  | ${'/product_id'}  | ${'type string'}
    ${{ ...sale, unit_price: '' }}                                 | ${'/'}            | ${'required amount, or another of its kind'}
    ${{ ...sale, ordered_at: '2026-02-30T00:00:00Z' }}             | ${'/ordered_at'}  | ${'format date-time'}
    ${{ ...sale, quantity: '1000000', unit_price: '9999999999' }}  | ${'/unit_price'}  | ${'an amount, or quantity x unit_price - discount, within 10000000000 of the reporting currency'}
    ${{ ...sale, customer_id: 1e300 }}                             | ${'/customer_id'} | ${'an integer of at most 9007199254740991; send longer ids as text'}
    ${JSON.parse('{"__proto__":{"quantity":1,"currency":"USD"}}')} | ${'/'}            | ${'required quantity'}
  `('is refused at $path: $rule', ({ row, path, rule }) => {
    expect(reasonsOf(receive(row))).toContainEqual(expect.objectContaining({ path, rule }));
  });

  test('is refused for a time that does not fit the mapping', () => {
    const mapped = rowReceiver({
      contract,
      mapping: { columns: { ordered_at: 'day' }, constants: {}, formats: { ordered_at: 'yyyy-MM-dd' } },
      rates: noRates('USD'),
    });
    expect(reasonsOf(mapped({ day: `${canary}` }))).toEqual([{ path: '/ordered_at', rule: 'format yyyy-MM-dd' }]);
  });

  test('shows nothing of any field in its reasons', () => {
    for (const entity of contracts.filter(({ dataset }) => dataset !== 'events')) {
      const check = rowReceiver({ contract: entity, rates: noRates('CHF') });
      for (const { property } of entity.leaves) {
        for (const value of [canary.repeat(300), [canary], { [canary]: canary }]) {
          const reasons = reasonsOf(check({ ...sampleRecord(entity), [property]: value, [canary]: canary }));
          expect(JSON.stringify(reasons)).not.toContain(canary);
        }
      }
    }
  });
});
