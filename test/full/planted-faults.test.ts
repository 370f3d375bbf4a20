/** Every planted fault ends where its manifest entry says: counted by dataset and kind, through both doors and a run. */
import { readStatus } from '../../src/flows/status.ts';
import { faultNames, type GeneratorRequest, generate, plantedFaults } from '../../src/generators/index.ts';
import type { Produced } from '../../src/local/produce.ts';
import { bringIn } from '../support/bring-in.ts';
import { type DoorPlatform, doorPlatform } from '../support/door-platform.ts';
import { temporaryDirectories } from '../support/local-stores.ts';

const request: GeneratorRequest = { size: 'tiny', faults: [...faultNames] };
const manifest = [...plantedFaults(request)];
const files = generate(request);
const newDirectory = temporaryDirectories();
let platform: DoorPlatform;
let produced: Produced;

beforeAll(async () => {
  platform = doorPlatform(newDirectory(), '2026-11-01T10:00:00Z');
  produced = await bringIn(platform, request);
}, 120_000);

afterAll(() => platform.close());

/** How often each text comes, in the order of the texts. */
const tally = (texts: string[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(texts, (text) => text)].map(([text, all]) => [text, all.length] as const).sort());

const datasetOf = (file: string): string => files.find(({ name }) => name === file)!.dataset;

test('there is a fault of each kind', () => {
  expect(new Set(manifest.map(({ fault }) => fault))).toEqual(new Set(faultNames));
});

test('what the doors must refuse is in quarantine, by dataset and kind, and nothing else is', async () => {
  const expected = manifest.flatMap(({ file, expect: { place, ...rest } }) =>
    place === 'quarantine' ? [`${datasetOf(file)} ${(rest as { kind: string }).kind}`] : [],
  );
  const refused: string[] = [];
  for (const { dataset } of files) {
    for (const { kind } of await platform.quarantine(dataset)) refused.push(`${dataset} ${kind}`);
  }
  expect(tally(refused)).toEqual(tally(expected));
});

test('what the stream does not take was told with its line', () => {
  const expected = manifest.filter(({ expect: { place } }) => place === 'refused_by_stream').map(({ line }) => line);
  expect(produced.oversized).toEqual(expected.sort((a, b) => a - b));
});

test('duplicates and superseded records are counted as the manifest has them, and all counts add up', async () => {
  const status = await readStatus(platform.env)();
  expect(status.isBalanced).toBe(true);
  for (const { dataset, duplicates, superseded } of status.datasets) {
    const planted = (place: string) =>
      manifest.filter((entry) => datasetOf(entry.file) === dataset && entry.expect.place === place).length;
    expect([dataset, duplicates, superseded]).toEqual([dataset, planted('duplicate'), planted('superseded')]);
  }
});
