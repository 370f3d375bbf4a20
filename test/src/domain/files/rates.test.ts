/** What may stand in a rates file, and what a new one may change. */
import { noRates, parseRates, summaryOf, withdrawnRates } from '../../../../src/domain/files/rates.ts';

const file = (...lines: string[]) => ['currency,valid_on,rate', ...lines].join('\n');
const summary = (...lines: string[]) => summaryOf(parseRates(file(...lines), 'USD'), 'USD');

describe('a rates file', () => {
  test('gives each currency its rates as they stand, and the reporting currency a rate of 1', () => {
    expect(parseRates(`\ufeff${file('EUR,2024-01-01,1.0956', '', ' JPY , 2024-02-29 , 0.0067')}\r\n`, 'USD')).toEqual([
      { currency: 'USD', valid_on: '1900-01-01', rate: '1' },
      { currency: 'EUR', valid_on: '2024-01-01', rate: '1.0956' },
      { currency: 'JPY', valid_on: '2024-02-29', rate: '0.0067' },
    ]);
  });

  test.each`
    line                    | rule
    ${'EUR,2024-01-01'}     | ${'three cells are needed'}
    ${'EUR,2024-01-01,1,2'} | ${'three cells are needed'}
    ${'eur,2024-01-01,1'}   | ${'currency must be three capital letters'}
    ${'EUR,2023-02-29,1'}   | ${'valid_on must be a day'}
    ${'EUR,01.02.2024,1'}   | ${'valid_on must be a day'}
    ${'EUR,2024-01-01,0.0'} | ${'rate must be a decimal number above 0'}
    ${'EUR,2024-01-01,-1'}  | ${'rate must be a decimal number above 0'}
    ${'EUR,2024-01-01,1e3'} | ${'rate must be a decimal number above 0'}
    ${'EUR,2024-01-01,1,1'} | ${'three cells are needed'}
    ${'USD,2024-01-01,1'}   | ${'USD is the reporting currency'}
    ${'GBP,2024-01-01,1.3'} | ${'GBP has a rate on 2024-01-01 already'}
  `('is refused with the line and the rule where it says $line', ({ line, rule }) => {
    expect(() => parseRates(file('GBP,2024-01-01,1.2', line), 'USD')).toThrow(`line 3 of the rates file: ${rule}`);
  });

  test('is refused without its header', () => {
    expect(() => parseRates('EUR,2024-01-01,1', 'USD')).toThrow('begins with the line currency,valid_on,rate');
  });
});

describe('the rates of before', () => {
  const before = summary('EUR,2024-01-01,1.1', 'EUR,2025-01-01,1.2');

  test('may be corrected, and others added', () => {
    expect(withdrawnRates(before, summary('EUR,2023-01-01,1', 'EUR,2025-06-01,1.3', 'GBP,2024-01-01,1.2'))).toEqual([]);
  });

  test.each`
    after                            | lost
    ${summary('EUR,2024-01-02,1.1')} | ${['EUR from 2024-01-01 on']}
    ${noRates('USD')}                | ${['EUR from 2024-01-01 on']}
    ${noRates('EUR')}                | ${['USD from 1900-01-01 on']}
  `('may not be withdrawn: $lost', ({ after, lost }) => {
    expect(withdrawnRates(before, after)).toEqual(lost);
  });
});
