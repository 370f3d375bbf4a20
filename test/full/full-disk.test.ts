/**
 * A disk that is full, or fills up while a command works: the command says what is full and what to do, leaves nothing
 * half-written, and once there is room the same command comes to the same end.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { c360 } from '../support/c360.ts';
import { describeWithSmallDisk, type SmallDisk, smallDisk } from '../support/small-disk.ts';
import type { Attempted } from '../support/stores-on-full-disk.ts';

/** What a person is told: the path or table that found no room, and that freeing some is the way out. */
const told = /^error \S+(:.*)? (finds no space left on its disk|no space is left on the disk); free some/m;

describeWithSmallDisk('on a full disk', () => {
  const source = mkdtempSync(join(tmpdir(), 'c360-generated-'));
  const file = (name: string) => join(source, name);
  let disk: SmallDisk;
  let data: string[];

  beforeAll(async () => {
    expect((await c360(['generate', '--size', 'tiny', '--out', source])).code).toBe(0);
    disk = await smallDisk(24);
    data = ['--data-dir', `${disk.path}/data`];
  });
  afterAll(() => {
    disk?.close();
    rmSync(source, { recursive: true });
  });
  beforeEach(async () => {
    await disk.makeRoom();
    await disk.run('sh', ['-c', `rm -rf ${disk.path}/*`]);
  });

  const succeed = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await disk.c360([...args, ...data, '--format', 'json']);
    expect([code, stderr]).toEqual([0, expect.anything()]);
    return stdout;
  };
  const status = async () => JSON.parse(await succeed('status'));

  /** Runs the command with ever more room until it succeeds; where it does not, it must say so. */
  const withMoreAndMoreRoom = async (steps: number[], args: string[], afterFailure: () => Promise<void>) => {
    let failures = 0;
    for (const kilobytes of steps) {
      await disk.leave(kilobytes);
      const { code, stdout, stderr } = await disk.c360([...args, ...data]);
      await disk.makeRoom();
      if (code === 0) break;
      failures += 1;
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(told);
      expect(stderr).not.toMatch(/\n\s+at /);
      await afterFailure();
    }
    return failures;
  };

  test('upload is refused, at whichever of its writes, and then brings every row in once', async () => {
    const nothingHalf = async () => {
      for (const name of await disk.files('data')) expect(name).not.toMatch(/lake\/\.tmp\//);
    };
    const steps = [0, 8, 16, 24, 40, 64, 96, 128, 160, 200, 240, 300];
    const failures = await withMoreAndMoreRoom(steps, ['upload', 'customers', file('customers.csv')], nothingHalf);
    expect(failures).toBeGreaterThan(5);
    await succeed('upload', 'customers', file('customers.csv'));
    const { datasets, isBalanced, unfinishedFiles } = await status();
    const customers = datasets.find(({ dataset }: { dataset: string }) => dataset === 'customers');
    expect([customers.received, customers.raw, isBalanced, unfinishedFiles]).toEqual([210, 210, true, 0]);
    expect((await disk.files('data/lake')).filter((name) => name.startsWith('./landing/'))).toEqual([]);
  });

  test('produce is refused while the stream finds no room, and then puts every event once', async () => {
    await succeed('upload', 'products', file('products.csv'));
    const produce = ['produce', file('events.jsonl')];
    expect(await withMoreAndMoreRoom([0, 12, 60, 200, 500], produce, async () => {})).toBe(5);
    await succeed(...produce);
    const { datasets, isBalanced } = await status();
    const events = datasets.find(({ dataset }: { dataset: string }) => dataset === 'events');
    expect([events.received, isBalanced]).toEqual([2000, true]);
  });

  test('the archive waits for room and then goes on; it gives no record up', async () => {
    await succeed('upload', 'products', file('products.csv'));
    await disk.leave(1500);
    let freed: Promise<void> | undefined;
    const { code, stderr } = await disk.c360(['produce', file('events.jsonl'), ...data], (text) => {
      if (/ finds no space left on its disk; free some.*; trying again/.test(text)) freed ??= disk.makeRoom();
    });
    await freed;
    expect([code, freed, stderr]).toEqual([0, expect.anything(), expect.stringContaining('trying again')]);
    const { datasets, isBalanced } = await status();
    const events = datasets.find(({ dataset }: { dataset: string }) => dataset === 'events');
    expect([events.received, events.raw, isBalanced]).toEqual([2000, 2000, true]);
    expect((await disk.files('data/lake')).filter((name) => /quarantine|failed/.test(name))).toEqual([]);
  });

  test('run publishes nothing or all, and the next one comes to the answers', async () => {
    for (const name of ['products', 'customers', 'transactions']) await succeed('upload', name, file(`${name}.csv`));
    const published: number[] = [];
    const noPartOfASnapshot = async () => {
      const { snapshot, isBalanced, datasets } = await status();
      expect(isBalanced).toBe(true);
      const clean = datasets.find(({ dataset }: { dataset: string }) => dataset === 'transactions').clean;
      expect(clean).toBe(snapshot ? 1000 : 0);
      published.push(snapshot?.number ?? 0);
      const loading = (await disk.files('data')).filter((name) => /warehouse\/loading-|lake\/\.tmp\//.test(name));
      expect(loading).toEqual([]);
    };
    const failures = await withMoreAndMoreRoom([0, 40, 200, 800, 1200, 2000, 3000, 5000], ['run'], noPartOfASnapshot);
    expect(failures).toBeGreaterThan(5);
    expect(Math.max(...published)).toBe(1);
    await succeed('run');
    expect(await status()).toMatchObject({ snapshot: { number: 1 }, loadedSnapshot: 1, isBalanced: true });
    expect(JSON.parse(await succeed('sql', 'select count(*) as sales from fact_sales'))).toMatchObject({
      rows: [{ sales: 1000 }],
    });
  });

  test('generate names the file, and leaves no part of it', async () => {
    const out = `${disk.path}/generated`;
    await disk.leave(100);
    const { code, stderr } = await disk.c360(['generate', '--size', 'tiny', '--out', out]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(told)]);
    expect(stderr).toContain(`${out}/transactions.csv finds no space left`);
    expect(await disk.files('generated')).toEqual(['./customers.csv', './products.csv']);
    await disk.makeRoom();
    expect((await disk.c360(['generate', '--size', 'tiny', '--out', out, '--force'])).code).toBe(0);
  });

  test('each store says that it may be tried again, holds nothing of the write, and then all of it', async () => {
    const folder = `${disk.path}/stores`;
    const program = join(import.meta.dirname, '../support/stores-on-full-disk.ts');
    const { stdout, stderr } = await disk.run(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      program,
      folder,
    ]);
    expect(stderr).toBe('');
    const attempted = JSON.parse(stdout) as Record<string, Attempted>;
    for (const [name, { failure }] of Object.entries(attempted)) {
      const message = `${folder}/${name} finds no space left on its disk; free some, and it can be tried again`;
      expect(failure).toEqual({ retryable: true, message });
    }
    const { 'ledger.jsonl': ledger, 'vault.sqlite': vault, ...others } = attempted;
    const held = Object.entries(others).map(([name, { heldBefore, heldAfter }]) => [name, heldBefore, heldAfter]);
    expect(held).toEqual([
      ['objects/raw/a', [], ['raw/a']],
      ['objects/raw/b', ['raw/a'], ['raw/a', 'raw/b']],
      ['hot.sqlite', 0, 1],
      ['stream.sqlite', 0, 1],
      ['other-keys/root.key', false, true],
    ]);
    // Each person is created on their own.
    expect(vault).toMatchObject({ heldBefore: expect.any(Number), heldAfter: 2000 });
    // Entries that found room may stay: a second one of an id does no harm. None is torn, and the numbers have no gap.
    const numbers = ledger!.heldAfter as number[];
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(numbers.length).toBe((ledger!.heldBefore as number[]).length + 100);
  });
});
