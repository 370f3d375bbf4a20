import { daysBetween, parseRunRequest } from '../../../../src/domain/lake/run-request.ts';

describe('the input of an execution', () => {
  test.each`
    input                                                         | asks
    ${{}}                                                         | ${{ kind: 'run', release: false }}
    ${{ kind: 'run', release: true }}                             | ${{ kind: 'run', release: true }}
    ${{ kind: 'replay' }}                                         | ${{ kind: 'replay', release: false }}
    ${{ kind: 'backfill', from: '2026-02-27', to: '2026-03-01' }} | ${{ kind: 'backfill', from: '2026-02-27', to: '2026-03-01' }}
    ${{ kind: 'rerun', run: '20260301T030000Z-1f0c66a2' }}        | ${{ kind: 'rerun', run: '20260301T030000Z-1f0c66a2' }}
  `('$input', ({ input, asks }) => {
    expect(parseRunRequest(input)).toEqual(asks);
  });

  test.each`
    input                                                         | told
    ${[]}                                                         | ${'a run is asked for by a JSON object'}
    ${{ kind: 'refill' }}                                         | ${'kind must be run, replay, backfill, rerun, got "refill"'}
    ${{ from: '2026-01-01' }}                                     | ${'a run takes kind, release, got also "from"'}
    ${{ release: 'yes' }}                                         | ${'release must be true or false, got "yes"'}
    ${{ kind: 'backfill', from: '2026-01-01' }}                   | ${'to must be a date YYYY-MM-DD, got nothing'}
    ${{ kind: 'backfill', from: '2026-02-30', to: '2026-03-01' }} | ${'from must be a date YYYY-MM-DD, got "2026-02-30"'}
    ${{ kind: 'backfill', from: '2026-03-02', to: '2026-03-01' }} | ${'from must not be behind to'}
    ${{ kind: 'backfill', from: '1970-01-01', to: '2026-03-01' }} | ${'a backfill takes at most 3660 days'}
    ${{ kind: 'rerun', run: '../../snapshots' }}                  | ${'run must be the id of an earlier run, got "../../snapshots"'}
  `('$input is refused', ({ input, told }) => {
    expect(() => parseRunRequest(input)).toThrow(told);
  });
});

test('the days of a range are told over the ends of months, both ends included', () => {
  expect(daysBetween('2024-02-28', '2024-03-01')).toEqual(['2024-02-28', '2024-02-29', '2024-03-01']);
  expect(daysBetween('2026-03-01', '2026-03-01')).toEqual(['2026-03-01']);
});
