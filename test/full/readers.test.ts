/** Readers are answered at any time, and see whole snapshots only. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ingestBatch } from '../../src/flows/ingest-batch.ts';
import { runPipeline } from '../../src/local/run-pipeline.ts';
import { c360, repositoryRoot } from '../support/c360.ts';
import { type DoorPlatform, doorPlatform } from '../support/door-platform.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { stoppedRun } from '../support/stopped-run.ts';

const newDirectory = temporaryDirectories();
const header =
  'transaction_id,line_no,customer_id,product_id,quantity,amount,currency,channel,country,payment_method,ordered_at';

/** Ingests the n-th order: of amount n, by a person and of a product that no other order has. */
async function order({ env, land, clock }: DoorPlatform, n: number): Promise<void> {
  const row = `t${n},1,u${n},p${n},1,${n},USD,web,DE,card,2026-02-01T10:00:00Z`;
  await ingestBatch(env)(await land('transactions', `${header}\n${row}\n`));
  clock.advance(60);
}

describe('a hundred readers', () => {
  const publishes = 20;
  /** So many processes hold the readers, each its share: DuckDB and SQLite are opened for every question anyhow. */
  const processes = 4;
  const readersEach = 25;

  interface Report {
    answers: number[];
    seen: string[];
    breaches: string[];
  }

  test(`see whole snapshots only during ${publishes} publishes, and never an older one again`, async () => {
    const directory = newDirectory();
    const platform = doorPlatform(directory);
    await order(platform, 1);
    await runPipeline(platform.env);
    const dataDir = join(directory, 'data');
    const children = Array.from({ length: processes }, () =>
      fork(join(repositoryRoot, 'test/support/readers.mjs'), [dataDir, String(readersEach)], {
        execArgv: ['--disable-warning=ExperimentalWarning'],
      }),
    );
    try {
      await Promise.all(children.map((child) => once(child, 'message')));
      for (let n = 2; n <= publishes + 1; n += 1) {
        await order(platform, n);
        await runPipeline(platform.env);
      }
      const reports = Promise.all(children.map(async (child) => (await once(child, 'message'))[0] as Report));
      for (const child of children) child.send('end');
      const all = await reports;
      expect(all.flatMap(({ breaches }) => breaches)).toEqual([]);
      // Each reader asked while snapshots changed, of each kind of question.
      expect(all.flatMap(({ answers }) => answers).filter((answers) => answers >= 3)).toHaveLength(100);
      for (const name of ['warehouse', 'serving', 'lake']) {
        const snapshots = new Set(all.flatMap(({ seen }) => seen.filter((view) => view.startsWith(name))));
        expect(snapshots.size).toBeGreaterThan(publishes / 2);
      }
    } finally {
      for (const child of children) child.kill();
      platform.close();
    }
  });
});

describe('while a load is in the middle of its transaction', () => {
  const read = (dataDir: string) =>
    Promise.all([
      c360(['sql', 'select count(*) as orders from fact_sales', '--format', 'csv', '--data-dir', dataDir]),
      c360(['query', 'geographic_revenue', '--format', 'json', '--data-dir', dataDir]),
    ]);

  test('`c360 sql` and `c360 query` answer from the snapshot before, and behind it from the new one', async () => {
    const directory = newDirectory();
    const platform = doorPlatform(directory, '2026-11-01T10:00:00Z');
    await order(platform, 1);
    await runPipeline(platform.env);
    await order(platform, 2);
    platform.close();
    const dataDir = join(directory, 'data');
    const old = await read(dataDir);
    expect(old.map(({ code }) => code)).toEqual([0, 0]);

    const load = stoppedRun(dataDir, { step: 'load warehouse', number: 30, when: 'after', signal: 'SIGSTOP' });
    expect(await Promise.race([load.reached, load.ended])).toMatchObject({ name: 'runAndReadAll' });
    expect(await read(dataDir)).toEqual(old);
    load.resume();
    expect(await load.ended).toMatch(/^Snapshot 2 is loaded/);
    const [orders, revenue] = await read(dataDir);
    expect([orders!.stdout, orders!.stderr]).toEqual(['orders\n2\n', '']);
    expect(revenue!.stdout).not.toEqual(old[1]!.stdout);
  });
});
