/**
 * The batches of a shard that were begun, and those of them that were counted. Records come again in other batches: where a
 * function's process ends or takes too long, Lambda halves its batch; a mapping that was made anew, or a redrive, cuts
 * the shard anew, weeks later. What the accounts in `batches` hold is then left out, and what a batch wrote
 * without being counted is withdrawn. No two accounts of a shard overlap, and they never expire.
 */
import { quarantineKey, rawKey } from '../domain/lake/layout.ts';
import type { Environment, HotItem, StreamRecord } from '../ports.ts';
import { noCounts } from './door.ts';

/** As many as those of Kinesis have: shorter ones, of other streams, are filled up, so that names sort as the records do. */
const sequenceDigits = 56;

const ordered = (sequence: string): string => sequence.padStart(sequenceDigits, '0');

/** Accounts asked for at a time where one meets the batch. Mostly none does, which the one before it says. */
const laterPage = 100;

/** What objects and account of these records are called; they follow each other in one shard. */
export function batchName(records: StreamRecord[]): string {
  const { shard, sequence } = records[0]!;
  return `${shard}-${ordered(sequence)}-${ordered(records.at(-1)!.sequence)}`;
}

/**
 * The records that no batch has counted, in runs of those that follow each other. What other batches wrote of them without
 * being counted is withdrawn, which no run of the pipeline has read; what this one wrote, it finds again.
 */
export async function uncountedRuns(env: Environment, records: StreamRecord[]): Promise<StreamRecord[][]> {
  const { shard, sequence: first } = records[0]!;
  const met = await batchesBetween(env, shard, first, records.at(-1)!.sequence);
  const own = batchName(records);
  for (const batch of met) if (!isCounted(batch) && batch.sort !== own) await withdraw(env, batch);
  return runsBeside(met.filter(isCounted), records);
}

/** Notes that a batch is begun, under the name of its account. */
export async function noteBegun(env: Environment, records: StreamRecord[]): Promise<void> {
  const values = { ...noCounts, begunWith: records[0]!.arrivedAt.toISOString() };
  await env.hot.write([{ table: 'batches', put: { partition: 'events', sort: batchName(records), values } }]);
}

/** True of an account; false of the note that a batch was begun, which names its first record's arrival. */
export const isCounted = ({ values }: HotItem): boolean => values.begunWith === undefined;

/** The batches of a shard, begun or counted, in which records between two sequence numbers are, the last one first. */
export async function batchesBetween(env: Environment, shard: string, first: string, last: string): Promise<HotItem[]> {
  const met: HotItem[] = [];
  // A full stop sorts behind the hyphen that follows the first sequence number of a name.
  let after = `${shard}-${ordered(last)}.`;
  for (let limit = 1; ; limit = laterPage) {
    const options = { prefix: `${shard}-`, after, newestFirst: true, limit };
    const page = await env.hot.query('batches', 'events', options);
    const meeting = page.filter((batch) => endOf(batch) >= ordered(first));
    met.push(...meeting);
    // They do not overlap: behind one that ends before the records, all do.
    if (meeting.length < limit) return met;
    after = page.at(-1)!.sort;
  }
}

const endOf = ({ sort }: HotItem): string => sort.slice(sort.lastIndexOf('-') + 1);

const holds =
  (sequence: string) =>
  ({ sort }: HotItem): boolean => {
    const [first = '', last = ''] = sort.split('-').slice(-2);
    return first <= ordered(sequence) && ordered(sequence) <= last;
  };

function runsBeside(counted: HotItem[], records: StreamRecord[]): StreamRecord[][] {
  if (counted.length === 0) return [records];
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

async function withdraw(env: Environment, { partition, sort, values }: HotItem): Promise<void> {
  const arrivedAt = new Date(String(values.begunWith));
  await env.objects.delete([rawKey('events', arrivedAt, sort), quarantineKey('events', arrivedAt, sort)]);
  await env.hot.write([{ table: 'batches', delete: { partition, sort } }]);
}
