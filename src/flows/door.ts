/** What both doors do with a batch of records: resolve subjects, separate personal data, seal what was refused. */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Contract, Dataset } from '../contracts/index.ts';
import type { JsonObject } from '../domain/json.ts';
import { quarantineKey, rawKey } from '../domain/lake/layout.ts';
import type { Outcome, Rejection } from '../domain/outcome.ts';
import { seal } from '../domain/privacy/seal.ts';
import { type KnownSubject, naturalIdsIn, type RawLine, separate } from '../domain/privacy/separate.ts';
import type { Environment, NaturalId, PersonalData, Resolution, Subject } from '../ports.ts';

/** A record that keeps its contract; it still holds personal data. */
export interface ValidRecord {
  contract: Contract;
  /** The payload or row that the contract describes. */
  record: JsonObject;
  /** Columns known besides the contract's: an event's envelope. */
  head: RawLine;
  /** Unknown fields beside the record. */
  unknownFieldCount: number;
}

/** A record at a door with its origin: (shard, sequence) or (file, line). */
export interface DoorRecord {
  origin: RawLine;
  arrivedAt: Date;
  /** The record as it came, for quarantine. */
  body: Uint8Array;
  outcome: Outcome<ValidRecord>;
}

/** One rejected record as quarantine keeps it: why and from where in the clear, the body sealed. */
export interface QuarantineLine extends Rejection {
  origin: RawLine;
  arrivedAt: string;
  bodySealed: string;
}

/** What became of a batch. Every record is counted in exactly one of `raw`, `quarantined`, `suppressed`. */
export interface DoorCounts {
  received: number;
  raw: number;
  quarantined: number;
  suppressed: number;
  unknownFields: number;
}

export const noCounts: DoorCounts = { received: 0, raw: 0, quarantined: 0, suppressed: 0, unknownFields: 0 };

export function addCounts(a: DoorCounts, b: DoorCounts): DoorCounts {
  return {
    received: a.received + b.received,
    raw: a.raw + b.raw,
    quarantined: a.quarantined + b.quarantined,
    suppressed: a.suppressed + b.suppressed,
    unknownFields: a.unknownFields + b.unknownFields,
  };
}

/** The records of a batch freed of personal data, which the vault has taken. */
export interface SeparatedBatch {
  lines: RawLine[];
  quarantine: QuarantineLine[];
  suppressed: number;
}

/**
 * Separates a batch. Where somebody was erased while it was done, it is done again, so that what is written afterwards
 * knows of it.
 */
export async function separateBatch(env: Environment, records: DoorRecord[]): Promise<SeparatedBatch> {
  const quarantine = await sealRejected(env, records);
  for (let epoch = await env.vault.epoch(); ; ) {
    const { personal, ...batch } = await separateValid(env, records);
    if (personal.length > 0) await env.vault.keepPersonalData(personal);
    const epochNow = await env.vault.epoch();
    if (epochNow === epoch) return { ...batch, quarantine };
    epoch = epochNow;
  }
}

async function separateValid(
  env: Environment,
  records: DoorRecord[],
): Promise<{ lines: RawLine[]; suppressed: number; personal: PersonalData[] }> {
  const valid = records.filter((record) => record.outcome.ok);
  const resolve = await resolveSubjects(env, valid);
  const batch = { lines: [] as RawLine[], suppressed: 0, personal: [] as PersonalData[] };
  for (const record of valid) {
    const value = (record.outcome as { value: ValidRecord }).value;
    const resolutions = resolve(value);
    if (resolutions.some((resolution) => resolution.state === 'suppressed')) {
      batch.suppressed += 1;
      continue;
    }
    const separated = separateRecord(record, value, resolutions);
    batch.lines.push(separated.line);
    if (separated.personal) batch.personal.push(separated.personal);
  }
  return batch;
}

