-- Roles of the database. Who connects through IAM has those that stand in the tag RedshiftDbRoles of their IAM role; the
-- administrator, as whom migrations run, owns all tables. On Redshift alone: the other engines of the DDL have no users.
create role c360_reader;
create role c360_loader;
create role c360_maintainer;
