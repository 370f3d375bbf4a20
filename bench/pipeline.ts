/**
 * Raw to warehouse on 1 M and 5 M events over 24 months, against the floor of any such way: DuckDB reads the same raw
 * objects, keeps one record an event id and day, and writes the same partitions as Parquet. Each runs in a process of its
 * own, in turns.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { archive, generatedEvents, removeMade, SetClock } from './raw-lake.ts';
import { type Figure, inOwnProcess, median } from './report.ts';

const until = '2026-10-31';
const now = '2026-11-01T00:00:00Z';
const sizes = [
  { events: 1_000_000, rounds: 3 },
  { events: 5_000_000, rounds: 1 },
];

export async function pipeline(): Promise<Figure[]> {
  const measurements: { events: number; seconds: number; figures: Figure[] }[] = [];
  for (const { events, rounds } of sizes) measurements.push(await measure(events, rounds));
  const [small, large] = [measurements[0]!, measurements.at(-1)!];
  const exponent = Math.log(large.seconds / small.seconds) / Math.log(large.events / small.events);
  const growth: Figure = { what: 'time grows with the events to the power of', value: exponent, unit: 'exponent' };
  return [...measurements.flatMap(({ figures }) => figures), growth];
}

async function measure(events: number, rounds: number) {
  const directory = mkdtempSync(join(tmpdir(), 'c360-bench-'));
  const dataDir = join(directory, 'data');
  try {
    await archive(dataDir, new SetClock(now), generatedEvents(events, 24, until));
    const floors: number[] = [];
    const runs: { seconds: number; memoryMiB: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      floors.push(inOwnProcess('steps.ts', 'floor', dataDir).seconds);
      removeMade(dataDir);
      runs.push(inOwnProcess('steps.ts', 'load', dataDir, now));
    }
    const seconds = median(runs.map((run) => run.seconds));
    const ratio = median(runs.map((run, round) => run.seconds / floors[round]!));
    const memory = Math.max(...runs.map((run) => run.memoryMiB));
    const of = `${events / 1e6} M events`;
    const figures: Figure[] = [
      { what: `raw to warehouse, ${of}`, value: seconds, unit: 's' },
      { what: `floor, ${of}`, value: median(floors), unit: 's' },
      { what: `raw to warehouse / floor, ${of}`, value: ratio, unit: 'ratio', budget: '<= 3' },
      { what: `peak memory, ${of}`, value: memory, unit: 'MiB', budget: '<= 2048' },
    ];
    return { events, seconds, figures };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
