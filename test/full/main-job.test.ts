/**
 * The main job as a user sees it: generated data through both doors, the run, the answers. One demo of the default size
 * serves all tests of this file.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { readAnswer, readQueries, servingIndex } from '../../src/flows/publish-answers.ts';
import { generate } from '../../src/generators/files.ts';
import { plantedTruths } from '../../src/generators/truths.ts';
import { openPlatform, type Platform } from '../../src/local/platform.ts';
import type { Scalar } from '../../src/ports.ts';
import { c360, type Finished, temporaryDataDir } from '../support/c360.ts';
import { PersonalDataSearch } from '../support/personal-data-search.ts';

const { dataDir, remove } = temporaryDataDir();
let demo: Finished;
let platform: Platform;

beforeAll(async () => {
  demo = await c360(['demo', '--once', '--data-dir', dataDir]);
  platform = openPlatform({ dataDir, access: 'read' });
}, 240_000);

afterAll(() => {
  platform?.close();
  remove();
});

/** The rows of an answer in serving/, as objects. */
async function answer(name: string): Promise<Record<string, Scalar>[]> {
  const { rows, columns } = (await readAnswer(platform.env, name))!;
  return rows.map((row) => Object.fromEntries(row.map((value, index) => [columns[index]!.name, value])));
}

const query = async (sql: string) => (await platform.env.warehouse.query(sql)).rows;

describe('the demo', () => {
  test('succeeds and shows each answer, that the counts add up, and what to try next', () => {
    expect([demo.code, demo.stderr]).toEqual([0, '']);
    for (const title of ['Customer lifetime value', 'Monthly revenue', 'Cohort retention', 'Experiment results']) {
      expect(demo.stdout).toContain(title);
    }
    expect(demo.stdout).toMatch(/events +yes +100,000 +100,000 +0 +100,000/);
    expect(demo.stdout).toContain('What to try next');
  });

  test('publishes one snapshot, and the answers in serving/ are of that snapshot', async () => {
    const index = await servingIndex(platform.env);
    expect(index?.snapshot).toBe(1);
    expect(index?.answers.map(({ number }) => number)).toEqual(
      readQueries(platform.env.sql).map(({ number }) => number),
    );
  });

  test('leaves nothing in landing', async () => {
    const landed: string[] = [];
    for await (const { key } of platform.env.objects.list('landing/')) landed.push(key);
    expect(landed).toEqual([]);
  });
});

describe('revenue', () => {
  test('is the same to the cent in query 2, in fact_sales and in clean transactions', async () => {
    const [[sales]] = (await query('select sum(amount) from fact_sales')) as [[string]];
    const monthly = (await answer('monthly_revenue')).reduce((sum, row) => sum + minor(String(row.revenue)), 0n);
    expect(monthly).toBe(minor(sales));
    expect(await cleanRevenue()).toBe(minor(sales));
    expect(minor(sales)).toBeGreaterThan(0n);
  });

  /** From the Parquet files themselves. */
  async function cleanRevenue(): Promise<bigint> {
    const folder = join(dataDir, 'lake/clean/transactions');
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const files = `read_parquet('${folder}/*/*/*.parquet', hive_partitioning = false)`;
    const rows = (await connection.runAndReadAll(`select sum(amount)::varchar from ${files}`)).getRowsJson();
    connection.closeSync();
    return minor(String(rows[0]![0]));
  }

  const minor = (amount: string): bigint => BigInt(amount.replace('.', ''));
});

describe('each planted truth is the extreme of the column that names it', () => {
  const truths = plantedTruths();

  test('the best cohort has the highest mean retention', async () => {
    const best = (await answer('cohort_retention'))
      .filter((row) => row.mean_retention_rate !== null)
      .reduce((a, b) => (Number(b.mean_retention_rate) > Number(a.mean_retention_rate) ? b : a));
    expect([best.cohort_on, best.is_best_cohort]).toEqual([`${truths.bestCohort}-01`, true]);
  });

  test.each(Object.entries(truths.worstFunnelStep))(
    '%s loses most visitors on the way to %s',
    async (channel, step) => {
      const worst = (await answer('channel_conversion_funnel'))
        .filter((row) => row.channel === channel && row.step_conversion_rate !== null)
        .reduce((a, b) => (Number(b.step_conversion_rate) < Number(a.step_conversion_rate) ? b : a));
      expect([worst.step, worst.is_worst_step]).toEqual([step, true]);
    },
  );

  test('the pair bought together has the highest lift', async () => {
    const best = (await answer('product_affinity')).reduce((a, b) => (Number(b.lift) > Number(a.lift) ? b : a));
    expect([best.product_a, best.product_b]).toEqual(truths.boughtTogether);
  });

  test('the winner of the experiment converts best, and not by chance', async () => {
    const variants = (await answer('experiment_results')).filter((row) => row.experiment === truths.experiment.name);
    const best = variants.reduce((a, b) => (Number(b.conversion_rate) > Number(a.conversion_rate) ? b : a));
    expect([best.variant, best.is_winner, best.is_significant]).toEqual([truths.experiment.winner, true, true]);
  });
});

