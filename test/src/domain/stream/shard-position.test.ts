import { archiveEventSource } from '../../../../src/domain/stream/event-source-settings.ts';
import {
  afterInvocation,
  begun,
  behind,
  type InvocationOutcome,
  isUpTo,
  type ShardPosition,
  startOfShard,
} from '../../../../src/domain/stream/shard-position.ts';

const batchOf = (...sequences: number[]) => sequences.map((sequence) => ({ sequence: String(sequence) }));
const position = (checkpoint: number | undefined, ends: number[], attempts = 0): ShardPosition => ({
  checkpoint: checkpoint?.toString(),
  ends: ends.map(String),
  attempts,
});

describe('a shard’s position after an invocation of records 6 to 9', () => {
  const before = position(5, [9, 20], 2);
  const batch = batchOf(6, 7, 8, 9);

  test.each`
    outcome              | bisect   | after
    ${'succeeded'}       | ${true}  | ${position(9, [20])}
    ${'succeeded'}       | ${false} | ${position(9, [20])}
    ${'failed'}          | ${false} | ${position(5, [9, 20], 3)}
    ${'failed'}          | ${true}  | ${position(5, [7, 9, 20], 2)}
    ${{ failedFrom: 0 }} | ${true}  | ${position(5, [9, 20], 3)}
    ${{ failedFrom: 1 }} | ${true}  | ${position(6, [9, 20], 1)}
    ${{ failedFrom: 3 }} | ${false} | ${position(8, [9, 20], 1)}
  `(
    '$outcome, bisect $bisect',
    ({ outcome, bisect, after }: { outcome: InvocationOutcome; bisect: boolean; after: ShardPosition }) => {
      expect(afterInvocation(before, batch, outcome, { bisectBatchOnError: bisect })).toEqual(after);
    },
  );

  test('of one record that failed counts the attempt: there is nothing to halve', () => {
    const alone = afterInvocation(position(5, [6]), batchOf(6), 'failed', { bisectBatchOnError: true });
    expect(alone).toEqual(position(5, [6], 1));
  });

  test('of three records tries two first', () => {
    const halved = afterInvocation(position(5, [8]), batchOf(6, 7, 8), 'failed', { bisectBatchOnError: true });
    expect(halved.ends).toEqual(['7', '8']);
  });
});

describe('a shard’s position', () => {
  test('keeps the end of a batch that was begun, whatever is read later', () => {
    const once = begun(startOfShard, batchOf(1, 2));
    expect(once).toEqual(position(undefined, [2]));
    expect(begun(once, batchOf(1, 2, 3))).toEqual(once);
  });

  test('behind a record has no ends that it passed', () => {
    expect(behind(position(1, [3, 5, 9], 4), '5')).toEqual(position(5, [9]));
  });

  test('orders sequence numbers as numbers, of any length', () => {
    expect([isUpTo('9', '10'), isUpTo('10', '9'), isUpTo('10', '10')]).toEqual([true, false, true]);
    const long = '49590338271490256608559692538361571095921575989136588898';
    expect([isUpTo(long, `1${long}`), isUpTo(`1${long}`, long)]).toEqual([true, false]);
  });
});

test('the archive’s settings, by value', () => {
  expect(archiveEventSource).toEqual({
    batchSize: 5000,
    maxBatchingWindowSeconds: 60,
    maxRecordAgeSeconds: 518_400,
    retryAttempts: -1,
    bisectBatchOnError: true,
    reportBatchItemFailures: true,
    parallelizationFactor: 1,
    startingPosition: 'TRIM_HORIZON',
    onFailurePrefix: 'failed/archive-events/',
  });
});
