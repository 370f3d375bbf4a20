import { isTimeFormat, timeReader } from '../../../../src/domain/files/time-format.ts';

describe('a time in a foreign format', () => {
  test.each`
    format                    | text                      | time
    ${'yyyy-MM-dd'}           | ${'2024-02-29'}           | ${'2024-02-29T00:00:00.000Z'}
    ${'yyyyMMdd'}             | ${'19970101'}             | ${'1997-01-01T00:00:00.000Z'}
    ${'dd.MM.yyyy HH:mm'}     | ${' 01.02.2026 23:59 '}   | ${'2026-02-01T23:59:00.000Z'}
    ${'MM/dd/yyyy HH:mm:ss'}  | ${'12/31/2025 00:00:00'}  | ${'2025-12-31T00:00:00.000Z'}
    ${'yyyy-MM-ddTHH:mm:ssZ'} | ${'2026-01-02T03:04:05Z'} | ${'2026-01-02T03:04:05.000Z'}
    ${'yyyy.MM.dd'}           | ${'2024-02-28'}           | ${undefined}
    ${'yyyy-MM-dd'}           | ${'2023-02-29'}           | ${undefined}
    ${'yyyy-MM-dd'}           | ${'2024-04-31'}           | ${undefined}
    ${'yyyy-MM-dd'}           | ${'2024-00-10'}           | ${undefined}
    ${'yyyy-MM-dd'}           | ${'2024-01-00'}           | ${undefined}
    ${'yyyy-MM-dd'}           | ${'2024-1-1'}             | ${undefined}
    ${'yyyy-MM-dd'}           | ${'0024-01-01'}           | ${undefined}
    ${'yyyy-MM-dd'}           | ${'2024-01-01 10:00'}     | ${undefined}
    ${'yyyy-MM-dd HH:mm'}     | ${'2024-01-01 24:00'}     | ${undefined}
    ${'yyyy-MM-dd HH:mm'}     | ${'2024-01-01 10:60'}     | ${undefined}
    ${'yyyy-MM-dd HH:mm:ss'}  | ${'2024-12-31 23:59:60'}  | ${undefined}
    ${'yyyy-MM-dd'}           | ${''}                     | ${undefined}
  `('$text as $format is $time', ({ format, text, time }) => {
    expect(timeReader(format)(text)).toBe(time);
  });
});

test.each`
  format                    | isFormat
  ${'yyyy-MM-dd'}           | ${true}
  ${'dd/MM/yyyy HH:mm:ss'}  | ${true}
  ${'yyyy-MM-ddTHH:mm:ssZ'} | ${true}
  ${'yyyy-MM'}              | ${false}
  ${'yyyy-MM-dd MM'}        | ${false}
  ${'yyyy-MM-dd HH:HH'}     | ${false}
  ${'yyyy-MMM-dd'}          | ${false}
  ${'YYYY-MM-DD'}           | ${false}
  ${'yyyy-MM-dd hh:mm'}     | ${false}
  ${'a date'}               | ${false}
  ${''}                     | ${false}
`('$format is a format: $isFormat', ({ format, isFormat }) => {
  expect(isTimeFormat(format)).toBe(isFormat);
});
