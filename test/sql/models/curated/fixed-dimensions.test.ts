/** The dimensions that no input fills: the calendar agrees with another calendar, the channels with the contracts. */
import { contractOf } from '../../../../src/contracts/index.ts';
import { openDuckDb, readSql, type SqlEngine } from '../../../support/sql-engines.ts';

let engine: SqlEngine;

beforeAll(async () => {
  engine = await openDuckDb();
  await engine.run(readSql('prelude/duckdb.sql'));
});

afterAll(() => engine.close());

const day = 86_400_000;
const isoDate = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** The row of a day by JavaScript's calendar; the ISO week is that of the week's Thursday. */
function expectedRow(time: number): (string | number | boolean)[] {
  const date = new Date(time);
  const year = date.getUTCFullYear();
  const weekday = ((date.getUTCDay() + 6) % 7) + 1;
  const thursday = time + (4 - weekday) * day;
  const thursdaysBefore = Math.floor((thursday - Date.UTC(new Date(thursday).getUTCFullYear(), 0, 1)) / (7 * day));
  return [
    year,
    Math.floor(date.getUTCMonth() / 3) + 1,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    (time - Date.UTC(year, 0, 1)) / day + 1,
    thursdaysBefore + 1,
    weekday,
    weekday >= 6,
    isoDate(time),
    isoDate(Date.UTC(year, date.getUTCMonth(), 1)),
  ];
}

test('dim_date holds every day from 1970 to 2069 as JavaScript counts it', async () => {
  const { rows } = await engine.select(`${readSql('models/curated/dim_date.sql')} order by date_on asc nulls last`);
  const expected = Array.from({ length: 36_525 }, (_, index) => expectedRow(index * day).map(String));
  expect(expected.at(-1)).toContain('2069-12-31');
  expect(rows).toEqual(expected);
});

test('dim_channel holds the channels of the contracts', async () => {
  const { rows } = await engine.select(readSql('models/curated/dim_channel.sql'));
  const channels = contractOf('transactions/1')!.leaves.find((leaf) => leaf.column === 'channel')!.values!;
  expect(rows.map(([channel]) => channel).sort()).toEqual([...channels].sort());
});
