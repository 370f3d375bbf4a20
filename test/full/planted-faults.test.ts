/** Every planted fault ends where its manifest entry says: counted by dataset and kind, through both doors and a run. */
import type { QualityReport } from '../../src/domain/quality/report.ts';
import { readQualityReport } from '../../src/flows/quality-report.ts';
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

test('what the doors must refuse is in quarantine, by dataset and kind, and beside it only what the gate refused', async () => {
  const expected = manifest.flatMap(({ file, expect: { place, ...rest } }) =>
    place === 'quarantine' ? [`${datasetOf(file)} ${(rest as { kind: string }).kind}`] : [],
  );
  const refused: string[] = [];
  for (const { dataset } of files) {
    for (const { kind } of await platform.quarantine(dataset)) {
      if (kind !== 'refused_by_gate') refused.push(`${dataset} ${kind}`);
    }
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

/** What a check found, beside what it finds in the same data without faults. */
async function foundBeside(sound: QualityReport, kind: string): Promise<Record<string, number>> {
  const { checks } = (await readQualityReport(platform.env))!;
  const found = checks
    .filter((check) => check.kind === kind)
    .map((check) => {
      const without = sound.checks.find(({ table, name }) => table === check.table && name === check.name)!;
      return [`${check.table} ${check.name}`, check.failures - without.failures] as const;
    });
  return Object.fromEntries(found.filter(([, failures]) => failures !== 0));
}

const plantedAtGate = (check: string, file: string) =>
  manifest.filter(({ expect: { place, ...rest }, ...entry }) => {
    return place === 'gate' && (rest as { check: string }).check === check && entry.file === file;
  }).length;

describe('what passes the doors and cannot be true', () => {
  let sound: QualityReport;

  beforeAll(async () => {
    const other = doorPlatform(newDirectory(), '2026-11-01T10:00:00Z');
    await bringIn(other, { ...request, faults: [] });
    sound = (await readQualityReport(other.env))!;
    other.close();
  }, 120_000);

  test('is refused row by row by the gate, each where it was planted', async () => {
    for (const { dataset, name } of files) {
      const lines = (await platform.quarantine(dataset)).filter(({ kind }) => kind === 'refused_by_gate');
      expect([dataset, lines.length]).toEqual([dataset, plantedAtGate('range', name)]);
      expect(lines.every(({ reasons }) => reasons.length === 1)).toBe(true);
    }
    const { datasets } = await readStatus(platform.env)();
    for (const { dataset, name } of files) {
      const { refused } = datasets.find((row) => row.dataset === dataset)!;
      expect([dataset, refused]).toEqual([dataset, plantedAtGate('range', name)]);
    }
  });

  test('or seen by the check that its manifest entry names, as often as it was planted', async () => {
    expect(await foundBeside(sound, 'referential')).toEqual({
      'curated.fact_sales product_is_known': plantedAtGate('referential', 'transactions.csv'),
      'curated.fact_event order_is_known': plantedAtGate('referential', 'events.jsonl'),
    });
    const missing = manifest.filter(({ fault }) => fault === 'missing_day').map(({ id }) => id);
    expect(await foundBeside(sound, 'row_count')).toEqual({ 'clean.transactions no_day_stands_out': missing.length });
    const { checks } = (await readQualityReport(platform.env))!;
    const { note } = checks.find(({ table, kind }) => table === 'clean.transactions' && kind === 'row_count')!;
    expect(note).toBe(`days that stand out: ${missing.join(', ')}`);
  });
});
