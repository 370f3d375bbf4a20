/** The demo beside its main use: for programs, for readers who leave early, and on files that had been brought in by hand. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { c360, type Finished, repositoryRoot, temporaryDataDir } from '../support/c360.ts';

const tiny = ['--size', 'tiny'];

describe('a demo for programs', () => {
  const { dataDir, remove } = temporaryDataDir();
  let asJson: Finished;
  let asCsv: Finished;
  beforeAll(async () => {
    asJson = await c360(['demo', ...tiny, '--data-dir', dataDir, '--format', 'json']);
    asCsv = await c360(['demo', ...tiny, '--data-dir', dataDir, '--format', 'csv']);
  }, 120_000);
  afterAll(remove);

  test('prints one JSON document with the files, the steps, the counts and an index of the answers', () => {
    const { files, run, status, answers } = JSON.parse(asJson.stdout) as Record<string, unknown>;
    expect(files).toContainEqual({ file: 'events.jsonl', cameInBefore: false, received: 2000, quarantined: 0 });
    expect(run).toMatchObject({
      status: 'succeeded',
      snapshot: 1,
      steps: expect.arrayContaining([expect.objectContaining({ step: 'plan' })]),
    });
    expect(status).toMatchObject({ isBalanced: true, loadedSnapshot: 1 });
    expect(answers).toContainEqual(expect.objectContaining({ number: 2, name: 'monthly_revenue', rowCount: 6 }));
  });

  test('prints one CSV table of the same figures', () => {
    const lines = asCsv.stdout.trimEnd().split('\n');
    expect(lines[0]).toBe('part,name,figure,value');
    expect(lines).toEqual(
      expect.arrayContaining([
        'file,events.jsonl,cameInBefore,true',
        'count,events,received,2000',
        'answer,monthly_revenue,rowCount,6',
      ]),
    );
    expect(lines.every((line) => line.split(',').length === 4)).toBe(true);
  });

  test('tells each step in lines of the terminal, digits grouped, no figure apart from its name', () => {
    expect(asJson.stderr).toMatch(/dim_date 36,525/);
    const steps = asJson.stderr.slice(asJson.stderr.indexOf('The pipeline runs'), asJson.stderr.indexOf('\n1  '));
    expect(Math.max(...steps.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  test('tells people what it does on stderr', () => {
    expect(asJson.stderr).toContain('Every record is accounted for');
    expect(asJson.stdout).not.toContain('Every record');
  });
});

describe('a reader that leaves early', () => {
  const { dataDir, remove } = temporaryDataDir();
  afterAll(remove);

  /** Runs a command whose output is read up to its first piece only. */
  async function leaveEarly(args: string[]): Promise<number> {
    const child = spawn(process.execPath, ['bin/c360.mjs', ...args, '--data-dir', dataDir], {
      cwd: repositoryRoot,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = await once(child, 'exit');
    return code as number;
  }

  test('does not keep the demo from its end', async () => {
    expect(await leaveEarly(['demo', ...tiny])).toBe(0);
    const { stdout } = await c360(['status', '--format', 'json', '--data-dir', dataDir]);
    expect(JSON.parse(stdout)).toMatchObject({ isBalanced: true, loadedSnapshot: 1 });
    expect((await c360(['demo', ...tiny, '--data-dir', dataDir])).stdout.match(/came in before/g)).toHaveLength(4);
  }, 120_000);

  test('ends a command that only reads, without an error', async () => {
    expect(await leaveEarly(['sql', 'select * from dim_date', '--limit', '0', '--format', 'csv'])).toBe(0);
  });
});

describe('files that had been brought in by hand', () => {
  const { dataDir, remove } = temporaryDataDir();
  afterAll(remove);

  test('are known to the demo, and nothing is sent twice', async () => {
    const out = join(dataDir, '../generated');
    await c360(['generate', ...tiny, '--out', out]);
    for (const dataset of ['customers', 'products', 'transactions']) {
      await c360(['upload', dataset, join(out, `${dataset}.csv`), '--data-dir', dataDir]);
    }
    await c360(['produce', join(out, 'events.jsonl'), '--data-dir', dataDir]);
    const { stdout } = await c360(['demo', ...tiny, '--data-dir', dataDir]);
    expect(stdout.match(/ (\S+) +came in before/g)?.map((line) => line.trim().split(/ +/)[0])).toEqual([
      'customers.csv',
      'products.csv',
      'transactions.csv',
      'events.jsonl',
    ]);
    const status = await c360(['status', '--format', 'json', '--data-dir', dataDir]);
    const { datasets } = JSON.parse(status.stdout) as { datasets: { dataset: string; received: number }[] };
    expect(datasets[0]).toMatchObject({ dataset: 'events', received: 2000, duplicates: 0 });
  }, 120_000);
});
