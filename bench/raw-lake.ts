/** Raw layers for benchmarks: generated events, through the event door. */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { archiveEvents } from '../src/flows/archive-events.ts';
import { generate } from '../src/generators/index.ts';
import { type EngineName, openPlatform, type Platform } from '../src/local/platform.ts';
import type { Clock, StreamRecord } from '../src/ports.ts';

const batchSize = 1000;

/** A clock that a benchmark sets. */
export class SetClock implements Clock {
  #now: Date;

  constructor(now: string) {
    this.#now = new Date(now);
  }

  now(): Date {
    return this.#now;
  }
}

export interface GeneratedEvent {
  /** The day on which it happened, `YYYY-MM-DD`. */
  day: string;
  data: Buffer;
}

/** Events by time, spread over the months up to `until`. */
export function* generatedEvents(events: number, months: number, until: string): Iterable<GeneratedEvent> {
  for (const line of generate({ events, months, until }).at(-1)!.lines()) {
    yield { day: /"timestamp":"([^T]+)/.exec(line)![1]!, data: Buffer.from(line.trimEnd()) };
  }
}

/** The data directories of one benchmark share their keys, so that one may be copied. */
export function openBenchPlatform(dataDir: string, clock: Clock, engine?: EngineName): Platform {
  return openPlatform({ dataDir, keyDir: join(dirname(dataDir), 'keys'), access: 'write', clock, engine });
}

/** Removes what runs have made of the raw layer of a data directory. */
export function removeMade(dataDir: string): void {
  for (const made of ['lake/clean', 'lake/curated', 'lake/plans', 'lake/snapshots', 'lake/reports', 'warehouse']) {
    rmSync(join(dataDir, made), { recursive: true, force: true });
  }
}

/** Archives the events into the raw layer of a data directory, as if each had arrived on the day on which it happened. */
export async function archive(dataDir: string, clock: Clock, events: Iterable<GeneratedEvent>): Promise<void> {
  const platform = openBenchPlatform(dataDir, clock);
  const archiveBatch = archiveEvents(platform.env);
  let batch: StreamRecord[] = [];
  let sequence = 0;
  let today = '';
  const flush = async () => {
    if (batch.length > 0) await archiveBatch(batch);
    batch = [];
  };
  try {
    for (const { day, data } of events) {
      if (day !== today || batch.length === batchSize) await flush();
      today = day;
      sequence += 1;
      const position = String(sequence).padStart(20, '0');
      const shard = `shardId-${day.replaceAll('-', '').padStart(12, '0')}`;
      batch.push({ shard, sequence: position, partitionKey: position, arrivedAt: new Date(`${day}T23:00:00Z`), data });
    }
    await flush();
  } finally {
    platform.close();
  }
}
