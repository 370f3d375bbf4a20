-- What each role may do, with the tables that there are and those that later files make. There is no personal data in any.
revoke create on schema public from public;

-- Analysts, and the steps of the pipeline that ask: they change nothing.
grant usage on schema public to role c360_reader;
grant select on all tables in schema public to role c360_reader;
alter default privileges in schema public grant select on tables to role c360_reader;

-- The load replaces rows; its staging tables are temporary, which everybody may make.
grant usage on schema public to role c360_loader;
grant select, insert, update, delete on all tables in schema public to role c360_loader;
alter default privileges in schema public grant select, insert, update, delete on tables to role c360_loader;
-- What has been applied, migrations alone say.
revoke insert, update, delete on schema_migrations from role c360_loader;

-- Upkeep reads and changes no row.
grant vacuum, analyze to role c360_maintainer;
