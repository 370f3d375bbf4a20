/** The command line as a person meets it: help, results, and errors that name rule, value and way out. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPlatform } from '../../../src/local/platform.ts';
import { c360, temporaryDataDir } from '../../support/c360.ts';

const { dataDir, remove } = temporaryDataDir();
const folder = join(dataDir, '..');
const inDataDir = (...args: string[]) => c360([...args, '--data-dir', dataDir]);

const customers = `customer_id,email,full_name,address,phone,country,city,birth_year,signup_date,acquisition_channel
c1,ada@example.com,Ada Lovelace,1 Main Street,+44 20 7946 0001,GB,London,1985,2025-01-15,web
c2,not-an-address,Bob Bobson,2 Main Street,+44 20 7946 0002,GB,London,1990,2025-02-15,store
`;
const event = JSON.stringify({
  eventId: '11111111-1111-4111-8111-111111111111',
  type: 'login',
  timestamp: '2026-01-01T10:00:00Z',
  payload: { userId: 'c1' },
});

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'customers.csv'), customers);
  writeFileSync(join(folder, 'events.jsonl'), `${event}\n${event.replace('login', 'levitate')}\n{"broken\n`);
  writeFileSync(join(folder, 'empty.csv'), '');
  writeFileSync(join(folder, 'other.csv'), 'id,mail\n1,x\n');
  writeFileSync(join(folder, 'wrong-key.yaml'), 'dataset: customers\ncolums: {}\n');
  writeFileSync(join(folder, 'wrong-field.yaml'), 'dataset: customers\ncolumns: { e_mail: email }\n');
  writeFileSync(join(folder, 'not-yaml.yaml'), '{ "dataset: [');
});

afterAll(remove);

const commands = [
  'demo',
  'generate',
  'validate',
  'upload',
  'produce',
  'rates',
  'run',
  'runs',
  'serve',
  'query',
  'sql',
  'status',
  'quality',
  'snapshots',
  'rollback',
  'replay',
  'vacuum',
  'trace',
  'quarantine',
  'redrive',
  'dictionary',
  'doctor',
  'reset',
];

describe('help', () => {
  test('lists the commands with examples', async () => {
    const { code, stdout } = await c360(['--help']);
    expect(code).toBe(0);
    for (const command of commands) {
      expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    }
    expect(stdout).toContain('Examples:');
  });

  test.each(commands)('of %s shows an example and the options that all commands take', async (command) => {
    const { code, stdout } = await c360([command, '--help']);
    expect([code, stdout.includes('Examples:'), stdout.includes('--data-dir'), stdout.includes('--format')]).toEqual([
      0,
      true,
      true,
      true,
    ]);
  });
});

describe('before anything has come in', () => {
  test.each([['status'], ['snapshots'], ['query', '2'], ['sql', 'select 1']])(
    '%s says what to do, and makes nothing',
    async (...args) => {
      const { code, stderr, stdout } = await inDataDir(...args);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain('holds no platform yet; try `npm start`');
      expect(existsSync(dataDir)).toBe(false);
    },
  );

  test('reset deletes nothing', async () => {
    const { code, stderr } = await c360(['reset', '--yes', '--data-dir', folder]);
    expect([code, existsSync(join(folder, 'customers.csv'))]).toEqual([1, true]);
    expect(stderr).toContain('holds no platform, so nothing was deleted');
  });
});

describe('a clear error, and nothing half-written, for', () => {
  const refusals: [what: string, args: string[], message: RegExp][] = [
    ['an unknown command', ['levitate'], /unknown command 'levitate'/],
    ['an unknown option', ['run', '--fast'], /unknown option '--fast'/],
    ['an unknown format', ['status', '--format', 'xml'], /Allowed choices are table, csv, json/],
    ['an unknown dataset', ['upload', 'orders', 'x.csv'], /Allowed choices are customers, products, transactions/],
    ['a missing file', ['upload', 'customers', 'nowhere.csv'], /nowhere\.csv is no file; check the path/],
    ['a missing file of events', ['produce', 'nowhere.jsonl'], /nowhere\.jsonl is no file; check the path/],
    [
      'a missing mapping',
      ['upload', 'customers', 'package.json', '--map', 'no.yaml'],
      /no\.yaml is no file; --map names a YAML mapping/,
    ],
    [
      'a mapping with a wrong key',
      ['upload', 'customers', 'customers.csv', '--map', 'wrong-key.yaml'],
      /unknown key colums; a mapping has dataset, columns/,
    ],
    [
      'a mapping to no field',
      ['upload', 'customers', 'customers.csv', '--map', 'wrong-field.yaml'],
      /columns\.e_mail: customers has no such field; it has customer_id, email/,
    ],
    [
      'a mapping that is no YAML',
      ['upload', 'customers', 'customers.csv', '--map', 'not-yaml.yaml'],
      /not-yaml\.yaml is not valid YAML/,
    ],
    ['an empty file', ['upload', 'customers', 'empty.csv'], /the file is empty; it needs a header line/],
    [
      'a file with another header',
      ['upload', 'customers', 'other.csv'],
      /the header lacks customer_id, email, .*or give a mapping with --map/,
    ],
    [
      'an impossible size',
      ['generate', '--customers', '0', '--out', 'generated'],
      /customers must be a whole number from 1 to \d+, got 0/,
    ],
    [
      'a key directory inside the data',
      ['run', '--key-dir', 'data/keys'],
      /--key-dir must lie outside the data directory/,
    ],
  ];

  test.each(refusals)('%s', async (_, args, message) => {
    const paths = args.map((arg) => (existsSync(join(folder, arg)) || arg === 'data/keys' ? join(folder, arg) : arg));
    const { code, stderr, stdout } = await inDataDir(...paths);
    expect([code === 0, stdout]).toEqual([false, '']);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(filesIn(join(dataDir, 'lake'))).toEqual([]);
  });

  const filesIn = (directory: string) =>
    existsSync(directory)
      ? readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
      : [];
});

describe('what comes in', () => {
  test('a bad row goes to quarantine, the rest goes on', async () => {
    const { code, stdout, stderr } = await inDataDir(
      'upload',
      'customers',
      join(folder, 'customers.csv'),
      '--format',
      'json',
    );
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { dataset: 'customers', received: 2, raw: 1, quarantined: 1 },
    ]);
    expect(stderr).toContain('1 of 2 rows went to quarantine');
    expect(stdout + stderr).not.toMatch(/Ada|Bob|not-an-address/);
  });

  test('why a row was refused is told as a sentence', async () => {
    const cells = 'product_id,name,category,brand,price,cost';
    writeFileSync(join(folder, 'short.csv'), `${cells}\np1,Tea\n${'x'.repeat(1_048_577)}\n`);
    const { stderr } = await inDataDir('upload', 'products', join(folder, 'short.csv'));
    expect(stderr).toContain('  line 2: the row must have 6 cells as in the header (1 row)\n');
    expect(stderr).toContain('  line 3: the row must be at most 1 MiB (1 row)\n');
  });

  test('a bad event goes to quarantine, the rest goes on', async () => {
    const { code, stdout } = await inDataDir('produce', join(folder, 'events.jsonl'), '--format', 'json');
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { sent: 3, received: 3, raw: 1, quarantined: 2 }]);
  });

  test('the same file of events again puts nothing', async () => {
    const { stdout, stderr } = await inDataDir('produce', join(folder, 'events.jsonl'), '--format', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ sent: 0, received: 0 });
    expect(stderr).toContain('3 lines of this file had been produced before');
  });

  test('is brought to the answers by run, and accounted for by status', async () => {
    const run = await inDataDir('run');
    expect([run.code, run.stdout]).toEqual([0, expect.stringContaining('status: succeeded')]);
    const status = await inDataDir('status');
    expect(status.code).toBe(0);
    expect(status.stdout).toMatch(/events +yes +3 +1 +2 +1$/m);
    expect(status.stdout).toMatch(/customers +yes +2 +1 +1 +1$/m);
  });
});

describe('answers', () => {
  test('are listed with the questions', async () => {
    const { stdout } = await inDataDir('query', '--list', '--format', 'json');
    const { rows } = JSON.parse(stdout) as { rows: Record<string, unknown>[] };
    expect(rows[2]).toEqual({
      no: 3,
      name: 'cohort_retention',
      question: expect.stringMatching(/\?$/),
      title: 'Cohort retention',
      grain: expect.stringMatching(/^one row /),
      definitions: expect.stringContaining('cohort = '),
    });
  });

  test('are listed in short, and with --list with their definitions, a line each', async () => {
    const [inShort, inFull] = await Promise.all([inDataDir('query'), inDataDir('query', '--list')]);
    expect(inShort.stdout).toMatch(/^ {2}2 +monthly_revenue +How much is sold/m);
    expect(inShort.stdout).not.toContain('one row a month');
    expect(inFull.stdout).toMatch(/^2 {2}Monthly revenue\n {3}How much .*\n {3}one row a month .*\n {3}revenue = /m);
  });

  test('tell people what their columns mean', async () => {
    const { stdout } = await inDataDir('query', '2');
    expect(stdout).toMatch(/^2 {2}Monthly revenue\n[\s\S]*no rows\n\n {3}one row a month .*\n {3}revenue = /m);
  });

  test('come by number and by name, for people and for programs', async () => {
    const [byNumber, byName, asCsv] = await Promise.all([
      inDataDir('query', '2', '--format', 'json'),
      inDataDir('query', 'monthly_revenue', '--format', 'json'),
      inDataDir('query', '2', '--format', 'csv'),
    ]);
    expect(byNumber.stdout).toBe(byName.stdout);
    expect(JSON.parse(byName.stdout)).toMatchObject({ number: 2, name: 'monthly_revenue', rows: [] });
    expect(asCsv.stdout).toMatch(/^month_on,orders,/);
  });

  test('to an unknown question are refused with the questions there are', async () => {
    const { code, stderr } = await inDataDir('query', 'meaning_of_life');
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/there is no query meaning_of_life; there are 1 customer_lifetime_value, /),
    ]);
  });

  test('to SQL come read only', async () => {
    expect((await inDataDir('sql', 'select event_type from fact_event', '--format', 'csv')).stdout).toBe(
      'event_type\nlogin\n',
    );
    const writing = await inDataDir('sql', 'delete from fact_event');
    expect([
      writing.code,
      (await inDataDir('sql', 'select count(*) as n from fact_event', '--format', 'csv')).stdout,
    ]).toEqual([1, 'n\n1\n']);
  });

  test.each([
    "select * from read_text('/etc/passwd')",
    "copy fact_event to '/tmp/c360-stolen.csv'",
    'select 1; select 2',
  ])('to %s are refused: SQL reaches nothing but the warehouse', async (statement) => {
    const { code, stdout } = await inDataDir('sql', statement);
    expect([code, stdout, existsSync('/tmp/c360-stolen.csv')]).toEqual([1, '', false]);
  });

  test.each([
    ['an empty text', '', /the statement is empty; give one SELECT/],
    ['comments alone', '/* nothing */ ;', /the statement is empty; give one SELECT/],
    ['a write', 'delete from fact_event', /the warehouse is read only; give one SELECT/],
    ['a setting', 'set threads = 1', /the warehouse is read only; give one SELECT/],
    [
      'a file function',
      "select * from read_text('/etc/passwd')",
      /SQL reaches the tables of the warehouse, neither files/,
    ],
    ['a network function', "select * from read_csv('https://example.com/x.csv')", /neither files nor the network/],
    ['a syntax error', 'selec 1', /Parser Error: syntax error at or near "selec"/],
    ['an open quote', "select 'abc", /Parser Error: unterminated quoted string/],
    ['a table that is not there', 'select * from fact_event2', /fact_event2 does not exist.* Did you mean/],
    ['a value that does not convert', "select cast('secret' as integer)", /Conversion Error: a value cannot be read/],
  ])('to %s say what is wrong and what to give', async (_, statement, message) => {
    const { code, stdout, stderr } = await inDataDir('sql', statement);
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringMatching(message)]);
    expect(stderr).not.toMatch(/secret|Error$|\n\s+at /);
  });

  test('to SQL have nested values as JSON, intervals as text and the headings of the statement', async () => {
    const statement = "select [1, 2] as is_list, {'a': 1} as a_struct, interval '1 month 2 days 3 hours' as span_on";
    const { stdout } = await inDataDir('sql', statement);
    expect(stdout.split('\n')[0]).toMatch(/^ {2}is_list +a_struct +span_on$/);
    expect(stdout).toMatch(/\[1,2\] +\{"a":1\} +1 month 2 days 03:00:00/);
  });

  test.each([
    ['sql', 'select 1'],
    ['query', '2'],
  ])('of %s refuse a --limit that is no number of rows', async (...args) => {
    for (const limit of ['x', '-1', '1.5', '']) {
      const { code, stderr } = await inDataDir(...args, `--limit=${limit}`);
      expect([code, stderr]).toEqual([1, expect.stringContaining('a whole number from 0 on; 0 shows all rows')]);
    }
  });

  test('to SQL with a mistake say what the mistake is', async () => {
    const { code, stderr } = await inDataDir('sql', 'select revenu from fact_sales');
    expect([code, stderr]).toEqual([1, expect.stringContaining('"revenu" not found')]);
  });
});

