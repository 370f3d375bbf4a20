import { contractOf } from '../../../../src/contracts/index.ts';
import { parseMapping, rowMapper, typedRow } from '../../../../src/domain/files/mapping.ts';
import { RefusedInput } from '../../../../src/domain/refused-input.ts';

const transactions = contractOf('transactions/1')!;
const customers = contractOf('customers/1')!;

const mapping = {
  dataset: 'transactions',
  columns: { customer_id: 'who', amount: 'paid', ordered_at: 'day' },
  constants: {
    line_no: 1,
    product_id: 'cd',
    quantity: 1,
    currency: 'USD',
    channel: 'web',
    country: 'US',
    payment_method: 'unknown',
  },
  formats: { ordered_at: 'yyyyMMdd' },
  row_id: 'transaction_id',
};
const parse = (change: object = {}, contract = transactions) =>
  parseMapping({ ...mapping, ...change }, contract, 'map.yaml');
const columns = (change: object) => ({ columns: { ...mapping.columns, ...change } });
const constants = (change: object) => ({ constants: { ...mapping.constants, ...change } });

describe('a mapping', () => {
  test('renames columns, sets constants, reads times and leaves the id to be made', () => {
    const map = rowMapper(parse(), transactions);
    expect(map({ who: '7', paid: '1.50', day: '19970101', other: 'x' })).toEqual({
      row: {
        transaction_id: 'row',
        customer_id: '7',
        amount: '1.50',
        ordered_at: '1997-01-01T00:00:00.000Z',
        line_no: '1',
        product_id: 'cd',
        quantity: '1',
        currency: 'USD',
        channel: 'web',
        country: 'US',
        payment_method: 'unknown',
      },
      broken: [],
    });
  });

  test('tells which time does not fit its format, and leaves an empty one to the contract', () => {
    const map = rowMapper(parse(), transactions);
    expect(map({ day: '1997-01-01' }).broken).toEqual(['ordered_at']);
    expect(map({ day: '' }).broken).toEqual([]);
  });

  test('gives a date where the contract has a date', () => {
    const map = rowMapper(
      { columns: { signup_date: 's' }, constants: {}, formats: { signup_date: 'dd.MM.yyyy' } },
      customers,
    );
    expect(map({ s: '29.02.2024' }).row.signup_date).toBe('2024-02-29');
  });

  test.each(['[]', '{"toString":1,"valueOf":1}', `${'['.repeat(1e5)}${']'.repeat(1e5)}`])(
    'leaves a time that is no text to the contract',
    (json) => {
      expect(rowMapper(parse(), transactions)({ day: JSON.parse(json) }).broken).toEqual([]);
    },
  );

  test('does not read columns that objects inherit', () => {
    const map = rowMapper(parse(columns({ discount: 'constructor' })), transactions);
    expect(map({}).row).not.toHaveProperty('discount');
  });

  test.each`
    change                                       | message
    ${{ colums: {} }}                            | ${'map.yaml: unknown key colums; a mapping has dataset, columns, constants, formats, row_id'}
    ${{ dataset: 'products' }}                   | ${/dataset must be transactions, got products; upload it as/}
    ${{ dataset: undefined }}                    | ${/dataset must be transactions, got none/}
    ${{ dataset: { a: 1 } }}                     | ${/dataset must be transactions, got none/}
    ${{ columns: ['amount'] }}                   | ${/columns must be a map/}
    ${columns({ price: 'paid' })}                | ${/columns.price: transactions has no such field; it has transaction_id, /}
    ${columns({ __proto__x: 'paid' })}           | ${/columns.__proto__x: transactions has no such field/}
    ${columns({ amount: { name: 'paid' } })}     | ${/columns.amount must be text/}
    ${columns({ amount: null })}                 | ${/columns.amount must be text/}
    ${constants({ currency: undefined })}        | ${/constants.currency must be text/}
    ${constants({ amount: 1 })}                  | ${/amount must come from one place: a column, a constant or row_id/}
    ${columns({ transaction_id: 'id' })}         | ${/transaction_id must come from one place/}
    ${{ columns: {} }}                           | ${/transactions needs ordered_at: map a column or set a constant/}
    ${{ row_id: undefined }}                     | ${/transactions needs transaction_id/}
    ${{ row_id: 'customer_id' }}                 | ${/row_id must name an id field of transactions that holds text, got customer_id/}
    ${{ row_id: 'amount' }}                      | ${/row_id must name an id field/}
    ${{ row_id: 'ordered_at' }}                  | ${/row_id must name an id field/}
    ${{ row_id: 'nothing' }}                     | ${/row_id must name an id field/}
    ${{ formats: { ordered_at: 'yyyy-MM' } }}    | ${/formats.ordered_at must be made of yyyy, .* got yyyy-MM/}
    ${{ formats: { quantity: 'yyyy-MM-dd' } }}   | ${/formats.quantity: only a time has a format: ordered_at/}
    ${constants({ channel: 'shop' })}            | ${/constants.channel must be: one of web, .*; got shop/}
    ${constants({ quantity: 'many' })}           | ${/constants.quantity must be: type integer; got many/}
    ${{ ...columns({ ordered_at: undefined }) }} | ${/columns.ordered_at must be text/}
  `('is refused: $message', ({ change, message }) => {
    expect(() => parse(change)).toThrow(RefusedInput);
    expect(() => parse(change)).toThrow(message);
  });

  test('is refused for an id where none can stand', () => {
    const { country: _, ...rest } = mapping.constants;
    const change = { ...columns({ transaction_id: 'id' }), constants: rest, row_id: 'country' };
    expect(() => parse(change)).toThrow('row_id must name an id field of transactions that holds text, got country');
  });

  test('with a constant time that does not fit its format is refused', () => {
    const { ordered_at: _, ...rest } = mapping.columns;
    expect(() => parse({ columns: rest, ...constants({ ordered_at: '1.1.1997' }) })).toThrow(
      'map.yaml: constants.ordered_at must have the format yyyyMMdd',
    );
    expect(() => parse({ columns: rest, ...constants({ ordered_at: 19970101 }) })).not.toThrow();
  });

  test.each([undefined, null, 'text', [mapping]])('is a map, and %p is none', (document) => {
    expect(() => parseMapping(document, transactions, 'map.yaml')).toThrow('map.yaml: a mapping is a YAML map');
  });
});

