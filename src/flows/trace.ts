/** Where one record is: the places that it has reached, in the order of its way, found by its provenance. */
import { canonicalEventId } from '../domain/events/event-id.ts';
import type { JsonObject } from '../domain/json.ts';
import { snapshotKey } from '../domain/lake/layout.ts';
import type { Snapshot } from '../domain/lake/snapshot.ts';
import { dayOf, isQuarantineOver, quarantineEnd } from '../domain/privacy/quarantine-day.ts';
import type { RawLine } from '../domain/privacy/separate.ts';
import { originOf } from '../domain/quality/exclusions.ts';
import { RefusedInput } from '../domain/refused-input.ts';
import type { Environment } from '../ports.ts';
import { batchesBetween, isCounted } from './begun-batches.ts';
import { newestSnapshot } from './documents.ts';
import { linesOfObject, type QuarantineLine } from './door.ts';
import { readExclusions } from './exclusions.ts';
import { loadedSnapshot } from './load-warehouse.ts';
import { bodyOpener, quarantinedRecords, quarantineId, redrivenRecords, ruleText } from './quarantine.ts';
import { receiver } from './receive-again.ts';

export interface TraceStep {
  step: 'stream' | 'quarantine' | 'suppressed' | 'raw' | 'clean' | 'fact' | 'snapshot';
  /** Shard and sequence number, object and line, quarantine id, or table and key. */
  place: string;
  /** What became of it there. Holds no personal data. */
  detail: string;
}

/** What is looked for, and how it is known at each place. */
interface Wanted {
  dataset: 'events' | 'transactions';
  /** The text that every raw line of it holds. */
  id: string;
  /** The one value of the stream's partition key; files have none. */
  partitionKey?: string;
  isLine(line: RawLine): boolean;
  isRecord(record: JsonObject): boolean;
  /** The column of the business date, which is the clean partition. */
  timeColumn: string;
  factSql: string;
}

/**
 * Traces an event by its id, or a transaction line by `<transaction_id>/<line_no>`. Throws RefusedInput where the text is
 * neither, or where nothing of it is found.
 */
export const traceRecord =
  (env: Environment) =>
  async (text: string): Promise<TraceStep[]> => {
    const wanted = parseWanted(text);
    const newest = await newestSnapshot(env);
    const stream = await streamSteps(env, wanted);
    const quarantine = await quarantineSteps(env, wanted, stream.origins);
    const raw = await rawSteps(env, wanted, newest);
    const reached = new Set([...quarantine.origins, ...raw.origins]);
    const suppressed = await suppressedSteps(
      env,
      [...stream.origins].filter((origin) => !reached.has(origin)),
    );
    const fact = await factSteps(env, wanted);
    const steps = [...stream.steps, ...quarantine.steps, ...suppressed, ...raw.steps];
    if (steps.length === 0 && fact.length === 0) {
      throw new RefusedInput(
        `nothing is known of ${text}: it never came, it was refused under another id (c360 quarantine list shows what was), or its time in quarantine is over`,
      );
    }
    const clean = cleanSteps(wanted, newest, raw.consumedDates);
    const isPublished = clean.length > 0 || fact.length > 0;
    return [...steps, ...clean, ...fact, ...(isPublished ? await snapshotSteps(env, newest) : [])];
  };

function parseWanted(text: string): Wanted {
  const eventId = canonicalEventId(text);
  if (eventId) {
    return {
      dataset: 'events',
      id: eventId,
      partitionKey: eventId,
      isLine: (line) => line.event_id === eventId,
      isRecord: (record) => canonicalEventId(record.eventId) === eventId,
      timeColumn: 'occurred_at',
      factSql: `select 'fact_event', event_key, event_type, occurred_on from fact_event where event_id = '${eventId}'`,
    };
  }
  // The characters are those that the contract allows: none of them ends a text in SQL.
  const [, transaction, line] = /^([A-Za-z0-9_.:-]{1,64})\/([1-9]\d{0,5})$/.exec(text) ?? [];
  if (!transaction) {
    throw new RefusedInput(`an event id (a UUID) or <transaction_id>/<line_no> is needed, got ${text}`);
  }
  return {
    dataset: 'transactions',
    id: transaction,
    isLine: (row) => row.transaction_id === transaction && row.line_no === Number(line),
    isRecord: (row) => row.transaction_id === transaction && Number(row.line_no) === Number(line),
    timeColumn: 'ordered_at',
    factSql: `select 'fact_sales', sale_key, 'sale', ordered_on from fact_sales where transaction_id = '${transaction}' and line_no = ${line}`,
  };
}

interface Found {
  steps: TraceStep[];
  /** Where the records came from, as text. */
  origins: Set<string>;
}

const originText = (line: RawLine): string =>
  line.source_shard === undefined
    ? `${line.source_file} ${line.source_line}`
    : `${line.source_shard} ${line.source_sequence}`;

const recordsPerRead = 1000;

