/**
 * Which files of `sql/` a warehouse still lacks (docs/decisions/0008). A file is applied once and recorded with the checksum
 * of its statements. One that has changed since is applied again where that is all it takes, and else it is refused.
 */
import { createHash } from 'node:crypto';
import { RefusedInput } from '../refused-input.ts';
import { statementsOf } from './statements.ts';

export interface Migration {
  /** Path below `sql/`. */
  file: string;
  checksum: string;
  statements: string[];
}

/** What the warehouse has recorded of a file. */
export interface Applied {
  file: string;
  checksum: string;
}

/** Selects what has been applied, as rows of file and checksum. */
export const selectApplied = 'select file, checksum from schema_migrations';

/** Statements that bring about what they say whatever there was before: a changed text of them is applied again. */
const repeatable = [
  /^create or replace view /,
  /^(?:grant|revoke) /,
  /^alter default privileges /,
  /^alter table \w+ alter (?:diststyle|compound sortkey) /,
];

/** The files that are to be applied, in the order given. RefusedInput where one was applied and may not be again. */
export function migrationsDue(files: { file: string; text: string }[], applied: Applied[]): Migration[] {
  const recorded = new Map(applied.map(({ file, checksum }) => [file, checksum]));
  return files.map(migrationOf).filter((migration) => {
    const known = recorded.get(migration.file);
    if (known === undefined) return true;
    if (known === migration.checksum) return false;
    if (isRepeatable(migration)) return true;
    const { file } = migration;
    throw new RefusedInput(
      `sql/${file}: a file that has been applied may not change, but its statements are others than on that day; ` +
        'take them back, and write the change into a new file behind it, such as `alter table … add column …`',
    );
  });
}

/** Records a migration, in place of what was recorded of its file before. */
export function recordStatements({ file, checksum }: Migration, appliedAt: Date): string[] {
  const at = appliedAt.toISOString().slice(0, 19).replace('T', ' ');
  return [
    `delete from schema_migrations where file = '${file}'`,
    `insert into schema_migrations (file, checksum, applied_at) values ('${file}', '${checksum}', timestamp '${at}')`,
  ];
}

/** Comments and line breaks may change: the columns' descriptions are comments. */
function migrationOf({ file, text }: { file: string; text: string }): Migration {
  if (!/^[\w/.]+$/.test(file)) throw new RefusedInput(`sql/${file}: a name has letters, digits, dots and _ alone`);
  const statements = statementsOf(text);
  const plain = statements.map((sql) => sql.replaceAll(/\s+/g, ' ')).join(';');
  return { file, statements, checksum: createHash('sha256').update(plain).digest('hex') };
}

const isRepeatable = ({ statements }: Migration): boolean =>
  statements.every((sql) => repeatable.some((form) => form.test(sql)));
