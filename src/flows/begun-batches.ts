/**
 * The batches of a shard that were begun, and those of them that were counted. Records come again in other batches: where a
 * function's process ends or takes too long, Lambda halves its batch; a mapping that was made anew, or a redrive, cuts
 * the shard anew, weeks later or at the same time. Each try has a name of its own; it notes that it is begun, and only then
 * asks for what meets its records, so that of two tries one at least sees the other. What the accounts in `batches` hold
 * is left out; what was only begun is withdrawn, and cannot be counted then. No two accounts of a shard overlap, and
 * they never expire.
 */
import { quarantineKey, rawKey } from '../domain/lake/layout.ts';
import { ConditionFailed, type Environment, type HotCondition, type HotItem, type StreamRecord } from '../ports.ts';
import { noCounts } from './door.ts';

/** Records that follow each other in one shard, and the name of what is written of them: that of their account. */
export interface BegunBatch {
  batch: string;
  records: StreamRecord[];
}

/** As many as those of Kinesis have: shorter ones, of other streams, are filled up, so that names sort as the records do. */
const sequenceDigits = 56;

const span = new RegExp(`-(\\d{${sequenceDigits}})-(\\d{${sequenceDigits}})(?:-|$)`);

const ordered = (sequence: string): string => sequence.padStart(sequenceDigits, '0');

/** Mostly nothing meets a batch but its own note, which the account before it says. */
const firstPage = 2;
const laterPage = 100;

/** What objects and account of a try of these records are called. */
export function batchName(records: StreamRecord[], uuid: string): string {
  const { shard, sequence } = records[0]!;
  return `${shard}-${ordered(sequence)}-${ordered(records.at(-1)!.sequence)}-${uuid.replaceAll('-', '')}`;
}

/** Begins the records that no batch has counted, in runs of those that follow each other. */
export async function* beginUncounted(env: Environment, records: StreamRecord[]): AsyncIterable<BegunBatch> {
  const begun = { batch: batchName(records, env.ids.uuid()), records };
  await noteBegun(env, begun);
  const counted = await countedBeside(env, begun);
  if (counted.length === 0) {
    yield begun;
    return;
  }
  await env.hot.write([{ table: 'batches', delete: { partition: 'events', sort: begun.batch } }]);
  for (const run of runsBeside(counted, records)) yield* beginUncounted(env, run);
}

/** Holds while nobody has withdrawn a batch that was begun: on this its account takes the place of its note. */
export const isStillBegun: HotCondition = { equals: { isWithdrawn: false } };

/** True of an account; false of the note that a batch was begun, which names its first record's arrival. */
export const isCounted = ({ values }: HotItem): boolean => values.begunWith === undefined;

/**
 * The batches of a shard, begun or counted, in which records between two sequence numbers are, the last one first. Of those
 * begun some may be missing that have not asked yet, or never will, for what meets them: they have written nothing.
 */
export async function batchesBetween(env: Environment, shard: string, first: string, last: string): Promise<HotItem[]> {
  const meets = ({ sort }: HotItem) => spanOf(sort).last >= ordered(first);
  const met: HotItem[] = [];
  // A full stop sorts behind the hyphen that follows the first sequence number of a name.
  let after = `${shard}-${ordered(last)}.`;
  for (let limit = firstPage; ; limit = laterPage) {
    const options = { prefix: `${shard}-`, after, newestFirst: true, limit };
    const page = await env.hot.query('batches', 'events', options);
    met.push(...page.filter(meets));
    // No account overlaps another, nor a note whose try has asked: behind one that ends before the records, all do.
    if (page.length < limit || page.some((batch) => isCounted(batch) && !meets(batch))) return met;
    after = page.at(-1)!.sort;
  }
}

/** Deletes what a try wrote. Its name comes never again. */
export const deleteWritten = (env: Environment, batch: string, arrivedAt: Date): Promise<void> =>
  env.objects.delete([rawKey('events', arrivedAt, batch), quarantineKey('events', arrivedAt, batch)]);

async function noteBegun(env: Environment, { batch, records }: BegunBatch): Promise<void> {
  const values = { ...noCounts, begunWith: records[0]!.arrivedAt.toISOString(), isWithdrawn: false };
  await env.hot.write([{ table: 'batches', put: { partition: 'events', sort: batch, values } }]);
}

/** The accounts that meet a batch; where there are none, the others that were begun are withdrawn. */
async function countedBeside(env: Environment, { batch, records }: BegunBatch): Promise<HotItem[]> {
  const { shard, sequence: first } = records[0]!;
  for (;;) {
    const met = await batchesBetween(env, shard, first, records.at(-1)!.sequence);
    const others = met.filter(({ sort }) => sort !== batch);
    const counted = others.filter(isCounted);
    if (counted.length > 0 || others.length === 0) return counted;
    for (const other of others) await withdraw(env, other);
  }
}

/** Withdraws a batch, unless it was counted meanwhile. Its note goes last: who is cut off here leaves it to the next one. */
async function withdraw(env: Environment, { partition, sort, values }: HotItem): Promise<void> {
  const begunWith = String(values.begunWith);
  const put = { partition, sort, values: { ...values, isWithdrawn: true } };
  try {
    await env.hot.write([{ table: 'batches', put, if: { equals: { begunWith } } }]);
  } catch (error) {
    if (error instanceof ConditionFailed) return;
    throw error;
  }
  await deleteWritten(env, sort, new Date(begunWith));
  await env.hot.write([{ table: 'batches', delete: { partition, sort } }]);
}

/** Of names that end with a try, and of those of before, which do not. */
function spanOf(batch: string): { first: string; last: string } {
  const [, first = '', last = ''] = span.exec(batch) ?? [];
  return { first, last };
}

const holds =
  (sequence: string) =>
  ({ sort }: HotItem): boolean => {
    const { first, last } = spanOf(sort);
    return first <= ordered(sequence) && ordered(sequence) <= last;
  };

function runsBeside(counted: HotItem[], records: StreamRecord[]): StreamRecord[][] {
  const runs: StreamRecord[][] = [];
  let run: StreamRecord[] | undefined;
  for (const record of records) {
    if (counted.some(holds(record.sequence))) run = undefined;
    else if (run) run.push(record);
    else {
      run = [record];
      runs.push(run);
    }
  }
  return runs;
}
