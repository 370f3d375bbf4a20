-- Of two loads at once the second waits for the first, or is broken off: each begins by replacing this table's one row. Without it,
-- two first loads would both be taken, since neither deletes a row that the other has changed.

create table if not exists load_turn (
  turn bigint not null
);

insert into load_turn values (1);
