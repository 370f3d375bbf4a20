/** Dates are worked on in spans that hold about as many rows as they should, and no date is lost or moved. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { dateSpans, writePartitions } from '../../../../src/adapters/local/duckdb-partitions.ts';
import { withSession } from '../../../../src/adapters/local/duckdb-session.ts';

const rowCounts = fc.array(fc.nat({ max: 1000 }), { maxLength: 60 });
const dayOf = (index: number) => new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10);

test('spans hold all dates in their order', () => {
  fc.assert(
    fc.property(rowCounts, fc.integer({ min: 1, max: 2000 }), (counts, spanRows) => {
      const dates = counts.map((_, index) => dayOf(index));
      expect(dateSpans(dates, (date) => counts[dates.indexOf(date)]!, spanRows).flat()).toEqual(dates);
    }),
  );
});

test('a span has at most half as many rows again as it should, but for a single date that has more', () => {
  fc.assert(
    fc.property(rowCounts, fc.integer({ min: 1, max: 2000 }), (counts, spanRows) => {
      const dates = counts.map((_, index) => dayOf(index));
      const rowsOf = (date: string) => counts[dates.indexOf(date)]!;
      for (const span of dateSpans(dates, rowsOf, spanRows)) {
        const rows = span.map(rowsOf);
        const sum = rows.reduce((total, count) => total + count, 0);
        expect(sum - Math.max(0, ...rows)).toBeLessThanOrEqual(spanRows * 1.5);
        if (rows.filter((count) => count > 0).length > 1) expect(sum).toBeLessThanOrEqual(spanRows + Math.max(...rows));
      }
    }),
  );
});

test('without dates there is one empty span', () => expect(dateSpans([], () => 1, 10)).toEqual([[]]));

test('hundreds of dates of a few rows each are written in little memory, one file each', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'c360-test-'));
  try {
    const options = { temporaryDirectory: join(folder, 'tmp'), directories: [folder], memoryLimit: '400MB' };
    const files = await withSession(options, async (session) => {
      const columns = Array.from({ length: 40 }, (_, index) => `'word ' || (range % 7) as column_${index}`);
      const day = "cast(date '2026-01-01' + cast(range // 10 as integer) as date) as day";
      await session.run('make', `create table result as select ${day}, ${columns.join(', ')} from range(7300)`);
      const output = { table: 'made', column: 'day', directory: join(folder, 'made') };
      const written = await writePartitions(session, { ...output, options: 'format parquet, return_stats true' });
      return written.flatMap((result) => result.getRowObjectsJson());
    });
    expect(files.length).toBe(730);
    expect(files.every(({ count }) => Number(count) === 10)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
