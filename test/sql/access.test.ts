/**
 * Who may do what in the warehouse. PostgreSQL has the privileges of Redshift but for upkeep, and says `to x` for `to role x`:
 * it stands for it here.
 */
import { databaseRoles } from '../../lib/permissions.ts';
import { statementsOf } from '../../src/domain/warehouse/statements.ts';
import { createWarehouse, listSql, openPGlite, readSql, type SqlEngine } from '../support/sql-engines.ts';

const statements = listSql('access').flatMap((path) => statementsOf(readSql(path)));
const upkeep = 'grant vacuum, analyze to role c360_maintainer';

const forms = [
  /^create role c360_\w+$/,
  /^revoke create on schema public from public$/,
  /^revoke insert, update, delete on \w+ from role c360_\w+$/,
  /^(?:alter default privileges in schema public )?grant [a-z, ]+ on (?:schema public|all tables in schema public|tables) to role c360_\w+$/,
];

let engine: SqlEngine;
beforeAll(async () => {
  engine = await openPGlite();
  // As in Redshift from the beginning; PostgreSQL has given it up.
  await engine.run('grant create on schema public to public');
  await createWarehouse(engine);
  for (const sql of statements) if (sql !== upkeep) await engine.run(sql.replace(/ (to|from) role /, ' $1 '));
  await engine.run('create table made_later (a bigint)');
});
afterAll(() => engine.close());

/** What of the four a role may do with a table. */
async function may(role: string, table: string): Promise<string[]> {
  const all = ['select', 'insert', 'update', 'delete'];
  const columns = all.map((one) => `has_table_privilege('${role}', '${table}', '${one}')`);
  const { rows } = await engine.select(`select ${columns.join(', ')}`);
  return all.filter((_, index) => rows[0]![index] === 'true');
}

test('has statements of the known forms', () => {
  expect(statements.filter((sql) => sql !== upkeep && !forms.some((form) => form.test(sql)))).toEqual([]);
  expect(statements).toContain(upkeep);
});

test('makes the roles that the roles of functions and analysts are tagged with', () => {
  const made = statements.filter((sql) => sql.startsWith('create role')).map((sql) => sql.split(' ')[2]);
  expect(made.sort()).toEqual(Object.values(databaseRoles).sort());
});

test.each`
  role                 | table                     | rights
  ${'c360_reader'}     | ${'fact_sales'}           | ${['select']}
  ${'c360_reader'}     | ${'dim_customer_current'} | ${['select']}
  ${'c360_reader'}     | ${'made_later'}           | ${['select']}
  ${'c360_loader'}     | ${'fact_sales'}           | ${['select', 'insert', 'update', 'delete']}
  ${'c360_loader'}     | ${'load_state'}           | ${['select', 'insert', 'update', 'delete']}
  ${'c360_loader'}     | ${'made_later'}           | ${['select', 'insert', 'update', 'delete']}
  ${'c360_loader'}     | ${'schema_migrations'}    | ${['select']}
  ${'c360_maintainer'} | ${'fact_sales'}           | ${[]}
`('$role may $rights in $table', async ({ role, table, rights }) => {
  expect(await may(role, table)).toEqual(rights);
});

test('lets nobody but the administrator make tables that stay', async () => {
  const roles = Object.values(databaseRoles);
  const columns = roles.map((role) => `has_schema_privilege('${role}', 'public', 'create')`);
  expect((await engine.select(`select ${columns.join(', ')}`)).rows).toEqual([roles.map(() => 'false')]);
});
