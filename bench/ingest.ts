/**
 * The archive flow on 100,000 generated events over the local adapters, against the floor of any such flow: decoding,
 * parsing, writing and packing the same bytes. Rates are per second of one core; flow and floor take turns, so that a drift
 * of the machine meets both.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { archiveEventSource } from '../src/domain/stream/event-source-settings.ts';
import { archiveEvents } from '../src/flows/archive-events.ts';
import { generate } from '../src/generators/index.ts';
import { openPlatform } from '../src/local/platform.ts';
import type { StreamRecord } from '../src/ports.ts';
import { type Figure, type Measured, measured, median } from './report.ts';

const eventCount = 100_000;
const { batchSize } = archiveEventSource;
const rounds = 5;

export async function ingest(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const shards of [1, 4]) {
    const batches = encodedBatches(shards);
    const directory = mkdtempSync(join(tmpdir(), 'c360-bench-'));
    // Everybody is seen for the first time in the first round; later ones find them in the vault, with nothing remembered.
    const firstSight = await archiveAll(batches, directory);
    const floors: number[] = [];
    const flows: number[] = [];
    const walls: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      floors.push((await measured(() => batches.forEach(floorOf))).cpu);
      const flow = await archiveAll(batches, directory);
      flows.push(flow.cpu);
      walls.push(flow.wall);
    }
    rmSync(directory, { recursive: true });
    const of = `${shards} shard${shards > 1 ? 's' : ''}`;
    figures.push(
      { what: `archive, everybody new, ${of}`, value: eventCount / firstSight.cpu, unit: 'records/s' },
      { what: `archive, ${of}`, value: eventCount / median(flows), unit: 'records/s' },
      { what: `archive by the clock, ${of}`, value: eventCount / median(walls), unit: 'records/s' },
      { what: `floor, ${of}`, value: eventCount / median(floors), unit: 'records/s' },
      {
        what: `archive / floor, ${of}`,
        value: median(flows.map((flow, index) => floors[index]! / flow)),
        unit: 'ratio',
        budget: '>= 0.5',
      },
    );
  }
  figures.push({ what: 'peak memory', value: process.resourceUsage().maxRSS / 1024, unit: 'MiB' });
  return figures;
}

interface Encoded extends Omit<StreamRecord, 'data'> {
  base64: string;
}

/** The events as Lambda hands them over: batches of one shard's records, in base64. */
function encodedBatches(shards: number): Encoded[][] {
  const byShard: Encoded[][] = Array.from({ length: shards }, () => []);
  const arrivedAt = new Date('2026-11-01T12:00:00Z');
  let sequence = 0;
  for (const line of generate({ events: eventCount })[3]!.lines()) {
    const shard = sequence % shards;
    sequence += 1;
    byShard[shard]!.push({
      shard: `shardId-${String(shard).padStart(12, '0')}`,
      sequence: String(sequence).padStart(20, '0'),
      partitionKey: String(sequence),
      arrivedAt,
      base64: Buffer.from(line.trimEnd()).toString('base64'),
    });
  }
  return byShard.flatMap((records) =>
    Array.from({ length: Math.ceil(records.length / batchSize) }, (_, index) =>
      records.slice(index * batchSize, (index + 1) * batchSize),
    ),
  );
}

function floorOf(batch: Encoded[]): void {
  const lines = batch.map(({ base64 }) => JSON.stringify(JSON.parse(Buffer.from(base64, 'base64').toString('utf8'))));
  gzipSync(lines.join('\n'));
}

/** Archives all batches into an empty lake that has no accounts, with the vault that earlier calls have filled. */
async function archiveAll(batches: Encoded[][], directory: string): Promise<Measured> {
  const dataDir = join(directory, 'data');
  for (const name of ['lake', 'hot.sqlite']) rmSync(join(dataDir, name), { recursive: true, force: true });
  const platform = openPlatform({ dataDir, access: 'write' });
  const archive = archiveEvents(platform.env);
  try {
    return await measured(async () => {
      for (const batch of batches) {
        await archive(batch.map(({ base64, ...record }) => ({ ...record, data: Buffer.from(base64, 'base64') })));
      }
    });
  } finally {
    platform.close();
  }
}
