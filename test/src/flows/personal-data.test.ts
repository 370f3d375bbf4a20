import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Dataset } from '../../../src/contracts/index.ts';
import { ingestBatch } from '../../../src/flows/ingest-batch.ts';
import { archiveStream } from '../../../src/local/archive-stream.ts';
import { produce } from '../../../src/local/produce.ts';
import { type DoorPlatform, doorPlatform } from '../../support/door-platform.ts';
import { filesBelow, temporaryDirectories } from '../../support/local-stores.ts';
import { canary, contracts, eventContracts, sampleEvent, sampleRecord, traces } from '../../support/sample-records.ts';

const newDirectory = temporaryDirectories();

let platform: DoorPlatform;
beforeEach(() => {
  platform = doorPlatform(newDirectory());
});
afterEach(() => platform.close());

/** Each record whole, with something unknown beside it, and once more for each of its fields with a value that breaks it. */
function records(id: string): object[] {
  const contract = contracts.find((candidate) => candidate.id === id)!;
  const whole = sampleRecord(contract);
  const broken = contract.leaves.map(({ property }) => ({ ...whole, [property]: [canary, { [canary]: traces }] }));
  return [whole, { ...whole, [canary]: canary, other: traces }, ...broken];
}

/** The files outside the vault in which a trace is found, unpacked where they are packed. */
function filesWithTraces(): string[] {
  const { dataDir, vault } = platform.paths;
  return filesBelow(dataDir).filter((path) => {
    if (path.startsWith(join(vault, '/'))) return false;
    const bytes = readFileSync(path);
    const text = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString('latin1');
    return traces.some((trace) => text.includes(trace) || path.includes(trace));
  });
}

test('personal data in any field of any event, kept or refused, are nowhere outside the vault', async () => {
  const events = eventContracts.flatMap(({ id }) => [
    ...records(id).map((payload) => sampleEvent(id, payload)),
    { ...sampleEvent(id), [canary]: canary },
    { ...sampleEvent(id), type: canary },
  ]);
  const texts = events.map((event) => JSON.stringify(event));
  const lines = [...texts, ...texts.map((text) => text.slice(0, -5)), canary, `"${canary}"`].map((text) =>
    Buffer.from(text),
  );
  await produce(platform.env, 'test', lines);
  const counts = await archiveStream(platform.env);
  expect(counts).toMatchObject({ received: lines.length, raw: eventContracts.length * 3, suppressed: 0 });
  expect(filesWithTraces()).toEqual([]);
});

test.each(['customers', 'products', 'transactions'] as Dataset[])(
  'personal data in any field of a row of %s, kept or refused, are nowhere outside the vault',
  async (dataset) => {
    const texts = records(`${dataset}/1`).map((row) => JSON.stringify(row));
    const lines = [...texts, ...texts.map((text) => text.slice(0, -5)), canary].join('\n');
    const counts = await ingestBatch(platform.env)(await platform.land(dataset, lines));
    expect(counts).toMatchObject({ received: texts.length * 2 + 1, raw: 2, suppressed: 0 });
    expect(filesWithTraces()).toEqual([]);
  },
);

test('the search does find what a door would let through', async () => {
  await platform.env.objects.put('raw/events/x', Buffer.from(`{"city":"${canary}"}`));
  expect(filesWithTraces()).toHaveLength(1);
});
