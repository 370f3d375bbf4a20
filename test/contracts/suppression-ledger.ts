/** What every SuppressionLedger promises. */
import fc from 'fast-check';
import type { NaturalId, SuppressionLedger } from '../../src/ports.ts';

interface Made {
  ledger: SuppressionLedger;
  /** The same ledger as another holder opens it, with nothing in memory. */
  beside(): SuppressionLedger;
  close(): Promise<void> | void;
}

export function suppressionLedgerContract(name: string, make: () => Promise<Made>): void {
  describe(`suppression ledger contract: ${name}`, () => {
    let ledger: SuppressionLedger;
    let beside: Made['beside'];
    let close: Made['close'];

    beforeEach(async () => {
      ({ ledger, beside, close } = await make());
    });
    afterEach(() => close());

    test('begins empty', async () => {
      expect(await ledger.entries(0)).toEqual([]);
      expect(await ledger.append([], new Date(0))).toBe(0);
      expect(await ledger.entries(0)).toEqual([]);
    });

    test('numbers its entries from 1 without a gap, and says which was last', async () => {
      expect(await ledger.append([user('ann'), user('ben')], new Date('2026-01-02T03:04:05.678Z'))).toBe(2);
      expect(await ledger.append([user('eve')], new Date(0))).toBe(3);
      expect(await ledger.append([], new Date(0))).toBe(3);
      expect(await ledger.entries(0)).toEqual([
        { number: 1, hmac: ledger.hmacOf(user('ann')), erasedAt: '2026-01-02T03:04:05.678Z' },
        { number: 2, hmac: ledger.hmacOf(user('ben')), erasedAt: '2026-01-02T03:04:05.678Z' },
        { number: 3, hmac: ledger.hmacOf(user('eve')), erasedAt: '1970-01-01T00:00:00.000Z' },
      ]);
    });

    test('gives the entries behind a number, in order, and none behind the last', async () => {
      await ledger.append(users(12), new Date(0));
      const numbers = async (after: number) => (await ledger.entries(after)).map(({ number }) => number);
      expect(await numbers(0)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      expect(await numbers(8)).toEqual([9, 10, 11, 12]);
      expect(await numbers(12)).toEqual([]);
      expect(await numbers(13)).toEqual([]);
    });

    test('takes the same id again, as one entry more', async () => {
      await ledger.append([user('ann')], new Date(0));
      expect(await ledger.append([user('ann'), user('ann')], new Date(1))).toBe(3);
      expect(new Set((await ledger.entries(0)).map(({ hmac }) => hmac)).size).toBe(1);
    });

    test('holds what it was given for whoever opens it later, under the same key', async () => {
      await ledger.append([user('ann')], new Date(0));
      const other = beside();
      const entries = await other.entries(0);
      expect(entries).toEqual(await ledger.entries(0));
      expect(other.hmacOf(user('ann'))).toBe(entries[0]!.hmac);
      await other.append([user('ben')], new Date(0));
      expect((await ledger.entries(1)).map(({ hmac }) => hmac)).toEqual([ledger.hmacOf(user('ben'))]);
    });

    test('has an HMAC of 64 hexadecimal digits for each natural id, another for every other id', async () => {
      await ledger.entries(0);
      const ids = fc.record({
        namespace: fc.constantFrom('user' as const, 'anonymous' as const),
        id: fc.oneof(fc.constantFrom('', 'x', 'X', 'x '), fc.string({ unit: 'binary', maxLength: 12 })),
      });
      fc.assert(
        fc.property(ids, ids, (a, b) => {
          expect(ledger.hmacOf(a)).toMatch(/^[0-9a-f]{64}$/);
          const isSame = a.namespace === b.namespace && a.id === b.id;
          expect(ledger.hmacOf(a) === ledger.hmacOf(b)).toBe(isSame);
        }),
      );
    });

    test('loses no entry and leaves no gap where several append at once', async () => {
      const writers = [ledger, beside(), beside(), beside()];
      await Promise.all(
        writers.map(async (writer, index) => {
          for (let time = 0; time < 5; time += 1) await writer.append([user(`${index}/${time}`)], new Date(0));
        }),
      );
      const entries = await beside().entries(0);
      expect(entries.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
      const expected = [0, 1, 2, 3].flatMap((index) =>
        [0, 1, 2, 3, 4].map((time) => ledger.hmacOf(user(`${index}/${time}`))),
      );
      expect(entries.map(({ hmac }) => hmac).toSorted()).toEqual(expected.toSorted());
    });

    test('takes more entries at once than a transaction or a page holds', async () => {
      const erasedAt = new Date(0);
      expect(await ledger.append(users(950), erasedAt)).toBe(950);
      const entries = await beside().entries(0);
      expect(entries.map(({ hmac }) => hmac)).toEqual(users(950).map((id) => ledger.hmacOf(id)));
      expect(entries.at(-1)!.number).toBe(950);
      expect(await beside().entries(940)).toEqual(entries.slice(940));
    });
  });
}

function user(id: string): NaturalId {
  return { namespace: 'user', id };
}

function users(count: number): NaturalId[] {
  return Array.from({ length: count }, (_, index) => user(`person ${index}`));
}
