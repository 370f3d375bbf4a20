/** What every Vault promises. */
import fc from 'fast-check';
import {
  AdapterError,
  type Clock,
  type NaturalId,
  type PersonalData,
  type Resolution,
  type Subject,
  type SuppressionLedger,
  type Vault,
} from '../../src/ports.ts';

interface Made {
  vault: Vault;
  /** The same vault as another process opens it, with nothing in memory. */
  beside(): Vault;
  /** Adds a version of each key, as a deployment does from time to time. */
  rotateKeys(): Promise<void> | void;
  /** The ledger that the vault reads. */
  ledger: SuppressionLedger;
  /** Does to a subject what an erasure does to the vault: tombstone, no key, no personal data. */
  erase(subjectId: string): Promise<void> | void;
  close(): Promise<void> | void;
}

/** `make` gives the vault the clock, which the suite moves on. */
export function vaultContract(name: string, make: (clock: Clock) => Promise<Made>): void {
  describe(`vault contract: ${name}`, () => {
    let vault: Vault;
    let made: Made;
    let ledger: SuppressionLedger;
    let erase: Made['erase'];
    let close: Made['close'];
    let now: Date;

    beforeEach(async () => {
      now = new Date('2026-01-02T12:00:00Z');
      made = await make({ now: () => now });
      ({ vault, ledger, erase, close } = made);
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

    test('does not replace newer personal data by older ones that came at the same time', async () => {
      const ann = await subjectOf('ann');
      const days = [3, 9, 1, 7, 5, 2, 8];
      await Promise.all(days.map((day) => made.beside().keepPersonalData([personal(ann, day, { phone: `${day}` })])));
      expect(await vault.personalData(ann.subjectId)).toEqual({ phone: '9' });
    });

    test('resolves more ids at once than many requests hold, each to a subject of its own, and finds them all again', async () => {
      const batch = Array.from({ length: 1_000 }, (_, index) => user(`person ${index}`));
      const subjects = (await vault.resolve([...batch, ...batch.slice(0, 100)])).map(known);
      expect(new Set(subjects.map(({ subjectId }) => subjectId)).size).toBe(batch.length);
      const again = (await made.beside().lookUp(batch)).map((resolution) => known(resolution!));
      expect(again.map(({ subjectId }) => subjectId)).toEqual(
        subjects.slice(0, 1_000).map(({ subjectId }) => subjectId),
      );
      for (const index of [0, 432, 999]) expect([...again[index]!.dataKey]).toEqual([...subjects[index]!.dataKey]);
    });

    test('has one winner where several processes see overlapping batches first', async () => {
      const vaults = [vault, made.beside(), made.beside()];
      const answers = await Promise.all(
        vaults.map((one, index) => one.resolve(Array.from({ length: 120 }, (_, id) => user(`new ${id + index * 30}`)))),
      );
      for (const [index, answer] of answers.entries()) {
        const first = await made
          .beside()
          .lookUp(Array.from({ length: 120 }, (_, id) => user(`new ${id + index * 30}`)));
        expect(answer).toEqual(first);
      }
    });

    test('shows an erasure to a process that remembers the subject, by its epoch and by its answers', async () => {
      const other = made.beside();
      const ann = await subjectOf('ann');
      expect((await other.resolve([user('ann')])).map(known)).toEqual([ann]);
      const before = await other.epoch();
      await erase(ann.subjectId);
      expect(await other.epoch()).toBeGreaterThan(before);
      expect(await other.resolve([user('ann')])).toEqual([{ state: 'suppressed' }]);
    });

    test('has nothing left of whom the ledger names, as soon as that person is met', async () => {
      const ann = await subjectOf('ann');
      await vault.keepPersonalData([personal(ann, 1, { email: 'ann@example.org' })]);
      await ledger.append([user('ann')], new Date(0));
      expect(await made.beside().lookUp([user('ann')])).toEqual([{ state: 'suppressed' }]);
      expect(await vault.personalData(ann.subjectId)).toBeUndefined();
      await vault.keepPersonalData([personal(ann, 2, { email: 'ann@example.org' })]);
      expect(await vault.personalData(ann.subjectId)).toBeUndefined();
    });

    test('finds ids, tombstones and data from before its keys were rotated, and gives nobody a second subject', async () => {
      const other = made.beside();
      const [ann, ben] = [await subjectOf('ann'), await subjectOf('ben')];
      await vault.keepPersonalData([personal(ann, 1, { phone: '1' })]);
      const { day, key: quarantineKey } = await vault.quarantineSealingKey();
      await erase(ben.subjectId);
      const before = await vault.epoch();
      for (let version = 2; version <= 4; version += 1) {
        await made.rotateKeys();
        const eve = (await other.resolve([user(`eve ${version}`)])).map(known);
        expect((await vault.resolve([user(`eve ${version}`)])).map(known)).toEqual(eve);
      }
      expect(await vault.epoch()).toBeGreaterThan(before);
      for (const one of [vault, other, made.beside()]) {
        expect(await one.resolve([user('ann'), user('ben')])).toEqual([asKnown(ann), { state: 'suppressed' }]);
        expect(await one.personalData(ann.subjectId)).toEqual({ phone: '1' });
        expect([...(await one.quarantineOpeningKey(day))!]).toEqual([...quarantineKey]);
      }
    });

    test('gives nobody a second subject where keys are rotated while subjects are created', async () => {
      const batch = Array.from({ length: 60 }, (_, index) => user(`new ${index}`));
      const workers = [vault, made.beside(), made.beside()].map((one) => one.resolve(batch));
      const [first, ...others] = (await Promise.all([...workers, made.rotateKeys()])).slice(0, 3);
      for (const other of others) expect(other).toEqual(first);
      expect(await made.beside().lookUp(batch)).toEqual(first);
    });

    test.each(['2026-1-2', '../2026-01-02', ''])('refuses %j as the day of a quarantine key', async (day) => {
      await expect(vault.quarantineOpeningKey(day)).rejects.toThrow(AdapterError);
    });

    test('has one quarantine key a day, also for those who ask at once', async () => {
      const vaults = [vault, vault, made.beside(), made.beside()];
      const [first, ...others] = await Promise.all(vaults.map((one) => one.quarantineSealingKey()));
      expect(first).toEqual({ day: '2026-01-02', key: expect.objectContaining({ length: 32 }) });
      for (const { day, key } of others) expect([day, ...key]).toEqual([first!.day, ...first!.key]);
      expect([...(await made.beside().quarantineOpeningKey('2026-01-02'))!]).toEqual([...first!.key]);
      now = new Date('2026-01-03T00:00:00Z');
      const next = await vault.quarantineSealingKey();
      expect(next.day).toBe('2026-01-03');
      expect([...next.key]).not.toEqual([...first!.key]);
    });

    test('makes no quarantine key for those who only open', async () => {
      for (const day of ['2026-01-01', '2026-01-02', '2026-01-03']) {
        expect(await vault.quarantineOpeningKey(day)).toBeUndefined();
        expect(await made.beside().quarantineOpeningKey(day)).toBeUndefined();
      }
    });

    test('gives a quarantine key until its day and the 20 behind it are over, and never again', async () => {
      const { day, key } = await vault.quarantineSealingKey();
      const other = made.beside();
      now = new Date('2026-01-22T23:59:59.999Z');
      for (const one of [vault, other, made.beside()]) {
        expect([...(await one.quarantineOpeningKey(day))!]).toEqual([...key]);
      }
      const { key: last } = await vault.quarantineSealingKey();
      now = new Date('2026-01-23T00:00:00Z');
      for (const one of [vault, other, made.beside()]) expect(await one.quarantineOpeningKey(day)).toBeUndefined();
      expect([...(await vault.quarantineOpeningKey('2026-01-22'))!]).toEqual([...last]);
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
