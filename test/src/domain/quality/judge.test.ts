/** The gate's decisions, as a table: what is found, how much of it is allowed, and what follows. */
import type { CheckMeasure, ModelResult, WrittenFile } from '../../../../src/domain/lake/run-plan.ts';
import type { Check, Severity, Threshold } from '../../../../src/domain/quality/checks.ts';
import { type CheckResult, judgeTables, verdictOf } from '../../../../src/domain/quality/judge.ts';

const model = (table: string, changes: Partial<ModelResult>): ModelResult => ({
  table,
  touched: 'whole',
  files: [],
  rows: 0,
  counts: {},
  checks: [],
  seconds: 0,
  ...changes,
});

const check = (severity: Severity, threshold?: Threshold): Check => ({
  name: 'judged',
  kind: 'not_null',
  column: 'id',
  severity,
  why: 'a reason for people',
  ...(threshold && { threshold }),
});

const judgeOne = (
  table: string,
  one: Check,
  changes: Partial<ModelResult>,
  { before = [], files = [] }: { before?: CheckResult[]; files?: WrittenFile[] } = {},
) => judgeTables([{ model: model(table, changes), checks: [one], files, before }])[0]!;

describe('a check of a table', () => {
  test.each`
    severity   | threshold                   | failures | outcome
    ${'warn'}  | ${undefined}                | ${0}     | ${'passed'}
    ${'warn'}  | ${undefined}                | ${1}     | ${'warned'}
    ${'warn'}  | ${{ rows: 1 }}              | ${1}     | ${'passed'}
    ${'error'} | ${undefined}                | ${1}     | ${'failed'}
    ${'error'} | ${{ rows: 2 }}              | ${2}     | ${'passed'}
    ${'error'} | ${{ rows: 2 }}              | ${3}     | ${'failed'}
    ${'error'} | ${{ share: 0.05 }}          | ${5}     | ${'passed'}
    ${'error'} | ${{ share: 0.05 }}          | ${6}     | ${'failed'}
    ${'error'} | ${{ rows: 7, share: 0.05 }} | ${7}     | ${'passed'}
  `(
    'of severity $severity with $threshold and $failures of 100: $outcome',
    ({ severity, threshold, failures, outcome }) => {
      const checks: CheckMeasure[] = [{ name: 'judged', rows: 100, failures }];
      const result = judgeOne('curated.t', check(severity, threshold), { checks });
      expect(result).toMatchObject({ outcome, rows: 100, failures, refused: 0 });
    },
  );

  test.each<[string, CheckMeasure[]]>([
    ['that could not run', [{ name: 'judged', error: 'clean.t: Binder Error' }]],
    ['that was not run', []],
  ])('%s is errored, whatever its severity, and lets nothing pass', (_, checks) => {
    const result = judgeOne('curated.t', check('warn', { share: 1 }), { checks });
    expect(result.outcome).toBe('errored');
    expect(verdictOf([result], 0)).toEqual({ verdict: 'failed', reason: 'curated.t judged could not run' });
  });
});

describe('a check that refuses rows', () => {
  const refusing = (
    refused: number,
    {
      newRows = 100,
      failures = refused,
      threshold,
    }: Threshold & { newRows?: number; failures?: number; threshold?: Threshold } = {},
    before?: CheckResult[],
  ) =>
    judgeOne(
      'clean.t',
      check('error', threshold),
      {
        counts: { raw_rows: newRows },
        checks: [{ name: 'judged', rows: 5000, failures }],
        ...(refused > 0 && { refused: { key: 'k', rows: { judged: refused } } }),
      },
      { before },
    );

  test('lets a few through to quarantine: ten, or one in a hundred of what is new', () => {
    expect(refusing(0).outcome).toBe('passed');
    expect(refusing(10)).toMatchObject({ outcome: 'warned', rows: 100, refused: 10 });
    expect(refusing(11).outcome).toBe('failed');
    expect(refusing(20, { newRows: 2000 }).outcome).toBe('warned');
    expect(refusing(21, { newRows: 2000 }).outcome).toBe('failed');
    expect(refusing(1, { threshold: { rows: 0 } }).outcome).toBe('failed');
  });

  test('counts what earlier passes of the run refused', () => {
    const before = [refusing(8)];
    expect(refusing(2, {}, before)).toMatchObject({ outcome: 'warned', refused: 10, rows: 100 });
    expect(refusing(3, {}, before).outcome).toBe('failed');
    expect(refusing(0, {}, before)).toMatchObject({ outcome: 'warned', refused: 8 });
  });

  test('tells of rows that are published already, and refuses none of them', () => {
    const result = refusing(0, { failures: 40 });
    expect(result).toMatchObject({ outcome: 'warned', failures: 40, refused: 0 });
    expect(result.note).toBe('40 rows that are published already break it too: `c360 replay` judges all anew');
  });
});

