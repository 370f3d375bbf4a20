/** `docs/how-to-add.md` tells the truth: its files, and no others, added to a copy of the repository, do what it says. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { repositoryRoot } from '../support/c360.ts';

const page = readFileSync(join(repositoryRoot, 'docs/how-to-add.md'), 'utf8');
const sections = page.split(/^## /m).slice(1);

/** The files that the page holds whole: fences that name a path. */
const files = [...page.matchAll(/^( *)```\w+ (\S+)\n([\s\S]*?)^ *```$/gm)].map(([, indent, path, text]) => ({
  path: path!,
  text: text!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
}));

/** Folders in which the page adds something, or from which that is run. */
const copied = [
  'bin',
  'config',
  'lambdas',
  'lib',
  'schemas',
  'scripts',
  'sql',
  'src',
  'test',
  'package.json',
  'package-lock.json',
];
const copy = mkdtempSync(join(tmpdir(), 'c360-how-to-add-'));

const run = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const options = { cwd: copy, env: { ...process.env, NO_COLOR: '1' }, maxBuffer: 2 ** 26 };
    execFile(process.execPath, args, options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
  });
const c360 = (...args: string[]) => run('bin/c360.mjs', ...args);

const eventOf = (id: number, type: string, payload: object) => {
  const eventId = `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`;
  return JSON.stringify({
    eventId,
    type,
    timestamp: '2026-01-05T10:00:00Z',
    payload: { anonymousId: 'a1', ...payload },
  });
};

/** Brings in one file of events and runs the pipeline. */
async function bringInEvents(name: string, ...events: string[]): Promise<void> {
  writeFileSync(join(copy, name), `${events.join('\n')}\n`);
  for (const args of [['produce', name], ['run']]) expect(await c360(...args)).toMatchObject({ code: 0 });
}

beforeAll(async () => {
  for (const name of copied) cpSync(join(repositoryRoot, name), join(copy, name), { recursive: true });
  symlinkSync(join(repositoryRoot, 'node_modules'), join(copy, 'node_modules'));
  // What is added meets a platform that holds data of before.
  await bringInEvents('before.jsonl', eventOf(1, 'page_view', { page: '/' }));
  for (const { path, text } of files) {
    mkdirSync(join(copy, dirname(path)), { recursive: true });
    writeFileSync(join(copy, path), text);
  }
  expect(await run('scripts/pinned.mjs', 'src/contracts/publish.ts')).toMatchObject({ code: 0 });
}, 180_000);

afterAll(() => rmSync(copy, { recursive: true }));

test('each section asks for three files at most', () => {
  expect(sections.length).toBeGreaterThan(2);
  for (const section of sections) {
    const [, count] = /^(Two|Three) files\b/m.exec(section) ?? [];
    const numbered = section.match(/^\d\. `/gm)?.length;
    expect([section.split('\n')[0], count]).toEqual([expect.anything(), numbered === 2 ? 'Two' : 'Three']);
  }
  const named = sections.flatMap((section) => [...section.matchAll(/^\d\. `([^`<]*)/gm)].map(([, path]) => path!));
  // Each file is one that the page names; the record of published contracts is written by a command.
  expect(named.filter((path) => files.some((file) => file.path.startsWith(path))).length).toBe(files.length);
});

test('an added event type is taken, kept with its own column, and met by what was there before', async () => {
  await bringInEvents('after.jsonl', eventOf(2, 'wishlist_add', { productId: 'p1', wishlistSize: 3 }));
  const events = await c360('sql', 'select event_type, product_id from fact_event order by 1', '--format', 'csv');
  expect(events.stdout).toBe('event_type,product_id\npage_view,\nwishlist_add,p1\n');
  const status = await c360('status', '--format', 'json');
  expect(JSON.parse(status.stdout)).toMatchObject({ isBalanced: true });
});

test('an added check is judged with each run', async () => {
  const { stdout } = await c360('quality', '--all', '--format', 'csv');
  expect(stdout).toMatch(/^curated\.daily_metrics_batch,amount_is_not_negative,passed,0,\d+,/m);
});

test('an added query answers, is listed, and stands in the dictionary beside the event type', async () => {
  const header =
    'transaction_id,line_no,product_id,quantity,amount,currency,channel,country,payment_method,ordered_at\n';
  writeFileSync(join(copy, 'sales.csv'), `${header}t1,1,p1,1,12.50,USD,web,DE,card,2024-02-29T10:00:00Z\n`);
  for (const args of [['upload', 'transactions', 'sales.csv'], ['run']]) {
    expect(await c360(...args)).toMatchObject({ code: 0 });
  }
  expect((await c360('query', '15', '--format', 'csv')).stdout).toBe('iso_weekday,orders,revenue\n4,1,12.5000\n');
  expect((await c360('query')).stdout).toMatch(/15 +weekday_revenue +On which weekdays/);
  const { stdout: dictionary } = await c360('dictionary');
  expect(dictionary).toContain('### 15 Revenue by weekday (`weekday_revenue`)');
  expect(dictionary).toMatch(/^\| `wishlist_size` \| BIGINT \| Products on the wishlist after it \|$/m);
});

test('the tests that hold for every event type and query hold for the added ones', async () => {
  const { default: config } = (await import(join(repositoryRoot, 'jest.config.mjs'))) as { default: object };
  const alone = { ...config, rootDir: copy, globalSetup: undefined, globalTeardown: undefined, maxWorkers: 1 };
  writeFileSync(join(copy, 'jest.config.json'), JSON.stringify(alone));
  const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--config', 'jest.config.json'];
  const suites = ['contracts', 'domain/quality'].map((folder) => `test/src/${folder}`);
  suites.push('test/sql/golden', 'test/sql/lint', 'test/sql/portability');
  const { code, stderr } = await run(
    'scripts/pinned.mjs',
    ...jest,
    ...suites,
    '-t',
    '15_|contract|every query|checks of every model',
  );
  expect([code, stderr]).toEqual([0, expect.stringContaining('PASS')]);
  const names = (folder: string) => readdirSync(join(copy, folder)).map((name) => basename(name).replace(/\.\w+$/, ''));
  expect(names('test/sql/answers')).toEqual(names('sql/queries'));
}, 180_000);
