/**
 * Holds the statements of DDL and load files to the forms that DuckDB, PostgreSQL and Redshift share: what is listed is
 * allowed. PostgreSQL takes much that Redshift refuses (ON CONFLICT, RETURNING, sequences), so that it cannot tell.
 */
import { type Finding, lineAt, lintSql, withoutTextAndComments } from './sql-lint.ts';
import type { SqlKind } from './sql-subset.ts';

type StatementKind = 'ddl' | 'load';

interface Form {
  pattern: RegExp;
  /** What its SELECT, the pattern's first group, is held to; one that copies a table's columns is no question. */
  select?: SqlKind;
}

const type = String.raw`(?:varchar\(\d+\)|bigint|double precision|boolean|date|timestamp|decimal\(18, 4\))`;
const column = String.raw`\w+ ${type}(?: not null)?`;
const names = String.raw`\w+(?:, \w+)*`;

const forms: Record<StatementKind, Form[]> = {
  ddl: [
    {
      pattern: new RegExp(
        String.raw`^create table if not exists \w+ \(\s*${column}(?:,\s+${column})*(?:,\s+primary key \(${names}\))?\s*\)$`,
      ),
    },
    // Without not null: of the rows that are there nothing is known.
    { pattern: new RegExp(String.raw`^alter table \w+ add column \w+ ${type}$`) },
    { pattern: /^create or replace view \w+ as\s+(select [\s\S]+)$/, select: 'query' },
    { pattern: /^insert into \w+ values \(\d+\)$/ },
  ],
  load: [
    { pattern: /^(select [\s\S]+)$/, select: 'load' },
    { pattern: /^create temp table \w+ as select \* from \w+ where 1 = 0$/ },
    { pattern: /^drop table (?:if exists )?\w+$/ },
    { pattern: /^insert into \w+ select \* from \w+$/ },
    { pattern: new RegExp(String.raw`^insert into \w+ \(${names}\)\s+(select [\s\S]+)$`), select: 'load' },
    { pattern: /^insert into \w+ values \(date '[\d-]+'\)(?:, \(date '[\d-]+'\))*$/ },
    { pattern: /^insert into \w+ values \(\d+\)$/ },
    { pattern: /^delete from \w+(?: where \w+ in \(select \w+ from \w+\))?$/ },
  ],
};

/** The breaches of a file of `sql/ddl` or `sql/load`, in order. */
export async function lintStatements(path: string, text: string, kind: StatementKind): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { sql, offset } of statementsOf(text)) {
    const line = lineAt(text, offset);
    const form = forms[kind].find(({ pattern }) => pattern.test(sql));
    if (!form) {
      const message = `${path}:${line}: no engine but some know this form; write it as the other statements of sql/${kind}`;
      findings.push({ rule: 'statement', message });
    } else if (form.select) {
      const select = form.pattern.exec(sql)![1]!;
      findings.push(...(await lintSql(`${path}:${line}`, select, form.select)));
    }
  }
  return findings;
}

/** The statements without comments, each `{placeholder}` filled with a value, and where they begin. */
function statementsOf(text: string): { sql: string; offset: number }[] {
  const plain = withoutTextAndComments(text);
  const statements: { sql: string; offset: number }[] = [];
  let start = 0;
  for (const part of plain.split(';')) {
    const offset = start + (part.length - part.trimStart().length);
    const sql = filled(withoutComments(text.slice(start, start + part.length))).trim();
    if (sql !== '') statements.push({ sql, offset });
    start += part.length + 1;
  }
  return statements;
}

const withoutComments = (text: string): string =>
  text.replace(/'(?:[^']|'')*'|--[^\n]*/g, (match) => (match.startsWith("'") ? match : ''));

const samples: Record<string, string> = {
  rows: '1',
  loaded: '1',
  snapshot_no: '1',
  loaded_at: '2026-01-01 00:00:00',
  changed_dates: "(date '2026-01-01'), (date '2026-01-02')",
};

const filled = (text: string): string => text.replaceAll(/\{(\w+)\}/g, (_, name: string) => samples[name] ?? name);
