/** Quarantine as a person meets it: try a file, see what was refused and why, repair it, bring it back. */
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { c360, temporaryDataDir } from '../../support/c360.ts';

const { dataDir, remove } = temporaryDataDir();
const folder = join(dataDir, '..');
const path = (name: string) => join(folder, name);
const inDataDir = (...args: string[]) => c360([...args, '--data-dir', dataDir]);
const json = async <T>(...args: string[]): Promise<T> =>
  JSON.parse((await inDataDir(...args, '--format', 'json')).stdout) as T;

const good = {
  customer_id: 'c2',
  email: 'zq7canary@example.com',
  full_name: 'Bob Bobson',
  address: '2 Main Street',
  phone: '+44 20 7946 0002',
  country: 'GB',
  city: 'London',
  signup_date: '2025-02-15',
  acquisition_channel: 'store',
};
const rowOf = (change: object) => Object.values({ ...good, ...change }).join(',');
const eventId = '11111111-1111-4111-8111-111111111111';

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  const rows = [Object.keys(good).join(','), rowOf({ customer_id: 'c1' }), rowOf({ email: 'zq7canary' }), ''];
  writeFileSync(path('customers.csv'), rows.join('\n'));
  const event = { eventId, type: 'login', timestamp: '2026-01-01T10:00:00Z', payload: { userId: 'c1' } };
  writeFileSync(path('events.jsonl'), `${JSON.stringify(event)}\n{"zq7canary\n`);
});
afterAll(remove);

const commands = [['validate'], ['trace'], ['quarantine'], ['redrive'], ['doctor']];

test.each(commands)('help of %s shows an example and the options that all commands take', async (command) => {
  const { code, stdout } = await c360([command!, '--help']);
  expect([code, stdout.includes('Examples:'), stdout.includes('--data-dir')]).toEqual([0, true, true]);
});

test.each(['list', 'show', 'export', 'exports'])(
  'help of quarantine %s shows the options of all commands',
  async (part) => {
    const { code, stdout } = await c360(['quarantine', part, '--help']);
    expect([code, stdout.includes('--format'), stdout.includes('--data-dir')]).toEqual([0, true, true]);
  },
);

describe('validate', () => {
  test('counts by rule without a value, writes nothing, and ends with 1 where something would be refused', async () => {
    const { code, stdout, stderr } = await inDataDir('validate', path('customers.csv'));
    expect([code, existsSync(dataDir)]).toEqual([1, false]);
    expect(stdout).toMatch(/\/email +format email +1 +3/);
    expect(stderr).toContain('1 of 2 records of customers');
    expect(stdout + stderr).not.toContain('zq7canary');
  });

  test('ends with 0 where nothing would be', async () => {
    const rows = readFileSync(path('customers.csv'), 'utf8').split('\n').slice(0, 2);
    writeFileSync(path('good.csv'), rows.join('\n'));
    const { code, stderr } = await inDataDir('validate', path('good.csv'));
    expect([code, stderr]).toEqual([0, expect.stringContaining('Next: c360 upload customers')]);
  });

  test('reads a mapping, which also says what the file holds', async () => {
    writeFileSync(
      path('purchases.csv'),
      'customer_id,ordered_on,quantity,amount\n0001,1997-01-01,2,29.33\n0002,soon,1,5\n',
    );
    const { code, stdout } = await c360([
      'validate',
      path('purchases.csv'),
      '--map',
      'examples/cdnow/map.yaml',
      '--format',
      'json',
    ]);
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { dataset: 'transactions', received: 2, refused: 1 }]);
  });
});

