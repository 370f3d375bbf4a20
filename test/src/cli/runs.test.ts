/** The commands around runs: what was run, what is run again, and the platform kept going until a signal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { c360, repositoryRoot, temporaryDataDir } from '../../support/c360.ts';

const { dataDir, remove } = temporaryDataDir();
const inDataDir = (...args: string[]) => c360([...args, '--data-dir', dataDir]);

beforeAll(async () => {
  const file = join(dirname(dataDir), 'sales.csv');
  mkdirSync(dirname(dataDir), { recursive: true });
  writeFileSync(
    file,
    'transaction_id,line_no,customer_id,product_id,quantity,amount,currency,channel,country,payment_method,ordered_at\n' +
      't1,1,u1,p1,1,10,USD,web,DE,card,2026-02-01T10:00:00Z\n',
  );
  expect((await inDataDir('upload', 'transactions', file)).code).toBe(0);
  expect((await inDataDir('run')).code).toBe(0);
}, 120_000);
afterAll(remove);

const runs = async (...args: string[]) => {
  const { stdout } = await inDataDir('runs', ...args, '--format', 'json');
  return (JSON.parse(stdout) as { rows: Record<string, unknown>[] }).rows;
};

test('runs are listed, and each is shown with its steps', async () => {
  const [run] = await runs();
  expect(run).toMatchObject({ kind: 'run', status: 'succeeded', snapshot: 1, failed_step: null });
  expect(await runs('--status', 'failed')).toEqual([]);
  const shown = await inDataDir('runs', 'show', String(run!.run), '--format', 'json');
  expect(JSON.parse(shown.stdout)).toMatchObject({
    runId: run!.run,
    inputs: { transactions: 1 },
    steps: expect.arrayContaining([expect.objectContaining({ step: 'load warehouse' })]),
  });
  const told = await inDataDir('runs', 'show', String(run!.run));
  expect(told.stdout).toMatch(/status: succeeded[\s\S]*publish answers +2/);
});

test('a date is made anew by replay', async () => {
  const { code, stderr } = await inDataDir('replay', '--from', '2026-02-01');
  expect([code, stderr]).toEqual([
    0,
    expect.stringContaining('to make anew: 2026-02-01, of raw objects: transactions 1'),
  ]);
  expect((await runs())[0]).toMatchObject({ kind: 'backfill', status: 'succeeded', snapshot: 2 });
}, 120_000);

test.each`
  command                                                     | told
  ${['runs', 'show', 'r1']}                                   | ${/^error there is no run r1; c360 runs lists/m}
  ${['runs', '--status', 'lost']}                             | ${/Allowed choices are running, succeeded/}
  ${['replay', '--from', '2026-02-30']}                       | ${/^error from must be a date YYYY-MM-DD/m}
  ${['replay', '--from', '2026-02-02', '--to', '2026-02-01']} | ${/^error from must not be behind to/m}
  ${['replay', '--run', 'r1', '--to', '2026-02-01']}          | ${/cannot be used with option/}
  ${['serve', '--every', 'often']}                            | ${/It must be a number of minutes, hours or days/}
`('a clear error for $command', async ({ command, told }) => {
  const { code, stdout, stderr } = await inDataDir(...command);
  expect([code, stdout, stderr]).toEqual([1, '', expect.stringMatching(told)]);
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  'serve runs when asked, and ends in order at %s',
  async (signal) => {
    const child = spawn(process.execPath, ['bin/c360.mjs', 'serve', '--every', '1d', '--now', '--data-dir', dataDir], {
      cwd: repositoryRoot,
      stdio: ['ignore', 'ignore', 'pipe'],
      // The whole group gets the signal, as from a terminal or a service manager.
      detached: true,
    });
    let told = '';
    let isSent = false;
    child.stderr.on('data', (text) => {
      told += text;
      if (isSent || !/^Next run: /m.test(told)) return;
      isSent = true;
      process.kill(-child.pid!, signal);
    });
    const [code] = await once(child, 'exit');
    expect([code, told]).toEqual([
      0,
      expect.stringMatching(/^Serving .*rate\(1 days\)[\s\S]*Nothing is new[\s\S]*Stopped\.$/m),
    ]);
    // The lock is free for the next.
    expect((await inDataDir('run')).code).toBe(0);
  },
  120_000,
);