describe('two processes', () => {
  test('cannot write to one data directory, and a reader is not kept waiting', async () => {
    const writer = openPlatform({ dataDir, access: 'write' });
    try {
      const second = await inDataDir('run');
      expect([second.code, second.stderr]).toEqual([
        1,
        expect.stringMatching(/another process is writing to .*; wait for it to end/),
      ]);
      expect((await inDataDir('status')).code).toBe(0);
      expect((await inDataDir('query', '2')).code).toBe(0);
    } finally {
      writer.close();
    }
  });
});

describe('reset', () => {
  test('asks before it deletes, and where nobody can be asked it wants --yes', async () => {
    const { code, stderr } = await inDataDir('reset');
    expect([code, existsSync(dataDir)]).toEqual([1, true]);
    expect(stderr).toContain('give --yes to delete without asking');
  });

  test('deletes the data and its keys', async () => {
    const { code } = await inDataDir('reset', '--yes');
    expect([code, existsSync(dataDir), existsSync(`${dataDir}.keys`)]).toEqual([0, false, false]);
  });
});

describe('generate', () => {
  test('writes the same bytes for the same seed, and does not replace files unasked', async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    for (const out of [one, two]) expect((await c360(['generate', '--size', 'tiny', '--out', out])).code).toBe(0);
    expect(readdirSync(one).sort()).toEqual([
      'customers.csv',
      'events.jsonl',
      'products.csv',
      'transactions.csv',
      'truths.json',
    ]);
    const again = await c360(['generate', '--size', 'tiny', '--out', one]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('give another --out, or --force')]);
  });
});
