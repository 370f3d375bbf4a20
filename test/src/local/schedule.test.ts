import { parseSchedule } from '../../../src/local/schedule.ts';

describe('a schedule is due next', () => {
  test.each`
    expression                    | timeZone           | after                     | due
    ${'cron(0 3 * * ? *)'}        | ${'Etc/UTC'}       | ${'2026-11-21T02:59:59Z'} | ${'2026-11-21T03:00:00.000Z'}
    ${'cron(0 3 * * ? *)'}        | ${'Etc/UTC'}       | ${'2026-11-21T03:00:00Z'} | ${'2026-11-22T03:00:00.000Z'}
    ${'cron(0 * * * ? *)'}        | ${'UTC'}           | ${'2026-12-31T23:00:01Z'} | ${'2027-01-01T00:00:00.000Z'}
    ${'cron(0/15 8-9 ? * MON *)'} | ${'UTC'}           | ${'2026-11-21T12:00:00Z'} | ${'2026-11-23T08:00:00.000Z'}
    ${'cron(30 2 * * ? *)'}       | ${'Europe/Berlin'} | ${'2026-11-21T12:00:00Z'} | ${'2026-11-22T01:30:00.000Z'}
    ${'cron(0 3 1 1 ? 2020)'}     | ${'UTC'}           | ${'2026-11-21T12:00:00Z'} | ${undefined}
    ${'rate(1 minute)'}           | ${'UTC'}           | ${'2026-11-21T12:00:00Z'} | ${'2026-11-21T12:01:00.000Z'}
    ${'rate(6 hours)'}            | ${'UTC'}           | ${'2026-11-21T12:00:00Z'} | ${'2026-11-21T18:00:00.000Z'}
  `('$expression after $after', ({ expression, timeZone, after, due }) => {
    expect(parseSchedule(expression, timeZone)(new Date(after))?.toISOString()).toBe(due);
  });
});

test.each`
  expression               | told
  ${'daily'}               | ${'a schedule is rate(15 minutes) or cron(0 3 * * ? *), got daily'}
  ${'rate(0 minutes)'}     | ${'a schedule is rate'}
  ${'cron(0 3 * * ?)'}     | ${'a schedule is rate'}
  ${'cron(0 25 * * ? *)'}  | ${'is no schedule that can be kept'}
  ${'cron(0 3 ? * 2 *)'}   | ${'days of the week in a schedule are names (MON), got 2'}
  ${'cron(0 3 ? * 6#3 *)'} | ${'days of the week in a schedule are names (MON), got 6#3'}
`('$expression is refused', ({ expression, told }) => {
  expect(() => parseSchedule(expression)).toThrow(told);
});
