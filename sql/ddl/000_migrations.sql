-- What has been applied to this warehouse: the first that is made, and asked before anything else is.

-- One row a file of sql/ below its folder, such as ddl/010_dimensions.sql, as it was when it was last applied.
create table if not exists schema_migrations (
  file varchar(256) not null,
  checksum varchar(64) not null, -- SHA-256 of its statements without comments and line breaks
  applied_at timestamp not null
);
