/** A DuckDB session reaches its own files alone, spills what its memory does not hold, and tells no value of the data. */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type DuckDbSession, withSession } from '../../../../src/adapters/local/duckdb-session.ts';
import { temporaryDirectories } from '../../../support/local-stores.ts';

const newDirectory = temporaryDirectories();
const temporaryDirectory = newDirectory();

const inSession = <T>(use: (session: DuckDbSession) => Promise<T>, options = {}): Promise<T> =>
  withSession({ temporaryDirectory, ...options }, use);

const hash = (of: string) => `md5(cast(${of} as varchar))`;

const messageOf = (sql: string, options = {}): Promise<string> =>
  inSession((session) => session.run('planted', sql), options).then(
    () => 'no error',
    (error: Error) => error.message,
  );

describe('a session', () => {
  const [inside, outside] = [newDirectory(), newDirectory()] as [string, string];
  const directories = [inside];
  writeFileSync(join(outside, 'other.csv'), 'a\n1\n');
  mkdirSync(join(inside, 'folder'));

  test('reads and writes files of its directories', async () => {
    const file = join(inside, 'folder/own.parquet');
    const rows = await inSession(
      async (session) => {
        await session.run('write', `copy (select 1 as a) to '${file}' (format parquet)`);
        return (await session.run('read', `select a from read_parquet('${file}')`)).getRowsJson();
      },
      { directories },
    );
    expect(rows).toEqual([[1]]);
  });

  test.each([
    ['a file beside them', `select * from read_csv('${outside}/other.csv')`],
    ['a file by way of them', `select * from read_text('${inside}/../${outside.split('/').at(-1)}/other.csv')`],
    ['a list of files', `select * from glob('${outside}/*')`],
    ['writing a file', `copy (select 1) to '${outside}/new.csv'`],
    ['another database', `attach '${outside}/new.duckdb' as other`],
    ['an extension', 'install httpfs'],
    ['an extension that is there', `load '${inside}/own.duckdb_extension'`],
    ['a way out', 'set enable_external_access = true'],
    ['a wider way', "set allowed_directories = ['/']"],
    ['another temporary folder', `set temp_directory = '${outside}'`],
  ])('refuses %s', async (_what, sql) => {
    expect(await messageOf(sql, { directories })).toMatch(/^planted: (SQL reaches|Invalid Input Error)/);
    expect(readdirSync(outside)).toEqual(['other.csv']);
  });

  test('asks nothing of the network', async () => {
    let requests = 0;
    const server = createServer((_request, response) => {
      requests += 1;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await messageOf(`select * from read_csv('http://127.0.0.1:${port}/a.csv')`)).toMatch(/nor the network/);
    server.close();
    expect(requests).toBe(0);
  });

  test('puts into a temporary folder what its memory does not hold, and leaves nothing there', async () => {
    const made = `create table made as select ${hash('range')} as a, ${hash('range + 1')} as b from range(2000000)`;
    let spilled: string[] = [];
    const rows = await inSession(
      async (session) => {
        await session.run('make', made);
        spilled = readdirSync(temporaryDirectory, { recursive: true, encoding: 'utf8' });
        return (await session.run('count', 'select count(*) from (select a, b from made group by a, b)')).getRowsJson();
      },
      { memoryLimit: '120MB' },
    );
    expect(rows).toEqual([['2000000']]);
    expect(spilled.some((name) => /duckdb-\w+\/.*\.tmp$/.test(name))).toBe(true);
    expect(readdirSync(temporaryDirectory)).toEqual([]);
  });

  test('that needs more than memory and disk hold says so', async () => {
    const sql = `set max_temp_directory_size = '1MB'; create table made as select ${hash('range')} as a from range(3000000)`;
    expect(await messageOf(sql, { memoryLimit: '60MB' })).toMatch(/^planted: Out of Memory Error: .*ask for less/);
  });
});

describe('an error', () => {
  const secret = 'anna.secret';
  const table = `create table t as select '${secret}' as v, 9223372036854775807 as n, '{"${secret}": ' as j;
    create table k (v varchar primary key, n bigint not null check (n < 5));`;

  test.each([
    'cast(v as bigint)',
    'cast(v as date)',
    'cast(v as decimal(18, 4))',
    'cast(v as uuid)',
    'cast(v as json)',
    'cast(v as struct(a bigint))',
    "cast(v as enum ('a'))",
    'cast(n as integer)',
    'n + 1',
    'make_date(n, 1, 1)',
    "strptime(v, '%Y')",
    "strptime('2020', '%' || v)",
    "date_part(v, date '2020-01-01')",
    "timezone(v, timestamp '2020-01-01')",
    "json_extract(j, '$.a')",
    "json_extract('{}', '$.' || v || '[')",
    'json_transform(j, \'{"a": "BIGINT"}\')',
    "regexp_matches('a', '(' || v)",
    'nextval(v)',
    'current_setting(v)',
    'error(v)',
    'unhex(v)',
    'map {v: 1, v: 2}',
    '(select v from t union all select v from t)',
  ])('in %s tells no value', async (expression) => {
    const sql = `select ${expression} as x from t`;
    const message = await messageOf(table + sql);
    expect(message).toMatch(/^planted: /);
    expect(message.replace(expression, '')).not.toMatch(/anna|secret|9223/);
  });

  test.each([
    'insert into k select v, 1 from t; insert into k select v, 1 from t',
    'insert into k select v, null from t',
    'insert into k select v, n from t',
  ])('of a constraint tells no value: %s', async (sql) => {
    expect(await messageOf(table + sql)).toBe('planted: Constraint Error');
  });

  test.each([
    ['.parquet', 'read_parquet'],
    ['.jsonl', 'read_json'],
    ['.jsonl.gz', 'read_json'],
    ['.csv', 'read_csv'],
  ])('of a broken file %s tells neither its name nor its text', async (ending, reader) => {
    const directory = newDirectory();
    const file = join(directory, secret + ending);
    writeFileSync(file, `${secret},"${secret}\n{"${secret}": 1, "${secret}": 2`);
    const columns = reader === 'read_parquet' ? '' : ", columns = {a: 'BIGINT'}";
    const message = await messageOf(`select * from ${reader}('${file}'${columns})`, { directories: [directory] });
    expect(message).toMatch(/^planted: [A-Za-z ]+ Error/);
    expect(message).not.toContain(secret);
  });

  test('of a file that is not there tells not its name', async () => {
    const directory = newDirectory();
    const file = join(directory, secret);
    symlinkSync(join(directory, 'gone'), file);
    const message = await messageOf(`select * from read_parquet('${file}')`, { directories: [directory] });
    expect(message).toBe('planted: IO Error');
  });

  test.each([
    ['selec 1', /Parser Error: syntax error/],
    ['select amoun from t', /Binder Error: .*"amoun".* Candidate bindings: /],
    ['select * from tt', /Catalog Error: Table with name tt does not exist! Did you mean "t"/],
  ])('of the SQL itself helps: %s', async (sql, help) => {
    const failing = inSession(async (session) => {
      await session.run('planted', 'create table t as select 1 as amount');
      return session.run('planted', sql);
    });
    await expect(failing).rejects.toThrow(help);
  });
});
