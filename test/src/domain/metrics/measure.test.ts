/** What is measured at the doors and of runs: by value, from what became of records and runs. */
import { customMetrics } from '../../../../src/domain/metrics/custom-metrics.ts';
import { type EndedRun, measureDoor, measureRun } from '../../../../src/domain/metrics/measure.ts';

const step = (name: string, seconds: number) => ({ step: name, seconds });

const succeeded: EndedRun = {
  status: 'succeeded',
  startedAt: '2026-03-07T03:00:00.000Z',
  finishedAt: '2026-03-07T03:10:30.000Z',
  steps: [step('plan', 2), step('clean models', 300), step('load warehouse', 40)],
  report: { checks: [] },
  snapshot: {
    consumed: [
      'raw/events/dt=2026-03-07/hour=01/s-1-2.jsonl.gz',
      'raw/events/dt=2026-03-06/hour=23/s-3-4.jsonl.gz',
      'raw/products/dt=2026-03-01/hour=12/f-000000001.jsonl.gz',
    ],
    consumedSince: '2026-02-07',
    counts: {
      events: { raw: 4, duplicates: 0, superseded: 0 },
      products: { raw: 4, duplicates: 0, superseded: 0 },
      customers: { raw: 9, duplicates: 0, superseded: 0 },
    },
  },
};

/** Metric and the values of its dimensions -> value. */
const measured = (run: Partial<EndedRun>): Record<string, number> =>
  Object.fromEntries(
    measureRun({ ...succeeded, ...run }).flatMap(({ dimensions, values }) =>
      Object.entries(values).map(([name, value]) => [[name, ...Object.values(dimensions)].join(' '), value]),
    ),
  );

const hour = 3600;

test('of a run it is measured how it ended, how long it and its steps took, its load and its counts, and how old data are', () => {
  expect(measured({})).toEqual({
    'EndedRuns succeeded': 1,
    RunSeconds: 630,
    'StepSeconds plan': 2,
    'StepSeconds clean models': 300,
    'StepSeconds load warehouse': 40,
    FailedLoads: 0,
    RowCountMismatches: 0,
    'AgeSeconds events': 2 * hour + 630,
    'AgeSeconds products': 5 * 24 * hour + 15 * hour + 630,
    // Known to be older than what the snapshot remembers; transactions never came.
    'AgeSeconds customers': 28 * 24 * hour + 3 * hour + 630,
  });
});

const loadFailed = { status: 'failed', failedStep: 'load warehouse', steps: [step('plan', 2)] } as const;
const mismatch = 'sql/load/compare_rows.sql for fact_sales: a value does not fit its type';
const gate = (kind: string, outcome: string) => ({ report: { checks: [{ kind, outcome }] } }) as Partial<EndedRun>;

test.each`
  what                                  | run                                                                               | load         | mismatches
  ${'a run without anything new'}       | ${{ status: 'idle', steps: [step('plan', 1)], report: undefined }}                | ${0}         | ${undefined}
  ${'a run that failed before'}         | ${{ status: 'failed', failedStep: 'clean models', steps: [], report: undefined }} | ${undefined} | ${undefined}
  ${'a load that failed'}               | ${{ ...loadFailed, reason: 'a lock' }}                                            | ${1}         | ${0}
  ${'a load that resumed and failed'}   | ${{ ...loadFailed, reason: 'a lock', report: undefined }}                         | ${1}         | ${undefined}
  ${'a load that was resumed'}          | ${{ steps: [step('load warehouse', 9)], report: undefined }}                      | ${0}         | ${0}
  ${'a load whose rows differ'}         | ${{ ...loadFailed, reason: mismatch, report: undefined }}                         | ${1}         | ${1}
  ${'answers that failed'}              | ${{ status: 'failed', failedStep: 'publish answers' }}                            | ${0}         | ${0}
  ${'a reconciliation that failed'}     | ${gate('reconciliation', 'failed')}                                               | ${0}         | ${1}
  ${'a reconciliation that cannot run'} | ${gate('reconciliation', 'errored')}                                              | ${0}         | ${1}
  ${'a row count that failed'}          | ${gate('row_count', 'failed')}                                                    | ${0}         | ${1}
  ${'a row count that is unusual'}      | ${gate('row_count', 'warned')}                                                    | ${0}         | ${0}
  ${'another check that failed'}        | ${gate('not_null', 'failed')}                                                     | ${0}         | ${0}
`('$what counts as $load failed loads and $mismatches mismatches', ({ run, load, mismatches }) => {
  const { FailedLoads, RowCountMismatches } = measured(run);
  expect([FailedLoads, RowCountMismatches]).toEqual([load, mismatches]);
});

test('before anything is published there are no ages', () => {
  expect(Object.keys(measured({ snapshot: undefined })).filter((name) => name.startsWith('Age'))).toEqual([]);
});

test('of a door it is measured what became of the records, and nothing where none came', () => {
  const counts = { received: 9, raw: 5, quarantined: 3, suppressed: 1, unknownFields: 7 };
  expect(measureDoor('events', counts)).toEqual([
    {
      dimensions: { Dataset: 'events' },
      values: { ReceivedRecords: 9, RawRecords: 5, QuarantinedRecords: 3, SuppressedRecords: 1 },
    },
  ]);
  expect(measureDoor('events', { ...counts, received: 0 })).toEqual([]);
});

test('all metrics of the list are measured, under the dimensions that it names', () => {
  const all = [
    ...measureDoor('events', { received: 1, raw: 1, quarantined: 0, suppressed: 0 }),
    ...measureRun(succeeded),
  ].flatMap(({ dimensions, values }) =>
    Object.keys(values).map((name) => [name, ['Environment', ...Object.keys(dimensions)]]),
  );
  const listed = Object.entries(customMetrics).map(([name, { dimensions }]) => [name, dimensions]);
  expect(Object.fromEntries(all)).toEqual(Object.fromEntries(listed));
});
