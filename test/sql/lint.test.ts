/** All SQL keeps to what its engines run with equal results, and the lint sees each way of leaving it. */

import { listSql, readSql } from '../support/sql-engines.ts';
import { closeLint, lintSql, ruleNames } from '../support/sql-lint.ts';
import { lintStatements } from '../support/sql-statements.ts';
import type { SqlKind } from '../support/sql-subset.ts';

afterAll(closeLint);

const files: [string, SqlKind][] = [
  ...[...listSql('models/clean'), ...listSql('models/curated')].map((path): [string, SqlKind] => [path, 'model']),
  ...listSql('queries').map((path): [string, SqlKind] => [path, 'query']),
];

const rulesBroken = async (sql: string, kind: SqlKind, path = 'planted.sql') =>
  (await lintSql(path, sql, kind)).map((finding) => finding.rule);

describe('every statement of DDL and load keeps to the shared forms', () => {
  const statementFiles = (['ddl', 'load'] as const).flatMap((kind) =>
    listSql(kind).map((path): [string, typeof kind] => [path, kind]),
  );

  test('there are some', () => expect(statementFiles.length).toBeGreaterThan(7));

  test.each(statementFiles)('%s', async (path, kind) => {
    expect((await lintStatements(path, readSql(path), kind)).map((finding) => finding.message)).toEqual([]);
  });
});

describe('every model and query keeps to the shared subset', () => {
  test('there are some', () => expect(files.length).toBeGreaterThan(20));

  test.each(files)('%s', async (path, kind) => {
    expect((await lintSql(path, readSql(path), kind)).map((finding) => finding.message)).toEqual([]);
  });
});

