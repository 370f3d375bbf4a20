/** Canary persons: they are in the files wherever personal data may hide, and nowhere behind the privacy rules. */
import { type AnyEvent, contractOf, type Leaf } from '../../../src/contracts/index.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import { naturalIdsIn, separate } from '../../../src/domain/privacy/separate.ts';
import {
  type Canary,
  canaries,
  faultNames,
  type GeneratorRequest,
  generate,
  plantedFaults,
} from '../../../src/generators/index.ts';

/** Oversized lines hold nobody and take long to search. */
const request: GeneratorRequest = { size: 'tiny', faults: faultNames.filter((fault) => fault !== 'oversized') };
const people = canaries(request);
const manifest = [...plantedFaults(request)];
const texts = Object.fromEntries(generate(request).map(({ name, lines }) => [name, [...lines()]]));

const dataOf = ({ number: _, ...data }: Canary): string[] => Object.values(data);
/** The persons of whom a datum stands in a text, in whatever case. */
const peopleIn = (text: string, among = people): number[] => {
  const searched = text.toLowerCase();
  const stands = ({ word, phone, ip, signupDate }: Canary) =>
    [word, phone, ip, signupDate].some((datum) => searched.includes(datum));
  return among.filter(stands).map(({ number }) => number);
};

describe('canary persons', () => {
  test('are 200, or as many as there are customers, and none where personal data are not planted', () => {
    expect(people).toHaveLength(200);
    expect(canaries({ faults: ['personal_data'] })).toHaveLength(200);
    expect(canaries({ ...request, customers: 3 })).toHaveLength(3);
    expect(canaries({ size: 'tiny', faults: ['late'] })).toEqual([]);
  });

  test('share nothing with each other', () => {
    const data = people.flatMap(dataOf);
    expect(new Set(data).size).toBe(data.length);
    for (const datum of data) expect(datum.length).toBeGreaterThanOrEqual(10);
  });

  test('stand whole in the files', () => {
    const all = Object.values(texts).flat().join('');
    expect(people.flatMap(dataOf).filter((datum) => !all.includes(datum))).toEqual([]);
  });

  test('stand each at 18 lines, which the manifest names by number, and nowhere else', () => {
    const planted = manifest.filter(({ fault }) => fault === 'personal_data');
    const byNumber = Map.groupBy(planted, ({ group }) => group);
    expect([...byNumber.values()].filter((entries) => entries.length !== 18)).toEqual([]);
    for (const { file, line, group } of planted) expect(peopleIn(texts[file]![line - 1]!)).toEqual([group]);
    const others = Object.entries(texts).flatMap(([name, lines]) => {
      const lineNumbers = new Set(planted.filter(({ file }) => file === name).map(({ line }) => line));
      return lines.filter((_, position) => !lineNumbers.has(position + 1));
    });
    expect(peopleIn(others.join(''))).toEqual([]);
  });
});

describe('the manifest', () => {
  test('names no person: no canary, no customer, no address', () => {
    const text = manifest.map((planted) => JSON.stringify(planted)).join('\n');
    expect(peopleIn(text)).toEqual([]);
    expect(text).not.toMatch(/@|\+1 555|"C\d{6}/);
  });
});

describe('what the privacy rules leave of an event that is accepted', () => {
  const subject = { subjectId: '6f1f0f3c-3f0a-4c55-9d0c-1f3a5b7c9d11', dataKey: new Uint8Array(32) };
  const accepted = manifest.filter(
    ({ fault, file, expect: { place } }) => fault === 'personal_data' && file === 'events.jsonl' && place === 'clean',
  );

  /** The lines that events become, with one rule switched off where it is named. */
  const linesWithout = (rule?: string): string[] =>
    accepted.map(({ file, line }) => {
      const event = JSON.parse(texts[file]![line - 1]!) as AnyEvent;
      const contract = contractOf(`events/${event.type}/1`)!;
      const leaves = contract.leaves.map((leaf): Leaf => (leaf.privacy === rule ? { ...leaf, privacy: 'keep' } : leaf));
      const payload = event.payload as unknown as JsonObject;
      const subjects = Object.fromEntries(naturalIdsIn(contract, payload).map(({ namespace }) => [namespace, subject]));
      const envelope = event as unknown as JsonObject;
      return JSON.stringify(separate({ contract: { ...contract, leaves }, record: payload, envelope }, subjects).line);
    });
  const found = (lines: string[]) =>
    lines.filter((text, position) => peopleIn(text, [people[accepted[position]!.group!]!]).length > 0).length;

  test('is nothing of a canary', () => {
    expect(accepted).toHaveLength(10 * people.length);
    expect(found(linesWithout())).toBe(0);
  });

  test.each(['natural_id', 'truncate_ip', 'coarsen_device', 'scrub', 'seal'])(
    'would be all canaries without the rule %s: each is hidden where that rule holds',
    (rule) => {
      expect(found(linesWithout(rule))).toBeGreaterThanOrEqual(people.length);
    },
  );
});
