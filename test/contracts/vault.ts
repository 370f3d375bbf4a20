/** What every Vault promises. */
import fc from 'fast-check';
import type { NaturalId, PersonalData, Resolution, Subject, SuppressionLedger, Vault } from '../../src/ports.ts';

interface Made {
  vault: Vault;
  /** The ledger that the vault reads. */
  ledger: SuppressionLedger;
  /** Does to a subject what an erasure does to the vault: tombstone, no key, no personal data. */
  erase(subjectId: string): Promise<void> | void;
  close(): Promise<void> | void;
}

export function vaultContract(name: string, make: () => Promise<Made>): void {
  describe(`vault contract: ${name}`, () => {
    let vault: Vault;
    let ledger: SuppressionLedger;
    let erase: Made['erase'];
    let close: Made['close'];

    beforeEach(async () => {
      ({ vault, ledger, erase, close } = await make());
    });
    afterEach(() => close());

    const subjectOf = async (id: string): Promise<Subject> => known((await vault.resolve([user(id)]))[0]!);
    const personalDataOf = async (id: string) => vault.personalData((await subjectOf(id)).subjectId);

    test('gives an unknown id a random subject with a 32-byte key, and the same one ever after', async () => {
      const ann = await subjectOf('ann');
      expect(ann.subjectId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(ann.dataKey).toHaveLength(32);
      expect(await subjectOf('ann')).toEqual(ann);
      const ben = await subjectOf('ben');
      expect(ben.subjectId).not.toBe(ann.subjectId);
      expect([...ben.dataKey]).not.toEqual([...ann.dataKey]);
    });

    test('suppresses whom the ledger names, also where the vault still knows them, and nobody else', async () => {
      await vault.resolve([user('ann'), user('ben')]);
      await ledger.append([user('ann'), user('eve')], new Date(0));
      const states = (
        await vault.resolve([user('ann'), user('ben'), user('eve'), { namespace: 'anonymous', id: 'ann' }])
      ).map(({ state }) => state);
      expect(states).toEqual(['suppressed', 'known', 'suppressed', 'known']);
    });

    test('raises its epoch with each erasure, and with nothing else', async () => {
      const before = await vault.epoch();
      const ann = await subjectOf('ann');
      await vault.keepPersonalData([{ subject: ann, fields: { email: 'a@example.org' }, asOf: new Date(0) }]);
      expect(await vault.epoch()).toBe(before);
      await ledger.append([user('ben')], new Date(0));
      const between = await vault.epoch();
      expect(between).toBeGreaterThan(before);
      await erase(ann.subjectId);
      expect(await vault.epoch()).toBeGreaterThan(between);
    });

    test('tells namespaces apart, and ids that differ in nothing but case or form', async () => {
      const ids: NaturalId[] = [
        user('x'),
        { namespace: 'anonymous', id: 'x' },
        user('X'),
        user('x '),
        user(''),
        user('e\u0301'),
        user('é'),
      ];
      const subjects = (await vault.resolve(ids)).map(known);
      expect(new Set(subjects.map(({ subjectId }) => subjectId)).size).toBe(ids.length);
    });

    test('does what a map would do, in order, whatever the batches and their repetitions', async () => {
      const ids = fc.record({
        namespace: fc.constantFrom('user' as const, 'anonymous' as const),
        id: fc.oneof(fc.constantFrom('1', '2', '3'), fc.string({ unit: 'grapheme', maxLength: 12 })),
      });
      const seen = new Map<string, Subject>();
      await fc.assert(
        fc.asyncProperty(fc.array(ids, { maxLength: 10 }), async (batch) => {
          const before = await vault.lookUp(batch);
          expect(before).toEqual(batch.map((id) => asKnown(seen.get(nameOf(id)))));
          const resolved = await vault.resolve(batch);
          expect(resolved).toHaveLength(batch.length);
          for (const [position, resolution] of resolved.entries()) {
            const key = nameOf(batch[position]!);
            if (!seen.has(key)) seen.set(key, known(resolution));
            expect(resolution).toEqual(asKnown(seen.get(key)));
          }
          const subjectIds = new Set([...seen.values()].map(({ subjectId }) => subjectId));
          expect(subjectIds.size).toBe(seen.size);
        }),
        { numRuns: 40 },
      );
    });

    test('creates nothing by a look-up', async () => {
      expect(await vault.lookUp([user('ann'), user('ann')])).toEqual([undefined, undefined]);
      expect(await vault.lookUp([user('ann')])).toEqual([undefined]);
    });

    test('takes an empty batch', async () => {
      expect(await vault.resolve([])).toEqual([]);
      expect(await vault.lookUp([])).toEqual([]);
      await vault.keepPersonalData([]);
    });

    test('has one winner where several see an id first', async () => {
      const batch = Array.from({ length: 20 }, (_, index) => user(`new ${index}`));
      const answers = await Promise.all(Array.from({ length: 4 }, () => vault.resolve(batch)));
      for (const answer of answers) expect(answer).toEqual(answers[0]);
    });

    test('suppresses an erased id, whichever way it is asked for, and gives it no new subject', async () => {
      const [ann, ben] = [await subjectOf('ann'), await subjectOf('ben')];
      await erase(ann.subjectId);
      const expected = [{ state: 'suppressed' }, asKnown(ben)];
      expect(await vault.resolve([user('ann'), user('ben')])).toEqual(expected);
      expect(await vault.lookUp([user('ann'), user('ben')])).toEqual(expected);
    });

    test('keeps personal data of a subject, and has none of others', async () => {
      await vault.keepPersonalData([personal(await subjectOf('ann'), 1, { email: 'ann@example.org', phone: '1' })]);
      expect(await personalDataOf('ann')).toEqual({ email: 'ann@example.org', phone: '1' });
      expect(await personalDataOf('ben')).toBeUndefined();
      expect(await vault.personalData('00000000-0000-4000-8000-000000000000')).toBeUndefined();
    });

    test('keeps the newest personal data whole, in whatever order and batches they come', async () => {
      const batches = fc.array(fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 3 }), { minLength: 1 });
      let person = 0;
      await fc.assert(
        fc.asyncProperty(batches, async (days) => {
          person += 1;
          const subject = await subjectOf(`person ${person}`);
          for (const batch of days) {
            await vault.keepPersonalData(batch.map((day) => personal(subject, day, { [`field ${day}`]: `${day}` })));
          }
          const newest = Math.max(...days.flat());
          const expected = days.flat().length === 0 ? undefined : { [`field ${newest}`]: `${newest}` };
          expect(await vault.personalData(subject.subjectId)).toEqual(expected);
        }),
        { numRuns: 25 },
      );
    });

    test('keeps e-mails that several subjects share', async () => {
      const shared = { email: 'family@example.org' };
      await vault.keepPersonalData([
        personal(await subjectOf('ann'), 1, shared),
        personal(await subjectOf('ben'), 1, shared),
      ]);
      expect([await personalDataOf('ann'), await personalDataOf('ben')]).toEqual([shared, shared]);
    });

    test('keeps nothing of a subject that was erased while its data were on the way', async () => {
      const ann = await subjectOf('ann');
      await vault.keepPersonalData([personal(ann, 1, { email: 'ann@example.org' })]);
      await erase(ann.subjectId);
      expect(await vault.personalData(ann.subjectId)).toBeUndefined();
      await vault.keepPersonalData([personal(ann, 2, { email: 'ann@example.org' })]);
      expect(await vault.personalData(ann.subjectId)).toBeUndefined();
    });

    test('has one quarantine key a day, also for those who ask at once', async () => {
      const [first, ...others] = await Promise.all(Array.from({ length: 4 }, () => vault.quarantineKey('2026-01-02')));
      expect(first).toHaveLength(32);
      for (const other of others) expect([...other]).toEqual([...first!]);
      expect([...(await vault.quarantineKey('2026-01-03'))]).not.toEqual([...first!]);
    });
  });
}

function user(id: string): NaturalId {
  return { namespace: 'user', id };
}

function nameOf(id: NaturalId): string {
  return JSON.stringify([id.namespace, id.id]);
}

function known(resolution: Resolution): Subject {
  if (resolution.state === 'known') return resolution.subject;
  throw new Error('expected a known subject, got a suppressed one');
}

function asKnown(subject: Subject | undefined): Resolution | undefined {
  return subject && { state: 'known', subject };
}

function personal(subject: Subject, day: number, fields: Record<string, string>): PersonalData {
  return { subject, fields, asOf: new Date(Date.UTC(2026, 0, day)) };
}
