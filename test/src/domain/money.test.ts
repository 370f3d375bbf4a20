import fc from 'fast-check';
import { moneyText } from '../../../src/domain/money.ts';

/** The amount in ten-thousandths, by integers alone. */
function tenThousandths(digits: bigint, scale: number): bigint {
  const shifted = digits * 10_000n;
  const divisor = 10n ** BigInt(scale);
  const [whole, rest] = [shifted / divisor, shifted % divisor];
  const absolute = rest < 0n ? -rest : rest;
  const step = digits < 0n ? -1n : 1n;
  return 2n * absolute >= divisor ? whole + step : whole;
}

/** `digits` with the point `scale` digits from the right. */
function decimalText(digits: bigint, scale: number): string {
  const sign = digits < 0n ? '-' : '';
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  return scale === 0 ? sign + text : `${sign}${text.slice(0, -scale)}.${text.slice(-scale)}`;
}

describe('the text of an amount', () => {
  test.each`
    amount                   | text
    ${'19.99'}               | ${'19.9900'}
    ${19.99}                 | ${'19.9900'}
    ${1.005}                 | ${'1.0050'}
    ${0.1 + 0.2}             | ${'0.3000'}
    ${'0.00005'}             | ${'0.0001'}
    ${'-0.00005'}            | ${'-0.0001'}
    ${'0.000049999'}         | ${'0.0000'}
    ${'-0.00004'}            | ${'0.0000'}
    ${-0}                    | ${'0.0000'}
    ${1e-7}                  | ${'0.0000'}
    ${'+5'}                  | ${'5.0000'}
    ${'007.5'}               | ${'7.5000'}
    ${'9.99995'}             | ${'10.0000'}
    ${'99999999999999.9999'} | ${'99999999999999.9999'}
  `('of $amount is $text', ({ amount, text }) => {
    expect(moneyText(amount)).toBe(text);
  });

  test.each([
    '',
    ' ',
    '-',
    '.5',
    '5.',
    '1,5',
    '1e3',
    ' 1',
    '1 000',
    '0x10',
    '٣',
    '1.2.3',
    'NaN',
    'Infinity',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e21,
    100_000_000_000_000,
    '100000000000000',
    '99999999999999.99995',
  ])('is none for %p, which is no decimal number or does not fit DECIMAL(18,4)', (amount) => {
    expect(moneyText(amount)).toBeUndefined();
  });

  test('is what integer arithmetic gives, rounded half away from zero', () => {
    const digits = fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n });
    fc.assert(
      fc.property(digits, fc.integer({ min: 4, max: 12 }), (value, scale) => {
        const text = moneyText(decimalText(value, scale))!;
        expect(text).toMatch(/^-?\d+\.\d{4}$/);
        expect(BigInt(text.replace('.', ''))).toBe(tenThousandths(value, scale));
      }),
      { numRuns: 1000 },
    );
  });

  test('of a JSON number with at most four decimals is that number exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(10 ** 11), max: 10 ** 11 }), fc.integer({ min: 0, max: 4 }), (value, scale) => {
        const text = decimalText(BigInt(value), scale);
        expect(moneyText(Number(text))).toBe(moneyText(text));
      }),
      { numRuns: 1000 },
    );
  });

  test('is its own text', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }), (value) => {
        const text = moneyText(decimalText(value, 4))!;
        expect(moneyText(text)).toBe(text);
      }),
    );
  });
});
