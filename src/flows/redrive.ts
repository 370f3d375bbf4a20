/**
 * Brings records back from quarantine through the door's own rules. A redriven record keeps its origin and its time of
 * arrival, so that it stands among later versions where it would have stood; only its raw object arrives now.
 */
import { createHash } from 'node:crypto';
import { type Dataset, datasets } from '../contracts/index.ts';
import { rawKey } from '../domain/lake/layout.ts';
import type { Rejection } from '../domain/outcome.ts';
import type { RawLine } from '../domain/privacy/separate.ts';
import type { Environment } from '../ports.ts';
import { type DoorCounts, type DoorRecord, linesOfObject, separateBatch, writeBatch } from './door.ts';
import {
  bodyOpener,
  type IdsByDay,
  isRefusedByGate,
  leaving,
  type QuarantinedRecord,
  type QuarantineFilter,
  quarantineId,
  redrivenRecords,
  refusedByGate,
  waitingRecords,
} from './quarantine.ts';
import { type Body, receiver } from './receive-again.ts';

/** Records by a filter, with the bodies that they came with; or those that were repaired, with their new ones, by id. */
export type RedriveSelection = QuarantineFilter | { repaired: ReadonlyMap<string, Body> };

/** A record that is still refused, with the reasons of this try. It stays as it was. */
interface StillRefused extends Rejection {
  id: string;
  dataset: Dataset;
}

export interface Redriven {
  selected: number;
  raw: number;
  /** Records of people who were erased meanwhile: they leave quarantine and are dropped. */
  suppressed: number;
  refused: StillRefused[];
  /** Ids of records whose sealed bodies no longer open: the key of their day is gone. */
  unreadable: string[];
  /** Ids asked for that an earlier redrive had brought back. */
  known: string[];
  /** Ids asked for that no record in quarantine has, or none that matches the rest of the filter. */
  unknown: string[];
}

const recordsPerObject = 500;

/** Redrives the records of the selection that wait in quarantine. Doing it again changes nothing. */
export const redrive =
  (env: Environment) =>
  async (selection: RedriveSelection, onProgress: (records: number) => void = () => {}): Promise<Redriven> => {
    const repaired = 'repaired' in selection ? selection.repaired : undefined;
    const filter: QuarantineFilter = 'repaired' in selection ? { ids: new Set(repaired!.keys()) } : selection;
    const result: Redriven = {
      selected: 0,
      raw: 0,
      suppressed: 0,
      refused: [],
      unreadable: [],
      known: [],
      unknown: [],
    };
    const bringBack = batchRedriver(env, repaired ?? new Map(), result);
    const found = new Set<string>();
    for (const dataset of filter.dataset ? [filter.dataset] : datasets) {
      await finishCutOff(env, dataset);
      let batch: QuarantinedRecord[] = [];
      for await (const record of waitingRecords(env, { ...filter, dataset })) {
        found.add(record.id);
        batch.push(record);
        if (batch.length < recordsPerObject) continue;
        await bringBack(dataset, batch);
        onProgress(found.size);
        batch = [];
      }
      await bringBack(dataset, batch);
    }
    result.selected = found.size;
    await sortOut(
      env,
      [...(filter.ids ?? [])].filter((id) => !found.has(id)),
      result,
    );
    return result;
  };

/** A function that redrives records of one dataset, adding to the result what became of them. */
function batchRedriver(env: Environment, repaired: ReadonlyMap<string, Body>, result: Redriven) {
  const openBody = bodyOpener(env);
  const { receive, receiveLine, giveRowIds } = receiver(env);
  return async (dataset: Dataset, batch: QuarantinedRecord[]): Promise<void> => {
    const records: DoorRecord[] = [];
    const gateLines: RawLine[] = [];
    const taken = new Set<string>();
    for (const record of batch) {
      const body = repaired.get(record.id) ?? (await openBody(record.line));
      if (!body) result.unreadable.push(record.id);
      else if (isRefusedByGate(record)) {
        const outcome = await receiveLine(record, body);
        if (!outcome.ok) result.refused.push({ id: record.id, dataset, ...outcome.rejection });
        else {
          gateLines.push(outcome.value);
          taken.add(record.id);
        }
      } else records.push(await receive(record, body));
    }
    const { lines, quarantine } = await separateBatch(env, records);
    await giveRowIds(dataset, lines);
    lines.push(...gateLines);
    for (const { kind, contract, reasons, origin } of quarantine) {
      result.refused.push({ id: quarantineId(dataset, origin), dataset, kind, ...(contract && { contract }), reasons });
    }
    for (const { outcome, origin } of records) if (outcome.ok) taken.add(quarantineId(dataset, origin));
    if (taken.size === 0) return;
    const left = idsByDay(batch.filter(({ id }) => taken.has(id)));
    const counts = await takeOut(env, dataset, await begin(env, dataset, left), lines);
    result.raw += counts.raw;
    result.suppressed += counts.suppressed;
  };
}

