/** What both doors do with a batch of records: resolve subjects, separate personal data, seal what was refused. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { type Dataset, type Namespace, namespaces } from '../contracts/index.ts';
import { quarantineKey, rawKey } from '../domain/lake/layout.ts';
import type { Outcome, Rejection } from '../domain/outcome.ts';
import { seal } from '../domain/privacy/seal.ts';
import { naturalIdsIn, type RawLine, separate, type ValidRecord } from '../domain/privacy/separate.ts';
import type { Environment, HotCondition, PersonalData, Resolution, Subject } from '../ports.ts';

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
  /** The day of the quarantine key (`YYYY-MM-DD`): that of the refusal, which may be long after the arrival. */
  sealedOn: string;
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
  const subjectsOf = await resolveSubjects(env, records);
  const isoText = isoTexts();
  const batch = { lines: [] as RawLine[], suppressed: 0, personal: [] as PersonalData[] };
  for (const [index, { outcome, origin, arrivedAt }] of records.entries()) {
    if (!outcome.ok) continue;
    const subjects = subjectsOf(index);
    if (!subjects) {
      batch.suppressed += 1;
      continue;
    }
    const { line, personal, unknownFieldCount } = separate(outcome.value, subjects);
    for (const column in origin) line[column] = origin[column];
    line.arrived_at = isoText(arrivedAt);
    line.unknown_field_count = unknownFieldCount;
    batch.lines.push(line);
    if (!subjects.user || Object.keys(personal).length === 0) continue;
    const asOf = new Date(String(line.updated_at ?? line.arrived_at));
    batch.personal.push({ subject: subjects.user, fields: personal, asOf });
  }
  return batch;
}

/** Neighbours in a batch arrive together, and writing a time out costs as much as a column or two. */
function isoTexts(): (time: Date) => string {
  let [last, text] = [Number.NaN, ''];
  return (time) => {
    if (time.getTime() !== last) [last, text] = [time.getTime(), time.toISOString()];
    return text;
  };
}

type Subjects = Partial<Record<Namespace, Subject>>;

/** Resolves the natural ids of a batch in one call: by a record's place its subjects; undefined where one is suppressed. */
async function resolveSubjects(
  env: Environment,
  records: DoorRecord[],
): Promise<(index: number) => Subjects | undefined> {
  const idsOf = records.map(({ outcome }) =>
    outcome.ok ? naturalIdsIn(outcome.value.contract, outcome.value.record) : [],
  );
  const resolutions: Record<Namespace, Map<string, Resolution | undefined>> = { user: new Map(), anonymous: new Map() };
  for (const ids of idsOf) for (const { namespace, id } of ids) resolutions[namespace].set(id, undefined);
  const wanted = namespaces.flatMap((namespace) => [...resolutions[namespace].keys()].map((id) => ({ namespace, id })));
  const resolved = wanted.length > 0 ? await env.vault.resolve(wanted) : [];
  for (const [index, { namespace, id }] of wanted.entries()) resolutions[namespace].set(id, resolved[index]);
  return (index) => {
    const subjects: Subjects = {};
    for (const { namespace, id } of idsOf[index]!) {
      const resolution = resolutions[namespace].get(id)!;
      if (resolution.state === 'suppressed') return undefined;
      subjects[namespace] = resolution.subject;
    }
    return subjects;
  };
}

async function sealRejected(env: Environment, records: DoorRecord[]): Promise<QuarantineLine[]> {
  if (records.every(({ outcome }) => outcome.ok)) return [];
  const { day: sealedOn, key } = await env.vault.quarantineSealingKey();
  return records.flatMap(({ outcome, origin, arrivedAt, body }): QuarantineLine[] => {
    if (outcome.ok) return [];
    const bodySealed = seal(key, body, JSON.stringify(origin));
    return [{ ...outcome.rejection, origin, arrivedAt: arrivedAt.toISOString(), sealedOn, bodySealed }];
  });
}

/** What is kept of a batch's counts. All its refused records were sealed on one day. */
export interface BatchCounts extends DoorCounts {
  /** The day of their quarantine key; absent where none was refused. */
  quarantinedOn?: string;
}

export interface BatchToWrite {
  batch: string;
  received: number;
  arrivedAt: Date;
  /** Of what stands in its account's place; else the batch is written and not counted: ConditionFailed. */
  countedIf?: HotCondition;
}

/**
 * Writes a batch's raw and quarantine objects and counts it. One that is tried again under its name finds its objects
 * written. Quarantine goes first: what stands in raw has no refused neighbour to lose.
 */
export async function writeBatch(
  env: Environment,
  dataset: Dataset,
  { batch, received, arrivedAt, countedIf }: BatchToWrite,
  separated: SeparatedBatch,
): Promise<DoorCounts> {
  const { lines, quarantine } = separated;
  const refused = await putLinesOnce(env, quarantineKey(dataset, arrivedAt, batch), quarantine);
  const raw = (await putLinesOnce(env, rawKey(dataset, arrivedAt, batch), lines)).length;
  const quarantined = refused.length;
  const counts: DoorCounts = {
    received,
    raw,
    quarantined,
    // What an earlier try wrote stands; what it did not write was suppressed.
    suppressed: raw === lines.length ? separated.suppressed : received - raw - quarantined,
    unknownFields: lines.reduce((sum, line) => sum + Number(line.unknown_field_count), 0),
  };
  const quarantinedOn = refused[0]?.sealedOn;
  const values = { ...counts, ...(quarantinedOn && { quarantinedOn }) };
  await env.hot.write([{ table: 'batches', put: { partition: dataset, sort: batch, values }, if: countedIf }]);
  return counts;
}

/**
 * Writes the lines under a key that names their records, and returns the lines that stand there: those of an earlier try
 * where there was one, since somebody may have been erased in between, or a day have ended.
 */
export async function putLinesOnce<Line extends object>(env: Environment, key: string, lines: Line[]): Promise<Line[]> {
  if (lines.length > 0 && (await env.objects.putIfAbsent(key, gzipLines(lines)))) return lines;
  const earlier = await env.objects.get(key);
  return earlier
    ? gunzipSync(earlier)
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line)
    : [];
}

/** Level 3 packs generated events 9 % worse than 5, in 60 % of its time. */
function gzipLines(lines: object[]): Uint8Array {
  let text = '';
  for (const line of lines) text += `${JSON.stringify(line)}\n`;
  return gzipSync(text, { level: 3 });
}

/** The lines of a gzip object of JSON Lines, as text; none where it does not exist. */
export async function linesOfObject(env: Environment, key: string): Promise<string[]> {
  const bytes = await env.objects.get(key);
  return bytes ? gunzipSync(bytes).toString('utf8').trimEnd().split('\n') : [];
}