/** Rule, the kinds that must not break it, and a SELECT that does. */
const breaches: [string, SqlKind[], string][] = [
  ['parse', ['model', 'query', 'load'], 'select from where'],
  ['parse', ['model'], 'select 1; select 2'],
  ['parse', ['model'], 'delete from t'],
  ['form', ['model', 'query'], 'select a from range(3) as r'],
  ['form', ['model'], 'select a from s.t'],
  ['form', ['model'], 'select list_transform(a, lambda x: x + 1) from t'],
  ['form', ['model'], 'select a collate nocase as a from t'],
  ['form', ['query'], 'select $1 as a'],
  ['form', ['model'], 'select lag(a ignore nulls) over (order by b asc nulls last) as a from t'],
  ['form', ['model'], 'select sum(distinct a) over (partition by b) as a from t'],
  ['form', ['model'], 'with recursive r as (select 1 as n union all select n + 1 from r) select n from r'],
  ['form', ['model'], 'select a from t order by a asc nulls last limit 10%'],
  ['form', ['model'], 'select * exclude (a) from t'],
  ['form', ['model'], 'select columns(*) from t'],
  ['form', ['model', 'query'], 'select generate_series from generate_series(1, 3)'],
  ['qualify', ['model', 'query'], 'select a from t qualify row_number() over (order by a asc nulls last) = 1'],
  ['filter', ['model', 'query', 'load'], 'select sum(a) filter (where b) as a from t'],
  ['sample', ['model'], 'select a from t using sample 10'],
  ['sample', ['model'], 'select a from t tablesample 10%'],
  ['distinct on', ['model', 'query'], 'select distinct on (a) a, b from t'],
  ['operator', ['model'], 'select a[1] as a from t'],
  ['function', ['model'], 'select [1, 2] as a'],
  ['function', ['model'], "select {'a': 1} as a"],
  ['function', ['model', 'query'], "select string_agg(a, ',') as a from t"],
  ['function', ['model', 'query', 'load'], 'select array_agg(a) as a from t'],
  ['function', ['model', 'query', 'load'], "select listagg(a, ',') as a from t"],
  ['function', ['model', 'query', 'load'], 'select substr(a, 1, 3) as a from t'],
  ['function', ['model', 'query', 'load'], "select nextval('numbers') as a"],
  ['function', ['model', 'query'], 'select generate_series(1, 3) as a'],
  ['function', ['model', 'query'], "select to_char(a, 'YYYY') as a from t"],
  ['function', ['model', 'query'], "select date_diff('day', a, b) as a from t"],
  ['function', ['model', 'query'], "select date_add(a, interval '1' day) as a from t"],
  ['function', ['model', 'query'], 'select dayofweek(a) as a from t'],
  ['function', ['model', 'query'], "select json_extract_string(a, '$.b') as a from t"],
  ['function', ['model', 'query'], 'select approx_count_distinct(a) as a from t'],
  ['function', ['model', 'query'], "select a similar to 'x' as a from t"],
  ['function', ['model', 'query'], "select regexp_replace(a, 'x', 'y') as a from t"],
  ['function', ['model', 'query'], "select a ~ 'x' as a from t"],
  ['function', ['model', 'query'], "select a ilike 'x' as a from t"],
  ['function', ['model', 'query'], 'select concat(a, b) as a from t'],
  ['function', ['model', 'query'], 'select a // 2 as a from t'],
  ['function', ['model', 'query'], 'select upper(a) as a from t'],
  ['function', ['model', 'query'], 'select now() as a'],
  ['function', ['model'], 'select a + interval 1 day as a from t'],
  ['function', ['query', 'load'], 'select seconds_between(a, b) as a from t'],
  ['function', ['query'], 'select min_by(a, b) as a from t'],
  ['function', ['model'], 'select unnest(a) as a from t'],
  ['ordered aggregate', ['model'], 'select sum(a order by b asc nulls last) as a from t'],
  ['clock', ['model', 'query'], 'select current_date as a'],
  ['clock', ['model', 'query'], 'select CURRENT_TIMESTAMP as a'],
  ['struct', ['model'], 'select t.a.b from t'],
  ['zero divisor', ['model', 'query'], 'select cast(a as decimal(18, 4)) / b as a from t'],
  ['zero divisor', ['model', 'query'], 'select a % b as a from t'],
  ['zero divisor', ['model'], 'select 1.0 / 0 as a'],
  ['zero divisor', ['model'], 'select 1.0 / nullif(a, 1) as a from t'],
  ['integer division', ['model', 'query'], 'select a / nullif(b, 0) as a from t'],
  ['integer division', ['model', 'query'], 'select count(cast(a as decimal(18, 4))) / 2 as a from t'],
  ['integer average', ['model', 'query'], 'select avg(a) as a from t'],
  ['null order', ['model', 'query'], 'select a from t order by a'],
  ['null order', ['model', 'query'], 'select lag(a) over (order by b desc) as a from t'],
  ['window function', ['model'], 'select percent_rank() over (order by a asc nulls last) as a from t'],
  ['window order', ['model'], 'select row_number() over (partition by a) as a from t'],
  ['window order', ['model'], 'select first_value(a) over (partition by b) as a from t'],
  ['window frame', ['model', 'query'], 'select sum(a) over (order by b asc nulls last) as a from t'],
  ['window frame', ['model'], 'select first_value(a) over (order by b asc nulls last) as a from t'],
  [
    'window frame',
    ['model'],
    'select sum(a) over (order by b asc nulls last range between 1 preceding and current row) as a from t',
  ],
  ['join', ['model', 'query'], 'select a from t semi join u using (a)'],
  ['join', ['model', 'query'], 'select a from t anti join u using (a)'],
  ['join', ['model'], 'select a from t asof join u on t.a >= u.a'],
  ['join', ['model'], 'select a from t positional join u'],
  ['join', ['model', 'query'], 'select a from t natural join u'],
  ['set operation', ['model', 'query'], 'select a from t except all select a from u'],
  ['set operation', ['model'], 'select a from t union by name select a from u'],
  ['star', ['model', 'query'], 'select * from t'],
  ['star', ['model'], 'with u as (select * from t where a) select a from u'],
  ['star', ['model'], 'with u as (select a from t) select u.* from u'],
  ['values', ['query', 'load'], 'select a from (values (1), (2)) as v (a)'],
  ['group by all', ['model'], 'select a, sum(b) as b from t group by all'],
  ['limit', ['model', 'query'], 'select a from t limit 3'],
  ['cast', ['model'], 'select cast(a as integer) as a from t'],
  ['cast', ['model'], 'select cast(a as timestamptz) as a from t'],
  ['cast of a fraction', ['model'], 'select cast(a / 2.0 as bigint) as a from t'],
  ['cast of a fraction', ['model'], 'with u as (select 0.5 as b) select cast(b as bigint) as a from u'],
  ['try_cast', ['query', 'load'], 'select try_cast(a as date) as a from t'],
  ['date part', ['model', 'query'], 'select extract(second from a) as a from t'],
  ['date part', ['model', 'query'], 'select extract(dow from a) as a from t'],
  ['date_trunc', ['model', 'query'], "select date_trunc('month', a) as a from t"],
  ['substring', ['model', 'query'], 'select substring(a, 0, 3) as a from t'],
  ['escape', ['model'], "select a like 'x\\%' escape '\\' as a from t"],
  ['null-safe comparison', ['query', 'load'], 'select a is not distinct from b as a from t'],
  ['null-safe comparison', ['query', 'load'], 'select a is distinct from b as a from t'],
  ['quantifier', ['model'], 'select a > any(select b from u) as a from t'],
  ['materialized', ['model', 'query'], 'with u as materialized (select a from t) select a from u'],
  ['lateral', ['model', 'query'], 'select a from t, lateral (select t.b) as u'],
  ['colon', ['model', 'query'], 'select a::bigint as a from t'],
  ['colon', ['model'], 'select b: a from t'],
  ['from first', ['model'], 'from t select a'],
  ['trailing comma', ['model'], 'select a, from t'],
  ['type name', ['model', 'query'], 'select cast(a as varchar) as a from t'],
  ['type name', ['model', 'query'], 'select cast(a as decimal) as a from t'],
  ['type name', ['model', 'query'], 'select cast(a as text) as a from t'],
  ['double', ['model'], 'select cast(a as double precision) as a from t'],
  ['double', ['query', 'load'], 'select cast(a as double) as a from t'],
];

