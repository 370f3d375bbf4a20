/** Checks are read strictly, and what they compile to keeps to the SQL that all engines share. */
import { SqlDirectory } from '../../../../src/adapters/sql-directory.ts';
import { type Check, parseChecks } from '../../../../src/domain/quality/checks.ts';
import { compileChecks } from '../../../../src/domain/quality/compile-checks.ts';
import { readModels } from '../../../../src/flows/models.ts';
import { repositoryRoot } from '../../../support/c360.ts';
import { openDuckDb, readSql } from '../../../support/sql-engines.ts';
import { closeLint, lintSql } from '../../../support/sql-lint.ts';

afterAll(closeLint);

const at = new Date('2026-03-01T10:00:00Z');
const { models } = readModels(new SqlDirectory(`${repositoryRoot}/sql`));

describe('the checks of every model', () => {
  test.each(models.map((model) => [model.table, model] as const))(
    '%s: there are some, in shared SQL',
    async (_, model) => {
      expect(model.checks.length).toBeGreaterThan(0);
      const compiled = compileChecks(model.checks, { table: model.table, at });
      const statements = compiled
        ? [compiled.together, ...Object.values(compiled.each), ...Object.values(compiled.refused)]
        : [];
      for (const text of statements) {
        expect(await lintSql(`models/curated/${model.table}`, text, 'model')).toEqual([]);
      }
    },
  );

  test('are of every kind', () => {
    const kinds = new Set(models.flatMap(({ checks }) => checks.map(({ kind }) => kind)));
    expect([...kinds].sort()).toEqual([
      'accepted_values',
      'freshness',
      'length',
      'not_null',
      'range',
      'reconciliation',
      'referential',
      'regex',
      'row_count',
      'schema_drift',
      'sql',
      'unique',
    ]);
  });
});

describe('a file of checks', () => {
  const check = { name: 'sound', kind: 'not_null', severity: 'error', why: 'a reason for people', column: 'id' };
  const parse = (...checks: object[]) => parseChecks('models/clean/t.checks.json', JSON.stringify({ checks }));

  test('is read', () => expect(parse(check)).toEqual([check]));

  test.each<[string, object, string]>([
    ['an unknown kind', { kind: 'magic' }, '/checks/0/kind breaks enum'],
    ['no column', { column: undefined }, '/checks/0 breaks required column'],
    ['a misspelt setting', { treshold: { rows: 1 } }, '/checks/0 breaks additionalProperties treshold'],
    ['a severity of its own', { severity: 'fatal' }, '/checks/0/severity breaks enum warn, error'],
    ['a share of more than all', { threshold: { share: 2 } }, '/checks/0/threshold/share breaks maximum'],
    ['a range without an end', { kind: 'range' }, '/checks/0 breaks required min'],
    ['a pattern that Spark reads otherwise', { kind: 'regex', pattern: '^\\d$' }, '/checks/0/pattern breaks pattern'],
    ['a pattern of a part of the text', { kind: 'regex', pattern: 'a' }, '/checks/0/pattern breaks pattern'],
    [
      'a reference to a table that a run may not have made yet',
      { kind: 'referential', references: { table: 'curated.dim_product', column: 'id' } },
      '/checks/0/references/table breaks pattern',
    ],
    ['no words', { why: '' }, '/checks/0/why breaks minLength'],
  ])('with %s is refused', (_, change, message) => {
    expect(() => parse({ ...check, ...change })).toThrow(`sql/models/clean/t.checks.json: ${message}`);
  });

  test('with one name for two checks is refused', () => {
    expect(() => parse(check, check)).toThrow('two checks have the name sound');
  });
});

describe('a compiled check counts', () => {
  const rows = `
    create table result (id varchar, amount bigint, day date, unknown_field_count bigint, at_time timestamp);
    insert into result values
      ('a', 1, date '2026-01-01', 0, timestamp '2026-02-28 10:00:00'),
      ('b', 5, date '2026-01-02', 2, timestamp '2026-02-27 10:00:00'),
      ('b', 9, null, 0, timestamp '2026-02-26 10:00:00'),
      (null, null, date '2026-01-03', 0, null);
    create table clean_things (thing varchar);
    insert into clean_things values ('a'), ('a'), (null);`;
  const base = { name: 'judged', severity: 'error', why: 'a reason for people' };

  test.each<[object, number]>([
    [{ kind: 'not_null', column: 'day' }, 1],
    [{ kind: 'not_null', column: 'day', when: "id = 'a'" }, 0],
    [{ kind: 'accepted_values', column: 'id', values: ['b', "it's"] }, 1],
    [{ kind: 'accepted_values', column: 'amount', values: [1, 5] }, 1],
    [{ kind: 'range', column: 'amount', min: 2, max: 8 }, 2],
    [{ kind: 'range', column: 'day', max: "date '2026-01-01' + interval '1' day" }, 1],
    [{ kind: 'length', column: 'id', min: 2 }, 3],
    [{ kind: 'regex', column: 'id', pattern: '^[a-z]$' }, 0],
    [{ kind: 'regex', column: 'id', pattern: '^a$' }, 2],
    [{ kind: 'schema_drift' }, 1],
    [{ kind: 'sql', breach: "amount > 1 and id = 'b'" }, 2],
    [{ kind: 'sql', select: 'select count(*) from result where amount = 9' }, 1],
    [{ kind: 'unique', columns: ['id'] }, 1],
    [{ kind: 'unique', columns: ['id', 'amount'] }, 0],
    [{ kind: 'freshness', column: 'at_time', hours: 24 }, 0],
    [{ kind: 'freshness', column: 'at_time', hours: 23 }, 1],
    [{ kind: 'referential', column: 'id', references: { table: 'clean.things', column: 'thing' } }, 2],
    [{ kind: 'reconciliation', left: 'select count(*) from result', right: 'select 4' }, 0],
    [{ kind: 'reconciliation', left: 'select sum(amount) from result', right: 'select 16' }, 1],
    [{ kind: 'reconciliation', left: 'select 1', right: 'select cast(null as bigint)' }, 1],
  ])('%j: %i', async (check, failures) => {
    const engine = await openDuckDb();
    try {
      await engine.run(readSql('prelude/duckdb.sql'));
      await engine.run(rows);
      const { each } = compileChecks([{ ...base, ...check } as Check], { table: 'curated.t', at })!;
      expect((await engine.select(each.judged!)).rows).toEqual([['4', String(failures)]]);
    } finally {
      await engine.close();
    }
  });
});
