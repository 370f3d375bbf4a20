/** What waits in quarantine: refused records, found by what is in the clear, opened only where they must be. */
import { createHash } from 'node:crypto';
import { type Dataset, datasets } from '../contracts/index.ts';
import type { Reason } from '../domain/outcome.ts';
import { isQuarantineOver } from '../domain/privacy/quarantine-day.ts';
import { open, SealError } from '../domain/privacy/seal.ts';
import type { Environment, HotItem } from '../ports.ts';
import { type BatchCounts, linesOfObject, type QuarantineLine } from './door.ts';
import { readExclusions } from './exclusions.ts';

export interface QuarantinedRecord {
  /** A hash of dataset and origin: the same in each copy of the record that a repeated batch has written. */
  id: string;
  dataset: Dataset;
  line: QuarantineLine;
}

export interface QuarantineFilter {
  ids?: ReadonlySet<string>;
  dataset?: Dataset;
  /** A kind (`schema_violation`), or what a reason's path and rule hold (`/email`, `format email`). */
  rule?: string;
  /** `YYYY-MM-DD`: records that arrived on this day or later. */
  since?: string;
}

export const quarantineId = (dataset: Dataset, origin: QuarantineLine['origin']): string =>
  createHash('sha256')
    .update(JSON.stringify([dataset, ...Object.values(origin)]))
    .digest('hex')
    .slice(0, 16);

/**
 * The records that wait, each once, by dataset and day of arrival; not those that a redrive has brought back or whose time is
 * over, and what a gate refused only once the clean layer leaves it out.
 */
export async function* waitingRecords(
  env: Environment,
  filter: QuarantineFilter = {},
): AsyncIterable<QuarantinedRecord> {
  for (const dataset of filter.dataset ? [filter.dataset] : datasets) {
    const left = await redrivenRecords(env, dataset);
    const seen = new Set<string>(left.keys());
    let excluded: Map<string, unknown> | undefined;
    for await (const record of quarantinedRecords(env, dataset)) {
      if (isRefusedByGate(record)) {
        excluded ??= await readExclusions(env, { dataset });
        if (!excluded.has(record.id)) continue;
      }
      if (seen.has(record.id) || isQuarantineOver(record.line.sealedOn, env.clock.now())) continue;
      seen.add(record.id);
      if (matches(record, filter)) yield record;
    }
  }
}

/** True for a raw record that broke a check of the clean layer; all others were refused at a door. */
export const isRefusedByGate = ({ line }: QuarantinedRecord): boolean => line.kind === 'refused_by_gate';

/** Every line of a dataset's quarantine. */
export async function* quarantinedRecords(env: Environment, dataset: Dataset): AsyncIterable<QuarantinedRecord> {
  for await (const { key } of env.objects.list(`quarantine/${dataset}/`)) {
    for (const text of await linesOfObject(env, key)) {
      const line = JSON.parse(text) as QuarantineLine;
      yield { id: quarantineId(dataset, line.origin), dataset, line };
    }
  }
}

function matches({ id, line }: QuarantinedRecord, { ids, rule, since = '' }: QuarantineFilter): boolean {
  if ((ids && !ids.has(id)) || line.arrivedAt < since) return false;
  return rule === undefined || line.kind === rule || line.reasons.some((reason) => ruleText(reason).includes(rule));
}

/** A rule without what differs from record to record, so that equal faults can be counted. */
export const sharedRule = (rule: string): string => rule.replace(/, broken at character \d+$/, '');

export const ruleText = ({ path, rule }: Reason): string => `${path || '/'} ${sharedRule(rule)}`;

/** Opens sealed bodies; undefined where the key of the day is gone, or another. */
export function bodyOpener(env: Environment): (line: QuarantineLine) => Promise<Uint8Array | undefined> {
  const keys = new Map<string, Uint8Array | undefined>();
  return async ({ sealedOn, bodySealed, origin }) => {
    if (!keys.has(sealedOn)) keys.set(sealedOn, await env.vault.quarantineOpeningKey(sealedOn));
    const key = keys.get(sealedOn);
    try {
      return key && open(key, bodySealed, JSON.stringify(origin));
    } catch (error) {
      if (error instanceof SealError) return undefined;
      throw error;
    }
  };
}

// ---- Records that a redrive has brought back --------------------------------------------------------------------------

/**
 * Objects in quarantine are never rewritten: that records have left it is said by items of the doors' counts, one for
 * each day of sealing in a redriven batch, with the ids and how many fewer are quarantined. The counts and the marks can
 * so never differ, and what is left of each day is known when its time is over.
 */
const leftPrefix = 'left-quarantine-';

/** Ids of quarantined records by the day on which they were sealed; those that a gate refused, which no door counts, apart. */
export type IdsByDay = Record<string, string[]>;
export const refusedByGate = 'gate';

/**
 * The writes that take records out of quarantine. They count as received again by the batch that they now stand in; what a
 * gate refused was raw before, and no longer counts as that.
 */
export function leaving(
  dataset: Dataset,
  batch: string,
  left: IdsByDay,
  at: Date,
): { table: 'batches'; put: HotItem }[] {
  return Object.entries(left).map(([day, ids]) => {
    const { length } = ids;
    const isOfGate = day === refusedByGate;
    const counts: BatchCounts = {
      received: -length,
      raw: isOfGate ? -length : 0,
      quarantined: isOfGate ? 0 : -length,
      suppressed: 0,
      unknownFields: 0,
    };
    const values = { ...counts, ...(!isOfGate && { quarantinedOn: day }), ids, at: at.toISOString() };
    return { table: 'batches', put: { partition: dataset, sort: `${leftPrefix}${batch}-${day}`, values } };
  });
}

/** When each record that has left a dataset's quarantine was redriven, by id. */
export async function redrivenRecords(env: Environment, dataset: Dataset): Promise<Map<string, string>> {
  const redriven = new Map<string, string>();
  for (let after: string | undefined; ; ) {
    const page = await env.hot.query('batches', dataset, { prefix: leftPrefix, after, limit: 1000 });
    for (const { values } of page) for (const id of values.ids as string[]) redriven.set(id, values.at as string);
    after = page.at(-1)?.sort;
    if (page.length < 1000) return redriven;
  }
}
