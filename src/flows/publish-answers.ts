/** Last step of a run: every query's result as a JSON document under serving/, which the API and the dashboard read. */
import { servingKey } from '../domain/lake/layout.ts';
import type { Snapshot } from '../domain/lake/snapshot.ts';
import { parseQueryHeader, type QueryHeader } from '../domain/reports/query-header.ts';
import type { Environment, ResultSet, SqlFiles } from '../ports.ts';
import { readDocument, writeDocument } from './documents.ts';

export interface Query extends QueryHeader {
  sql: string;
}

export interface Answer extends QueryHeader, ResultSet {
  snapshot: number;
  runId: string;
  /** The snapshot's latest business date, `YYYY-MM-DD`; null where it holds no fact. */
  asOf: string | null;
  rowCount: number;
}

/** Which snapshot serving/ shows; written last, so that it names a whole set of answers. */
export interface ServingIndex {
  snapshot: number;
  runId: string;
  answers: { number: number; name: string; title: string; question: string; rowCount: number }[];
}

export function readQueries(sql: SqlFiles): Query[] {
  return sql.list('queries').map((path) => ({ ...parseQueryHeader(path, sql.read(path)), sql: sql.read(path) }));
}

export const servingIndex = (env: Environment): Promise<ServingIndex | undefined> =>
  readDocument<ServingIndex>(env, servingKey('index'));

export const publishAnswers =
  (env: Environment) =>
  async (snapshot: Snapshot): Promise<ServingIndex> => {
    const state = await env.warehouse.query('select as_of_on from load_state');
    const asOf = (state.rows[0]?.[0] ?? null) as string | null;
    const index: ServingIndex = { snapshot: snapshot.number, runId: snapshot.runId, answers: [] };
    for (const { sql, ...header } of readQueries(env.sql)) {
      const result = await env.warehouse.query(sql);
      const rowCount = result.rows.length;
      const answer: Answer = { ...header, snapshot: snapshot.number, runId: snapshot.runId, asOf, rowCount, ...result };
      await writeDocument(env, servingKey(header.name), answer);
      index.answers.push({
        number: header.number,
        name: header.name,
        title: header.title,
        question: header.question,
        rowCount,
      });
    }
    await writeDocument(env, servingKey('index'), index);
    return index;
  };