/** The records that the stream still holds; it keeps them some days. */
async function streamSteps(env: Environment, { partitionKey }: Wanted): Promise<Found> {
  const found: Found = { steps: [], origins: new Set() };
  if (partitionKey === undefined) return found;
  for (const shard of await env.stream.shards()) {
    for (let after: string | undefined; ; ) {
      const records = await env.stream.read(shard, after, recordsPerRead);
      for (const record of records.filter((candidate) => candidate.partitionKey === partitionKey)) {
        const place = `${shard} ${record.sequence}`;
        found.origins.add(place);
        found.steps.push({ step: 'stream', place, detail: `arrived ${record.arrivedAt.toISOString()}, still held` });
      }
      after = records.at(-1)?.sequence;
      if (after === undefined) break;
    }
  }
  return found;
}

/** Bodies are opened to be compared, and nothing of them is kept. */
async function quarantineSteps(env: Environment, wanted: Wanted, origins: Set<string>): Promise<Found> {
  const found: Found = { steps: [], origins: new Set() };
  const openBody = bodyOpener(env);
  const { contractFields } = receiver(env);
  const redriven = await redrivenRecords(env, wanted.dataset);
  for await (const record of quarantinedRecords(env, wanted.dataset)) {
    const { id, line } = record;
    const origin = originText(line.origin);
    if (found.origins.has(origin)) continue;
    if (!origins.has(origin)) {
      const body = await openBody(line);
      const read = body && (await contractFields(record, body));
      if (!read?.ok || !wanted.isRecord(read.value)) continue;
    }
    found.origins.add(origin);
    const at = redriven.get(id);
    const state = at === undefined ? quarantineState(line, env.clock.now()) : `redriven ${at}`;
    const rules = [line.kind, ...line.reasons.map(ruleText)].join(', ');
    found.steps.push({
      step: 'quarantine',
      place: id,
      detail: `${state}; arrived ${line.arrivedAt}, refused for ${rules}`,
    });
  }
  return found;
}

const quarantineState = ({ sealedOn }: QuarantineLine, now: Date): string =>
  isQuarantineOver(sealedOn, now) ? 'expired' : `waits until ${dayOf(quarantineEnd(sealedOn))}`;

async function rawSteps(
  env: Environment,
  wanted: Wanted,
  newest: Snapshot | undefined,
): Promise<Found & { consumedDates: Set<string> }> {
  const found = { steps: [] as TraceStep[], origins: new Set<string>(), consumedDates: new Set<string>() };
  const consumed = new Set(newest?.consumed);
  const olderThan = newest ? `raw/${wanted.dataset}/dt=${newest.consumedSince}` : '';
  const exclusions = await readExclusions(env, { dataset: wanted.dataset });
  for await (const { key } of env.objects.list(`raw/${wanted.dataset}/`)) {
    for (const [index, text] of (await linesOfObject(env, key)).entries()) {
      if (!text.includes(wanted.id)) continue;
      const line = JSON.parse(text) as RawLine;
      if (!wanted.isLine(line)) continue;
      const origin = originText(line);
      found.origins.add(origin);
      const refused = exclusions.get(quarantineId(wanted.dataset, originOf(wanted.dataset, line)));
      const isConsumed = !refused && (consumed.has(key) || key < olderThan);
      const waits = isConsumed ? 'consumed by a run' : 'waits for the next run';
      const state = refused ? `left out, refused by a gate for ${refused.checks.join(', ')}` : waits;
      const detail = `from ${origin}, arrived ${line.arrived_at}; ${state}`;
      found.steps.push({ step: 'raw', place: `${key} line ${index + 1}`, detail });
      if (isConsumed) found.consumedDates.add(String(line[wanted.timeColumn]).slice(0, 10));
    }
  }
  return found;
}

/** Records of the stream that are in no object: their batch has passed the door without them, or has yet to come there. */
async function suppressedSteps(env: Environment, origins: string[]): Promise<TraceStep[]> {
  return Promise.all(
    origins.map(async (origin): Promise<TraceStep> => {
      const [shard, sequence] = origin.split(' ') as [string, string];
      const isThrough = (await batchesBetween(env, shard, sequence, sequence)).some(isCounted);
      return isThrough
        ? { step: 'suppressed', place: origin, detail: 'dropped at the door: its person has been erased' }
        : { step: 'stream', place: origin, detail: 'waits to be archived' };
    }),
  );
}

/** The files of the partitions that hold it: of its records of one date, one is kept there. */
function cleanSteps({ dataset }: Wanted, newest: Snapshot | undefined, dates: Set<string>): TraceStep[] {
  const files = (newest?.tables[`clean.${dataset}`] ?? []).filter(({ partition }) => dates.has(partition ?? ''));
  return files.map(({ key, partition }) => ({ step: 'clean', place: key, detail: `partition ${partition}` }));
}

async function factSteps(env: Environment, { factSql }: Wanted): Promise<TraceStep[]> {
  const { rows } = await env.warehouse.query(factSql);
  return rows.map(([table, key, what, date]) => ({
    step: 'fact',
    place: `${table} ${key}`,
    detail: `${what} on ${date}`,
  }));
}

async function snapshotSteps(env: Environment, newest: Snapshot | undefined): Promise<TraceStep[]> {
  if (!newest) return [];
  const loaded = await loadedSnapshot(env);
  const detail = `published ${newest.createdAt}; the warehouse holds snapshot ${loaded}`;
  return [{ step: 'snapshot', place: snapshotKey(newest.number), detail }];
}
