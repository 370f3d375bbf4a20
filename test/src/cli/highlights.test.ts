/** What the demo shows of an answer. */
import { highlight } from '../../../src/cli/highlights.ts';
import { sumOfMoney } from '../../../src/domain/money.ts';
import type { Scalar } from '../../../src/ports.ts';

describe('the RFM highlight', () => {
  const rfm = (...rows: Scalar[][]) =>
    highlight('rfm_segmentation', {
      columns: [
        { name: 'segment', type: 'VARCHAR' },
        { name: 'monetary', type: 'DECIMAL(18,4)' },
      ],
      rows,
    }).rows;

  test('adds money exactly, which floats do not', () => {
    const [champions] = rfm(['champions', '90071992547409.9100'], ['champions', '0.0001'], ['lost', '-0.0200']);
    expect(champions!.slice(0, 3)).toEqual(['champions', 2, '90071992547409.9101']);
  });
});

describe('a sum of money', () => {
  test.each`
    amounts                     | sum
    ${[]}                       | ${'0.0000'}
    ${['0.1', '0.2']}           | ${'0.3000'}
    ${['1.0000', '-1.0001']}    | ${'-0.0001'}
    ${Array(10).fill('0.0001')} | ${'0.0010'}
  `('of $amounts is $sum', ({ amounts, sum }) => {
    expect(sumOfMoney(amounts)).toBe(sum);
  });

  test('is refused where an amount is none', () => {
    expect(() => sumOfMoney(['1.0', 'x'])).toThrow(/decimal text/);
  });
});
