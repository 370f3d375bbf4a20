/** Commands that read: they make no file, need no key that they do not use, and say in a line what they cannot do. */
import { execFile } from 'node:child_process';
import { chmodSync, chownSync, cpSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { c360, type Finished, repositoryRoot } from '../../support/c360.ts';

const folder = mkdtempSync(join(tmpdir(), 'c360-reading-'));
const dataDir = join(folder, 'data');
const reads = [['status'], ['snapshots'], ['query', '2'], ['sql', 'select count(*) as n from fact_sales']];

/** Root may write everywhere, so what rights forbid is tried as a user without any. */
const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

/** Runs `c360` as a user who has no more rights than the files' modes give. */
function c360AsNobody(args: string[]): Promise<Finished> {
  return new Promise((resolve) => {
    const options = { cwd: repositoryRoot, env: { ...process.env, NO_COLOR: '1' }, ...nobody };
    execFile(process.execPath, ['bin/c360.mjs', ...args], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
  });
}

const below = (directory: string): string[] => [
  directory,
  ...readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => join(directory, name)),
];
/** Each file with the time of its last change: what a writer would alter. */
const traces = (directory: string) =>
  below(directory)
    .map((path) => `${path} ${lstatSync(path).mtimeMs}`)
    .sort();

beforeAll(async () => {
  chmodSync(folder, 0o755);
  const { code } = await c360(['demo', '--size', 'tiny', '--data-dir', dataDir]);
  expect(code).toBe(0);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

test.each(reads)('%s makes no file and changes none', async (...args) => {
  const before = [...traces(dataDir), ...traces(`${dataDir}.keys`)];
  expect((await c360([...args, '--data-dir', dataDir])).code).toBe(0);
  expect([...traces(dataDir), ...traces(`${dataDir}.keys`)]).toEqual(before);
});

test('before the first run the empty warehouse answers, and no file of it is made', async () => {
  const early = join(folder, 'early');
  await c360(['generate', '--size', 'tiny', '--out', join(folder, 'generated')]);
  await c360(['upload', 'products', join(folder, 'generated/products.csv'), '--data-dir', early]);
  const { code, stdout } = await c360([...reads[3]!, '--format', 'csv', '--data-dir', early]);
  expect([code, stdout, below(early).filter((path) => path.includes('warehouse'))]).toEqual([0, 'n\n0\n', []]);
});

test('what a writer that was cut off had begun is taken back, and the reader answers', async () => {
  const [writing, cutOff] = [join(folder, 'writing'), join(folder, 'cut-off')];
  cpSync(dataDir, writing, { recursive: true });
  const writer = new DatabaseSync(join(writing, 'hot.sqlite'));
  // So many changes do not fit in the cache: the file holds half of them, and the journal what was there before.
  writer.exec(`
    pragma cache_size = 5; begin immediate; delete from items;
    with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 500)
    insert into items select 'batches', 'events', n, hex(randomblob(2000)), null from numbers`);
  cpSync(writing, cutOff, { recursive: true });
  writer.exec('rollback');
  writer.close();
  const [ours, theirs] = await Promise.all([dataDir, cutOff].map((place) => c360(['status', '--data-dir', place])));
  expect(theirs).toEqual(ours);
});

describe('a copy of the data without its keys', () => {
  const copy = join(folder, 'copy');
  beforeAll(() => cpSync(dataDir, copy, { recursive: true }));

  test.each(reads)('answers %s, which needs no key', async (...args) => {
    const [ours, theirs] = await Promise.all([dataDir, copy].map((place) => c360([...args, '--data-dir', place])));
    expect(theirs).toEqual(ours);
  });

  test('says where a key is needed how to name the key directory, and advises no deletion', async () => {
    const { code, stderr } = await c360(['run', '--data-dir', copy]);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/root\.key is missing, .* name the key directory .* with --key-dir, or restore it from/),
    ]);
    expect(stderr).not.toMatch(/delete/);
    expect((await c360(['run', '--data-dir', copy, '--key-dir', `${dataDir}.keys`])).code).toBe(0);
  });
});

describe('a data directory that may only be read', () => {
  const place = join(folder, 'read-only');
  beforeAll(() => {
    cpSync(dataDir, place, { recursive: true });
    cpSync(`${dataDir}.keys`, `${place}.keys`, { recursive: true });
    chmodSync(`${place}.keys`, 0o700);
    if (nobody.uid) for (const path of below(`${place}.keys`)) chownSync(path, nobody.uid, nobody.gid);
    for (const path of below(place)) chmodSync(path, lstatSync(path).isDirectory() ? 0o555 : 0o444);
  });
  afterAll(() => {
    for (const path of below(place)) if (lstatSync(path).isDirectory()) chmodSync(path, 0o755);
  });

  test.each(reads)('answers %s', async (...args) => {
    const { code, stderr, stdout } = await c360AsNobody([...args, '--data-dir', place]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe((await c360([...args, '--data-dir', dataDir])).stdout);
  });

  test.each([['run'], ['upload', 'customers', 'package.json'], ['demo', '--size', 'tiny']])(
    'refuses %s in one line that names the path and the way out',
    async (...args) => {
      const { code, stderr } = await c360AsNobody([...args, '--data-dir', place]);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/^error .*read-only\/.*--data-dir.*\n$/)]);
    },
  );
});
