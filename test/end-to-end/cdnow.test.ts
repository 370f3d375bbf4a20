/** Real purchases of a music shop (CDNOW, 1997-1998), where the shared data is at hand. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPlatform, type Platform } from '../../src/local/platform.ts';
import { c360, repositoryRoot, temporaryDataDir } from '../support/c360.ts';

const shared = process.env.C360_SHARED ?? join(repositoryRoot, '../shared');
const purchases = join(shared, 'data/cdnow/cdnow_sample.csv');
const summary = join(shared, 'data/cdnow/cdnow_customers_summary_with_transactions.csv');
const withSharedData = existsSync(purchases) ? describe : describe.skip;

withSharedData('the CDNOW purchases, through the mapping in examples/cdnow', () => {
  const { dataDir, remove } = temporaryDataDir();
  const upload = () =>
    c360([
      'upload',
      'transactions',
      purchases,
      '--map',
      'examples/cdnow/map.yaml',
      '--data-dir',
      dataDir,
      '--format',
      'json',
    ]);
  let platform: Platform;

  beforeAll(async () => {
    expect((await upload()).code).toBe(0);
    expect((await c360(['run', '--data-dir', dataDir])).code).toBe(0);
    platform = openPlatform({ dataDir, access: 'read' });
  }, 120_000);

  afterAll(() => {
    platform?.close();
    remove();
  });

  const query = async (sql: string) => (await platform.env.warehouse.query(sql)).rows;

  test('are all there, to the cent: identical lines and zero amounts included', async () => {
    expect(await query('select count(*), count(distinct subject_id), sum(amount) from fact_sales')).toEqual([
      [6919, 2357, '244091.9400'],
    ]);
    expect(await query('select count(*) from fact_sales where amount = 0')).toEqual([[8]]);
    const repeated = `select count(*) from (
      select subject_id from fact_sales group by subject_id, ordered_on, quantity, amount having count(*) > 1) as same`;
    expect(await query(repeated)).toEqual([[19]]);
  });

  test('give each customer the repeat purchases that the published summary counts', async () => {
    const expected = readFileSync(summary, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','));
    const ids = expected.map(([id]) => ({ namespace: 'user' as const, id: id!.padStart(4, '0') }));
    const subjects = (await platform.env.vault.lookUp(ids)).map((found) =>
      found?.state === 'known' ? found.subject.subjectId : '',
    );
    const days = new Map(
      (
        await query(
          "select subject_id, count(distinct ordered_on) - 1 from fact_sales where ordered_on <= date '1997-09-30' group by subject_id",
        )
      ).map(([subject, repeats]) => [subject, repeats]),
    );
    expect(expected.length).toBeGreaterThan(2000);
    expect(expected.map(([id], index) => [id, days.get(subjects[index]!)])).toEqual(
      expected.map(([id, x]) => [id, Number(x)]),
    );
  });

  test('change nothing when they are uploaded and run again', async () => {
    expect(JSON.parse((await upload()).stdout)).toMatchObject({ isKnown: true, received: 0 });
    const run = await c360(['run', '--data-dir', dataDir, '--format', 'json']);
    expect(JSON.parse(run.stdout)).toMatchObject({ status: 'idle', snapshot: 1 });
    expect(await query('select count(*) from fact_sales')).toEqual([[6919]]);
  });
});