describe('a row of text cells', () => {
  test.each`
    cell       | field           | value
    ${'7'}     | ${'quantity'}   | ${7}
    ${' -7 '}  | ${'quantity'}   | ${-7}
    ${'+7'}    | ${'quantity'}   | ${7}
    ${'007'}   | ${'quantity'}   | ${7}
    ${'7.0'}   | ${'quantity'}   | ${7}
    ${'7,0'}   | ${'quantity'}   | ${'7,0'}
    ${'1e3'}   | ${'quantity'}   | ${'1e3'}
    ${'0x10'}  | ${'quantity'}   | ${'0x10'}
    ${'1.005'} | ${'amount'}     | ${'1.005'}
    ${'007'}   | ${'product_id'} | ${'007'}
    ${'x'}     | ${'unknown'}    | ${'x'}
  `('has $cell in $field as $value', ({ cell, field, value }) => {
    expect(typedRow({ [field]: cell }, transactions.leaves)).toEqual({ [field]: value });
  });

  test('lacks what is empty or null', () => {
    expect(typedRow({ amount: '', quantity: null, discount: undefined, line_no: 0 }, transactions.leaves)).toEqual({
      line_no: 0,
    });
  });

  test('takes __proto__ for a name like any other', () => {
    const row = typedRow(JSON.parse('{"__proto__":{"quantity":1}}'), transactions.leaves);
    expect([Object.keys(row), row.quantity]).toEqual([['__proto__'], undefined]);
  });
});