describe('the lint refuses', () => {
  test.each(breaches.flatMap(([rule, kinds, sql]) => kinds.map((kind) => [rule, kind, sql] as const)))(
    '%s in a %s: %s',
    async (rule, kind, sql) => {
      expect(await rulesBroken(sql, kind)).toContain(rule);
    },
  );

  test('something by every rule it has', () => {
    expect([...new Set(breaches.map(([rule]) => rule))].sort()).toEqual([...ruleNames].sort());
  });
});

describe('the lint refuses among statements', () => {
  const table = 'create table if not exists t';
  test.each<['ddl' | 'load', string]>([
    ['ddl', 'create table t (a bigint)'],
    ['ddl', `${table} as select * from u where 1 = 0`],
    ['ddl', `${table} (like u)`],
    ['ddl', `${table} (a text)`],
    ['ddl', `${table} (a varchar)`],
    ['ddl', `${table} (a double)`],
    ['ddl', `${table} (a timestamptz)`],
    ['ddl', `${table} (a decimal(10, 2))`],
    ['ddl', `${table} (a serial)`],
    ['ddl', `${table} (a bigint generated always as identity)`],
    ['ddl', `${table} (a bigint default 0)`],
    ['ddl', `${table} (a bigint references u (a))`],
    ['ddl', `${table} (a bigint check (a > 0))`],
    ['ddl', `${table} (a bigint[])`],
    ['ddl', `${table} (a bigint) distkey (a)`],
    ['ddl', 'create sequence numbers'],
    ['ddl', 'create index i on t (a)'],
    ['ddl', 'create materialized view v as select a from t'],
    ['ddl', "create type mood as enum ('sad')"],
    ['ddl', 'alter table t add column a bigint not null'],
    ['ddl', 'insert into t select * from u'],
    ['load', 'truncate staging_t'],
    ['load', 'truncate table t'],
    ['load', 'create table if not exists t as select * from u where 1 = 0'],
    ['load', "insert into t values (date '2026-01-01') on conflict do nothing"],
    ['load', 'insert or replace into t select * from u'],
    ['load', 'insert into t select * from u returning a'],
    ['load', 'insert into t by name select * from u'],
    ['load', 'delete from t using u where t.a = u.a'],
    ['load', 'delete from t where a in (select a from u) returning a'],
    ['load', 'merge into t as target using u on target.a = u.a when matched then delete'],
    ['load', 'with u as (select a from t) insert into t (a) select a from u'],
    ['load', 'update t set a = 1 from u'],
    ['load', "copy t from 'file'"],
    ['load', 'commit'],
    ['load', 'vacuum t'],
  ])('in %s: %s', async (kind, sql) => {
    expect((await lintStatements('planted.sql', sql, kind)).map(({ rule }) => rule)).toEqual(['statement']);
  });

  test('what a SELECT in them may not hold', async () => {
    const view = 'create or replace view v as\nselect a from t qualify true';
    const insert = 'insert into t (a) select now()';
    expect((await lintStatements('v.sql', view, 'ddl')).map(({ rule }) => rule)).toEqual(['qualify']);
    expect((await lintStatements('i.sql', insert, 'load')).map(({ rule }) => rule)).toEqual(['function']);
  });

  test('and says where', async () => {
    const [finding] = await lintStatements('t.sql', "-- one; two\nselect ';' as a;\n\n-- three\ntruncate t;\n", 'load');
    expect(finding!.message).toMatch(/^t\.sql:5: /);
  });
});

describe('the lint allows', () => {
  test.each<[SqlKind, string]>([
    ['model', 'with u as (select * from t) select a from u'],
    ['model', 'select a from (values (1), (2)) as v (a)'],
    ['model', "select a + interval '30' minute as a, seconds_between(a, b) as b from t"],
    ['model', 'select 10 % 3 as a, sum(a) / 2.0 as b, avg(cast(a as double)) as c from t'],
    ['query', 'with u as (select cast(a as decimal(18, 4)) as share from t) select share / nullif(b, 0) as a from u'],
    ['query', 'select a from t order by a asc nulls last limit 3'],
    ['query', 'select sum(a) over (partition by b) as a, count(*) over () as b from t'],
    [
      'model',
      'select cast(floor(a / 2.0) as bigint) as a, cast(round(cast(b as decimal(18, 4)), 0) as bigint) as b from t',
    ],
    ['query', "select ':: , ) lateral' as a -- from t: a, )"],
  ])('in a %s: %s', async (kind, sql) => {
    expect(await rulesBroken(sql, kind)).toEqual([]);
  });

  test('a star in a clean model, whose columns follow the schemas', async () => {
    expect(await rulesBroken('select * from t', 'model', 'models/clean/t.sql')).toEqual([]);
    expect(await rulesBroken('select * from t', 'model', 'models/curated/t.sql')).toEqual(['star']);
  });
});

test('a finding names file, line, what is wrong and the way out', async () => {
  const [finding] = await lintSql('queries/planted.sql', 'select\n  a\nfrom t\norder by a', 'query');
  expect(finding!.message).toBe(
    'queries/planted.sql:4: where NULLs sort differs by engine; write `asc nulls last`, or what is meant',
  );
});