describe('what was refused', () => {
  interface Listed {
    records: number;
    rows: { id: string; dataset: string; kind: string }[];
    rules: { rule: string; records: number }[];
  }
  const list = () => json<Listed>('quarantine', 'list');
  const idOf = async (dataset: string) => (await list()).rows.find((row) => row.dataset === dataset)!.id;

  test('is listed, with counts by rule', async () => {
    await inDataDir('upload', 'customers', path('customers.csv'));
    const produced = await inDataDir('produce', path('events.jsonl'));
    expect(produced.stderr).toMatch(/^1 events went to quarantine\. Next: c360 quarantine list\nNext: c360 run$/m);
    expect(await list()).toMatchObject({
      rows: [
        { dataset: 'events', kind: 'not_json' },
        { dataset: 'customers', kind: 'schema_violation' },
      ],
      rules: [
        { dataset: 'events', rule: '/ valid JSON', records: 1 },
        { dataset: 'customers', rule: '/email format email', records: 1 },
      ],
    });
    const { stdout } = await inDataDir('quarantine', 'list', '--dataset', 'customers', '--rule', 'format email');
    expect(stdout).toMatch(/By rule, of 1 records/);
    const id = await idOf('customers');
    expect(stdout).toMatch(
      new RegExp(`^  ${id}  \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d  customers  /email format email$`, 'm'),
    );
  });

  test('is shown with its reasons, its origin and what to do, and without its body', async () => {
    const { stdout } = await inDataDir('quarantine', 'show', await idOf('customers'));
    expect(stdout).toMatch(/path: \/email\n +rule: format email/);
    expect(stdout).toMatch(/source_line: 3/);
    expect(stdout).toMatch(/whatToDo: correct the field at its source/);
    expect(stdout).not.toContain('zq7canary');
  });

  test('is exported to a private file outside the data directory only, and each export is written down', async () => {
    symlinkSync(dataDir, path('link'));
    writeFileSync(path('taken.jsonl'), '');
    const refusals: [to: string, message: RegExp][] = [
      [join(dataDir, 'repair.jsonl'), /--to must lie outside the data directory/],
      [join(dataDir, 'lake/repair.jsonl'), /--to must lie outside the data directory/],
      [path('link/repair.jsonl'), /--to must lie outside the data directory/],
      [path('taken.jsonl'), /taken\.jsonl exists; --to names a new file/],
      [path('nowhere/repair.jsonl'), /nowhere is no folder/],
    ];
    for (const [to, message] of refusals) {
      const { code, stderr } = await inDataDir('quarantine', 'export', '--to', to);
      expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
    }
    expect(await json('quarantine', 'exports')).toEqual({ rows: [] });
    const { code, stdout, stderr } = await inDataDir('quarantine', 'export', '--to', path('repair.jsonl'));
    expect([code, stdout + stderr]).toEqual([0, expect.not.stringContaining('zq7canary')]);
    expect(statSync(path('repair.jsonl')).mode & 0o777).toBe(0o600);
    const lines = readFileSync(path('repair.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { dataset: 'events', kind: 'not_json', body: '{"zq7canary' },
      { id: await idOf('customers'), dataset: 'customers', reasons: [{ path: '/email' }], body: expect.anything() },
    ]);
    const { rows } = await json<{ rows: object[] }>('quarantine', 'exports');
    expect(rows).toEqual([{ at: expect.any(String), records: 2, file: 'repair.jsonl' }]);
  });

  test('comes back once it is repaired; what is not repaired stays, and again changes nothing', async () => {
    const id = await idOf('customers');
    const event = await idOf('events');
    const lines = [
      { id, body: good },
      { id: event, body: '{"zq7canary' },
    ];
    writeFileSync(path('repaired.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));
    const first = await inDataDir('redrive', '--from', path('repaired.jsonl'));
    expect([first.code, first.stdout]).toEqual([
      0,
      expect.stringMatching(/selected: 2\nraw: 1\nsuppressed: 0\nrefused: 1/),
    ]);
    expect(first.stdout).toMatch(new RegExp(`^  ${event}  events   / valid JSON$`, 'm'));
    expect(first.stderr).toMatch(/^Next: c360 quarantine export --to FILE, correct the bodies in it/m);
    expect(first.stdout + first.stderr).not.toContain('zq7canary');
    const again = await inDataDir('redrive', '--from', path('repaired.jsonl'));
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('1 records had been redriven before')]);
    expect((await list()).records).toBe(1);
    expect((await inDataDir('quarantine', 'show', id)).stdout).toMatch(/state: redriven 20/);
    expect((await inDataDir('run')).code).toBe(0);
    const status = await inDataDir('status');
    expect([status.code, status.stdout]).toEqual([0, expect.stringMatching(/customers +yes +2 +2 +0 +2$/m)]);
  });
});

describe('a clear error for', () => {
  test.each<[what: string, line: string, message: RegExp]>([
    ['a line that is no JSON', '{"zq7canary', /:1: valid JSON.*; nothing was redriven/],
    ['a line without an id', '{"body":{}}', /:1: id must be that of the export/],
    ['a line without a body', '{"id":"a"}', /:1: body must be text, or an object/],
    ['two lines of one record', '{"id":"a","body":"x"}\n{"id":"a","body":"y"}', /:2: an earlier line has the same id/],
  ])('%s', async (_, line, message) => {
    writeFileSync(path('wrong.jsonl'), line);
    const { code, stderr } = await inDataDir('redrive', '--from', path('wrong.jsonl'));
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(stderr).not.toContain('zq7canary');
  });

  test.each<[args: string[], message: RegExp]>([
    [['redrive', '--from', 'nowhere.jsonl'], /nowhere\.jsonl is no file/],
    [['redrive', '--failures', '--id', 'a'], /leave --id, --dataset, --rule and --since away/],
    [['redrive', '--id', '0123456789abcdef'], /No record in quarantine has the id 0123456789abcdef/],
    [['quarantine', 'show', 'abc'], /no record in quarantine has the id abc/],
    [['quarantine', 'list', '--since', 'yesterday'], /--since must be a date such as 2026-01-31, got yesterday/],
    [['trace', 'levitate'], /an event id \(a UUID\) or <transaction_id>\/<line_no> is needed/],
    [['validate', 'nowhere.csv'], /nowhere\.csv is no file/],
  ])('%j', async (args, message) => {
    const { code, stderr } = await inDataDir(...args);
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
  });
});

test('trace shows the way of an event', async () => {
  const { code, stdout } = await inDataDir('trace', eventId);
  expect(code).toBe(0);
  expect(stdout.match(/^ +(stream|raw|clean|fact|snapshot)\b/gm)?.map((word) => word.trim())).toEqual([
    'stream',
    'raw',
    'clean',
    'fact',
    'snapshot',
  ]);
});