test('the verdict names what decided it, shortly', () => {
  const results = Array.from({ length: 7 }, (_, index) => ({
    ...judgeOne('curated.t', check('error'), { checks: [{ name: 'judged', rows: 10, failures: 2 }] }),
    name: `check_${index}`,
  }));
  const { verdict, reason } = verdictOf(results, 0);
  expect([verdict, reason.length < 300]).toEqual(['failed', true]);
  expect(reason).toMatch(/^curated\.t check_0 \(2 of 10\), .* and 2 more$/);
});

describe('a check of numbers of rows', () => {
  const day = (date: string, rows: number): WrittenFile => ({ key: date, partition: date, bytes: 1, rows });
  const trailing: Check = {
    name: 'days',
    kind: 'row_count',
    severity: 'warn',
    why: 'a reason for people',
    trailing: { days: 3, atLeast: 0.5, atMost: 3 },
  };
  const judgeDays = (files: WrittenFile[], touched: string[]) => judgeOne('clean.t', trailing, { touched }, { files });
  const week = ['01', '02', '03', '04', '05', '06', '07'].map((date) => day(`2026-01-${date}`, 10));
  const but = (date: string, rows?: number) =>
    week.flatMap((file) => (file.partition === date ? (rows === undefined ? [] : [day(date, rows)]) : [file]));
  const all = week.map(({ partition }) => partition!);

  test.each<[string, WrittenFile[], string[], number, string]>([
    ['nothing stands out', week, all, 0, 'passed'],
    ['a day is missing between others', but('2026-01-05'), all, 1, 'warned'],
    ['a day is missing right before those touched', but('2026-01-06'), ['2026-01-07'], 1, 'warned'],
    ['a day was missing long before those touched', but('2026-01-04'), ['2026-01-07'], 0, 'passed'],
    ['a day has too few', but('2026-01-05', 4), all, 1, 'warned'],
    ['a day has half', but('2026-01-05', 5), all, 0, 'passed'],
    ['a day has many times the usual', but('2026-01-05', 31), all, 1, 'warned'],
    ['the first days have none before them', but('2026-01-02'), all, 0, 'passed'],
    ['a date was touched that holds no row', week, [...all, '2036-01-01'], 0, 'passed'],
  ])('%s', (_, files, touched, failures, outcome) => {
    expect(judgeDays(files, touched)).toMatchObject({ failures, outcome });
  });

  test('names the days', () => {
    expect(judgeDays(but('2026-01-05'), all).note).toBe('days that stand out: 2026-01-05');
  });

  test('takes the whole table where it has limits', () => {
    const limited: Check = {
      name: 'all',
      kind: 'row_count',
      severity: 'error',
      why: 'a reason for people',
      min: 70,
      max: 70,
    };
    expect(judgeOne('curated.t', limited, {}, { files: week })).toMatchObject({ outcome: 'passed', rows: 70 });
    expect(judgeOne('curated.t', limited, {}, { files: week.slice(1) })).toMatchObject({
      outcome: 'failed',
      note: '60 rows, at least 70 and at most 70 are expected',
    });
  });
});
