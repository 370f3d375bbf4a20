/**
 * Seeded histories of ten days with late, duplicate, changed and corrected records, rollbacks and releases: after each day
 * the lake and the warehouse equal a rebuild from all raw records, row for row, and what no record touched is untouched.
 */
import type { JsonObject } from '../../src/domain/json.ts';
import { applyResult, consumes, emptied, type Snapshot } from '../../src/domain/lake/snapshot.ts';
import type { RawLine } from '../../src/domain/privacy/separate.ts';
import { listSnapshots, newestSnapshot } from '../../src/flows/documents.ts';
import { findNewInputs, planCleanLayer } from '../../src/flows/plan-run.ts';
import { waitingRecords } from '../../src/flows/quarantine.ts';
import { redrive } from '../../src/flows/redrive.ts';
import { planCuratedLayer, runModels } from '../../src/flows/run-models.ts';
import { readStatus } from '../../src/flows/status.ts';
import { rollBack, runPipeline } from '../../src/local/run-pipeline.ts';
import type { Environment } from '../../src/ports.ts';
import { bringInArrival } from '../support/bring-in.ts';
import { collect } from '../support/collect.ts';
import { type DoorPlatform, doorPlatform, linesBelow, withoutAnswers } from '../support/door-platform.ts';
import { type Happening, History, repaired } from '../support/history.ts';
import { differences } from '../support/lake-compare.ts';
import { temporaryDirectories } from '../support/local-stores.ts';

const newDirectory = temporaryDirectories();
const seeds = Array.from({ length: 20 }, (_, index) => index + 1);

/** The tables that the models make at once of all raw records but those held; nothing is published. */
async function rebuild(env: Environment, runId: string, newest: Snapshot): Promise<Snapshot['tables']> {
  const base = { ...emptied(newest), tables: pick(newest.tables, tablesWithoutInputs) };
  const inputs = await findNewInputs(env)(runId, base);
  const clean = await runModels(env)(await planCleanLayer(env)(inputs, base));
  const curated = await runModels(env)(await planCuratedLayer(env)(inputs, clean, base));
  return applyResult(applyResult(base.tables, clean), curated);
}

/** No record reaches these: they are as they were made first. */
const tablesWithoutInputs = ['curated.dim_date', 'curated.dim_channel'];

const pick = (tables: Snapshot['tables'], names: string[]): Snapshot['tables'] =>
  Object.fromEntries(Object.entries(tables).filter(([name]) => names.includes(name)));

async function happens(platform: DoorPlatform, env: Environment, happening: Happening): Promise<void> {
  platform.clock.advance(happening.afterMinutes);
  switch (happening.kind) {
    case 'file':
    case 'events':
      await bringInArrival(platform, happening);
      return;
    case 'redrive':
      await redriveAll(platform, env);
      return;
    case 'run':
      await runAndCompareFiles(env, happening.release);
      return;
    case 'rollback':
      await goBack(env, happening.by);
  }
}

/** Runs, and compares the files of the dates that no new record names, and no line that it corrects has ever named. */
async function runAndCompareFiles(env: Environment, release: boolean): Promise<void> {
  const before = await newestSnapshot(env);
  const { snapshot } = await runPipeline(env, {}, { release });
  const after = await newestSnapshot(env);
  if (!before || snapshot === before.number) return;
  const touched = await touchedDates(env, before, after!);
  for (const [table, dates] of Object.entries(touched)) {
    const untouched = ({ tables }: Snapshot) =>
      (tables[table] ?? []).filter(({ partition }) => !dates.has(partition!)).map(({ key }) => key);
    expect([table, untouched(after!)]).toEqual([table, untouched(before)]);
  }
}

/** By table, the business dates of the records that the later snapshot consumed and the earlier one had not. */
async function touchedDates(env: Environment, before: Snapshot, after: Snapshot): Promise<Record<string, Set<string>>> {
  const isNew = (key: string) => consumes(after)(key) && !consumes(before)(key);
  const events = await rawLines(env, 'events');
  const lines = await rawLines(env, 'transactions');
  const lineId = ({ line }: RawRecord) => `${line.transaction_id} ${line.line_no}`;
  const newLines = new Set(lines.filter(({ key }) => isNew(key)).map(lineId));
  const days = (records: RawRecord[], column: string) =>
    new Set(records.map(({ line }) => String(line[column]).slice(0, 10)));
  const eventDays = days(
    events.filter(({ key }) => isNew(key)),
    'occurred_at',
  );
  const saleDays = days(
    lines.filter((record) => newLines.has(lineId(record))),
    'ordered_at',
  );
  return {
    'clean.events': eventDays,
    'curated.fact_event': eventDays,
    'curated.fact_session': eventDays,
    'curated.daily_metrics_batch': eventDays,
    'clean.transactions': saleDays,
    'curated.fact_sales': saleDays,
  };
}

interface RawRecord {
  key: string;
  line: RawLine;
}

async function rawLines(env: Environment, dataset: 'events' | 'transactions'): Promise<RawRecord[]> {
  const records: RawRecord[] = [];
  for (const { key } of await collect(env.objects.list(`raw/${dataset}/`))) {
    for (const line of await linesBelow<RawLine>(env.objects, key)) records.push({ key, line });
  }
  return records;
}

async function redriveAll(platform: DoorPlatform, env: Environment): Promise<void> {
  const bodies = new Map<string, JsonObject>();
  for (const { id, dataset, line } of await collect(waitingRecords(env))) {
    bodies.set(id, repaired(dataset, JSON.parse(String(await platform.openBody(line)))));
  }
  await redrive(env)({ repaired: bodies });
}

async function goBack(env: Environment, by: number): Promise<void> {
  const numbers = (await listSnapshots(env)).map(({ number }) => number);
  const to = numbers.at(-1 - by);
  if (to !== undefined) await rollBack(env, to);
}

test.each(seeds)('history of seed %i', async (seed) => {
  const history = new History(seed);
  const platform = doorPlatform(newDirectory(), history.startsAt.toISOString());
  // Equal tables give equal answers.
  const env = withoutAnswers(platform.env);
  try {
    let day = 0;
    for (const happenings of history.days()) {
      day += 1;
      for (const happening of happenings) {
        await happens(platform, env, happening);
      }
      const newest = await newestSnapshot(env);
      const expected = newest ? await rebuild(env, `rebuild-${day}`, newest) : {};
      const found = await differences(platform, newest?.tables ?? {}, expected);
      const { isBalanced, datasets } = await readStatus(env)();
      expect({ seed, day, found, isBalanced: isBalanced || datasets }).toEqual({
        seed,
        day,
        found: [],
        isBalanced: true,
      });
    }
  } finally {
    platform.close();
  }
});
