/** Quarantined records with their bodies in the clear, to be repaired by a person. Each export is written down. */
import type { Dataset } from '../contracts/index.ts';
import { decodeUtf8, isNestedAtMost, type JsonObject } from '../domain/json.ts';
import type { Rejection } from '../domain/outcome.ts';
import type { Environment } from '../ports.ts';
import { bodyOpener, type QuarantineFilter, waitingRecords } from './quarantine.ts';
import { receiver } from './receive-again.ts';

/** One line of an export. It holds personal data. */
export interface ExportedRecord extends Pick<Rejection, 'kind' | 'reasons'> {
  id: string;
  dataset: Dataset;
  /** The event, or the row's values by their columns' names; text where it could not be read as one. */
  body?: JsonObject | string;
  /** In place of `body` where the bytes are no text. */
  body_base64?: string;
}

/** What is remembered of an export: when, how many records, and the base name of the file. */
export interface ExportNote {
  at: string;
  records: number;
  file: string;
}

/** Deeper bodies are given and taken as text: making JSON of them recurses. */
export const deepestBody = 64;

const partition = 'quarantine-exports';

/** Writes the export of the records that match down; only then is the first body opened. `records` leaves out what does not open. */
export async function exportRecords(
  env: Environment,
  filter: QuarantineFilter,
  file: string,
): Promise<{ selected: number; records: AsyncIterable<ExportedRecord> }> {
  const ids = new Set<string>();
  for await (const { id } of waitingRecords(env, filter)) ids.add(id);
  const at = env.clock.now().toISOString();
  const values = { at, records: ids.size, file };
  await env.hot.write([{ table: 'files', put: { partition, sort: `${at} ${env.ids.uuid()}`, values } }]);
  return { selected: ids.size, records: openRecords(env, { ...filter, ids }) };
}

async function* openRecords(env: Environment, filter: QuarantineFilter): AsyncIterable<ExportedRecord> {
  const openBody = bodyOpener(env);
  const { fields } = receiver(env);
  for await (const record of waitingRecords(env, filter)) {
    const body = await openBody(record.line);
    if (!body) continue;
    const { kind, reasons } = record.line;
    const read = await fields(record, body);
    const isExact = read.ok && isNestedAtMost(deepestBody, read.value) && !hasInexactNumber(read.value);
    yield { id: record.id, dataset: record.dataset, kind, reasons, ...(isExact ? { body: read.value } : asText(body)) };
  }
}

function asText(body: Uint8Array): { body: string } | { body_base64: string } {
  const text = decodeUtf8(body);
  return text === undefined ? { body_base64: Buffer.from(body).toString('base64') } : { body: text };
}

/** A whole number this long may have lost digits when it was parsed, and its text has not. */
function hasInexactNumber(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasInexactNumber);
}

/** The exports there were, newest first. */
export async function listExports(env: Environment): Promise<ExportNote[]> {
  const items = await env.hot.query('files', partition, { newestFirst: true });
  return items.map(({ values }) => values as unknown as ExportNote);
}