/** Resolves all natural ids of a batch in one call; returns the resolutions of one record. */
async function resolveSubjects(env: Environment, records: DoorRecord[]): Promise<(value: ValidRecord) => Resolution[]> {
  const wanted = new Map<string, NaturalId>();
  const keyOf = (id: NaturalId) => `${id.namespace} ${id.id}`;
  for (const { outcome } of records) {
    if (outcome.ok)
      for (const id of naturalIdsIn(outcome.value.contract, outcome.value.record)) wanted.set(keyOf(id), id);
  }
  const ids = [...wanted.values()];
  const resolutions = ids.length > 0 ? await env.vault.resolve(ids) : [];
  const resolved = new Map(ids.map((id, index) => [keyOf(id), resolutions[index]!]));
  return ({ contract, record }) => naturalIdsIn(contract, record).map((id) => resolved.get(keyOf(id))!);
}

function separateRecord(
  { origin, arrivedAt }: DoorRecord,
  { contract, record, head, unknownFieldCount }: ValidRecord,
  resolutions: Resolution[],
): { line: RawLine; personal?: PersonalData } {
  const ids = naturalIdsIn(contract, record);
  const subjects: Partial<Record<'user' | 'anonymous', KnownSubject>> = {};
  resolutions.forEach((resolution, index) => {
    if (resolution.state === 'known') subjects[ids[index]!.namespace] = resolution.subject;
  });
  const separated = separate(contract, record, subjects);
  const { line, personal } = separated;
  const arrived = arrivedAt.toISOString();
  const subject = subjects.user as Subject | undefined;
  return {
    line: {
      ...head,
      ...line,
      ...origin,
      arrived_at: arrived,
      unknown_field_count: separated.unknownFieldCount + unknownFieldCount,
    },
    ...(subject &&
      Object.keys(personal).length > 0 && {
        personal: { subject, fields: personal, asOf: new Date((line.updated_at as string | undefined) ?? arrived) },
      }),
  };
}

async function sealRejected(env: Environment, records: DoorRecord[]): Promise<QuarantineLine[]> {
  const keys = new Map<string, Uint8Array>();
  const lines: QuarantineLine[] = [];
  for (const { outcome, origin, arrivedAt, body } of records) {
    if (outcome.ok) continue;
    const day = arrivedAt.toISOString().slice(0, 10);
    const key = keys.get(day) ?? (await env.vault.quarantineKey(day));
    keys.set(day, key);
    const bodySealed = seal(key, body, JSON.stringify(origin));
    lines.push({ ...outcome.rejection, origin, arrivedAt: arrivedAt.toISOString(), bodySealed });
  }
  return lines;
}

/**
 * Writes a batch's raw and quarantine objects and counts it. `batch` names the records in it, so that a batch that is
 * tried again finds its objects written. Quarantine goes first: what stands in raw has no refused neighbour to lose.
 */
export async function writeBatch(
  env: Environment,
  dataset: Dataset,
  { batch, received, arrivedAt }: { batch: string; received: number; arrivedAt: Date },
  separated: SeparatedBatch,
): Promise<DoorCounts> {
  const { lines, quarantine } = separated;
  const quarantined = await putLinesOnce(env, quarantineKey(dataset, arrivedAt, batch), quarantine);
  const raw = await putLinesOnce(env, rawKey(dataset, arrivedAt, batch), lines);
  const counts: DoorCounts = {
    received,
    raw,
    quarantined,
    // What an earlier try wrote stands; what it did not write was suppressed.
    suppressed: raw === lines.length ? separated.suppressed : received - raw - quarantined,
    unknownFields: lines.reduce((sum, line) => sum + Number(line.unknown_field_count), 0),
  };
  await env.hot.write([{ table: 'batches', put: { partition: dataset, sort: batch, values: { ...counts } } }]);
  return counts;
}

/**
 * Writes the lines under a key that names their records, and returns how many lines stand there: those of an earlier try
 * where there was one, since somebody may have been erased in between.
 */
async function putLinesOnce(env: Environment, key: string, lines: object[]): Promise<number> {
  if (lines.length > 0 && (await env.objects.putIfAbsent(key, gzipLines(lines)))) return lines.length;
  const earlier = await env.objects.get(key);
  return earlier ? gunzipSync(earlier).reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0) : 0;
}

function gzipLines(lines: object[]): Uint8Array {
  return gzipSync(
    lines
      .map((line) => JSON.stringify(line))
      .join('\n')
      .concat('\n'),
    { level: 5 },
  );
}
