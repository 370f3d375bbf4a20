import fc from 'fast-check';
import { backoff } from '../../../../src/domain/stream/backoff.ts';

const limits = { firstMs: 100, mostMs: 5000 };

test.each`
  failures | shortest | longest
  ${1}     | ${50}    | ${100}
  ${2}     | ${100}   | ${200}
  ${6}     | ${1600}  | ${3200}
  ${7}     | ${2500}  | ${5000}
  ${5000}  | ${2500}  | ${5000}
`('after failure $failures the wait is $shortest to $longest ms', ({ failures, shortest, longest }) => {
  expect(backoff(failures, limits, () => 0)).toBe(shortest);
  expect(backoff(failures, limits, () => 1)).toBe(longest);
});

test('those who failed together come back apart', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 20 }), (chance, failures) => {
      const wait = backoff(failures, limits, () => chance);
      const [shortest, longest] = [backoff(failures, limits, () => 0), backoff(failures, limits, () => 1)];
      expect(wait).toBeCloseTo(shortest + (longest - shortest) * chance, 6);
    }),
  );
});