function idsByDay(records: QuarantinedRecord[]): IdsByDay {
  const dayOf = (record: QuarantinedRecord) => (isRefusedByGate(record) ? refusedByGate : record.line.sealedOn);
  const days = Object.entries(Object.groupBy(records, dayOf));
  return Object.fromEntries(days.map(([day, some = []]) => [day, some.map(({ id }) => id)]));
}

/** Tells ids that were not waiting: brought back before, or never there. */
async function sortOut(env: Environment, ids: string[], result: Redriven): Promise<void> {
  if (ids.length === 0) return;
  const redriven = await Promise.all(datasets.map((dataset) => redrivenRecords(env, dataset)));
  for (const id of ids) (redriven.some((before) => before.has(id)) ? result.known : result.unknown).push(id);
}

// ---- From quarantine to raw, exactly once -----------------------------------------------------------------------------

/** What is written down before a batch is taken out, so that one that is cut off there can be finished from what it wrote. */
interface TakingOut {
  batch: string;
  left: IdsByDay;
  at: string;
}

const keyOf = (dataset: Dataset) => ({ partition: 'redrive', sort: dataset });

async function begin(env: Environment, dataset: Dataset, left: IdsByDay): Promise<TakingOut> {
  const hash = createHash('sha256').update(Object.values(left).flat().join()).digest('hex').slice(0, 32);
  const takingOut = { batch: `redrive-${hash}`, left, at: env.clock.now().toISOString() };
  await env.hot.write([{ table: 'checkpoints', put: { ...keyOf(dataset), values: takingOut } }]);
  return takingOut;
}

/** Writes the records' lines as a batch of the door, and then marks the records as gone from quarantine. */
async function takeOut(
  env: Environment,
  dataset: Dataset,
  { batch, left, at }: TakingOut,
  lines: RawLine[],
): Promise<DoorCounts> {
  const arrivedAt = new Date(at);
  const received = Object.values(left).flat().length;
  const separated = { lines, quarantine: [], suppressed: received - lines.length };
  const counts = await writeBatch(env, dataset, { batch, received, arrivedAt }, separated);
  await env.hot.write([...leaving(dataset, batch, left, arrivedAt), { table: 'checkpoints', delete: keyOf(dataset) }]);
  return counts;
}

/** Finishes a batch that was cut off; one that had written nothing is forgotten, and its records still wait. */
async function finishCutOff(env: Environment, dataset: Dataset): Promise<void> {
  const item = await env.hot.get('checkpoints', keyOf(dataset));
  if (!item) return;
  const takingOut = item.values as unknown as TakingOut;
  const { batch, at } = takingOut;
  const lines = (await linesOfObject(env, rawKey(dataset, new Date(at), batch))).map((text) => JSON.parse(text));
  const isCounted = await env.hot.get('batches', { partition: dataset, sort: batch });
  if (lines.length > 0 || isCounted) await takeOut(env, dataset, takingOut, lines as RawLine[]);
  else await env.hot.write([{ table: 'checkpoints', delete: keyOf(dataset) }]);
}

/** True where a redrive was cut off between the lake and its mark. The next redrive finishes it. */
export async function isRedriveCutOff(env: Environment): Promise<boolean> {
  const items = await env.hot.query('checkpoints', keyOf('events').partition);
  return items.length > 0;
}