describe('no sale is lost', () => {
  test.each`
    dimension         | fact            | key
    ${'dim_customer'} | ${'fact_sales'} | ${'subject_id'}
    ${'dim_customer'} | ${'fact_event'} | ${'subject_id'}
    ${'dim_product'}  | ${'fact_sales'} | ${'product_id'}
  `('each $key of $fact has exactly one version in $dimension at its time', async ({ dimension, fact, key }) => {
    const time = fact === 'fact_sales' ? 'ordered_at' : 'occurred_at';
    const rows = await query(
      `select count(*) from (
         select fact.${key}, count(version.${key}) as versions
         from ${fact} as fact
         left join ${dimension} as version
           on version.${key} = fact.${key} and version.valid_from <= fact.${time} and fact.${time} < version.valid_to
         where fact.${key} is not null
         group by fact.${fact === 'fact_sales' ? 'sale_key' : 'event_key'}, fact.${key}
       ) as joined where versions <> 1`,
    );
    expect(rows).toEqual([[0]]);
  });

  test('sales of customers and products that no file describes have inferred members', async () => {
    const rows = await query(
      `select (select count(*) from dim_customer where is_inferred), (select count(*) from dim_product where is_inferred)`,
    );
    expect(rows[0]!.every((members) => Number(members) > 0)).toBe(true);
  });
});

describe('personal data', () => {
  const search = new PersonalDataSearch();
  const customers = [...generate()[0]!.lines()].slice(1).map(csvCells);
  for (const [id, email, name, address, phone] of customers) {
    search.add('natural id', id!);
    search.add('email', email!);
    search.add('name', name!);
    search.add('address', address!);
    search.add('phone', phone!);
  }

  test('is found by the search in what the customers send: the search works', () => {
    const found = search.kindsIn(customers.map((cells) => cells.join('\n')).join('\n'));
    for (const kind of ['natural id', 'email', 'name', 'address', 'phone']) {
      expect([kind, found.get(kind)! >= 5000]).toEqual([kind, true]);
    }
  });

  test('of no generated customer is anywhere under the data directory but in the vault', async () => {
    const { files, finds } = await search.findIn(dataDir, ['vault']);
    expect(files).toBeGreaterThan(4000);
    expect(finds).toEqual([]);
  }, 240_000);

  test('lies in the vault sealed, so that it is not found there either', async () => {
    expect((await search.findIn(join(dataDir, 'vault'), [])).finds).toEqual([]);
    const [resolution] = await platform.env.vault.lookUp([{ namespace: 'user', id: customers[0]![0]! }]);
    const kept =
      resolution?.state === 'known' ? await platform.env.vault.personalData(resolution.subject.subjectId) : undefined;
    expect(kept?.email).toBe(customers[0]![1]);
  });

  function csvCells(line: string): string[] {
    return [...line.trimEnd().matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, cell]) =>
      cell!.replaceAll(/^"|"$/g, '').replaceAll('""', '"'),
    );
  }
});

describe('the demo again', () => {
  test('finds nothing to do and doubles nothing', async () => {
    const before = snapshots();
    const again = await c360(['demo', '--once', '--data-dir', dataDir]);
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('Nothing is new');
    expect(snapshots()).toEqual(before);
    const status = await c360(['status', '--format', 'json', '--data-dir', dataDir]);
    expect(status.code).toBe(0);
    const { datasets, isBalanced } = JSON.parse(status.stdout) as {
      datasets: Record<string, Scalar>[];
      isBalanced: boolean;
    };
    expect(isBalanced).toBe(true);
    expect(datasets.map(({ dataset, received, clean, pending }) => [dataset, received, clean, pending])).toEqual([
      ['events', 100_000, 100_000, 0],
      ...generate()
        .slice(0, 3)
        .map(({ dataset, count }) => [dataset, count, count, 0]),
    ]);
  });

  const snapshots = () => readdirSync(join(dataDir, 'lake/snapshots'));
});
