/** Last step of a run: every query's result as a JSON document under serving/, which the API and the dashboard read. */
import { servingIndexKey, servingKey } from '../domain/lake/layout.ts';
import type { Snapshot } from '../domain/lake/snapshot.ts';
import { parseQueryHeader, type QueryHeader } from '../domain/reports/query-header.ts';
import type { Environment, ResultSet, SqlFiles } from '../ports.ts';
import { readDocument, writeDocument } from './documents.ts';
import type { RunLock } from './run-lock.ts';

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

/** Which snapshot serving/ shows, and the key of each of its answers; put last, so that readers see a whole set. */
export interface ServingIndex {
  snapshot: number;
  runId: string;
  answers: { number: number; name: string; title: string; question: string; rowCount: number; key: string }[];
}

export function readQueries(sql: SqlFiles): Query[] {
  return sql.list('queries').map((path) => ({ ...parseQueryHeader(path, sql.read(path)), sql: sql.read(path) }));
}

export const servingIndex = (env: Environment): Promise<ServingIndex | undefined> =>
  readDocument<ServingIndex>(env, servingIndexKey);

/** The query's answer in the snapshot that serving/ shows; undefined where it has none. */
export async function readAnswer(env: Environment, query: string): Promise<Answer | undefined> {
  const index = await servingIndex(env);
  const key = index?.answers.find(({ name }) => name === query)?.key;
  if (!index || !key) return undefined;
  const answer = await readDocument<Answer>(env, key);
  if (answer) return answer;
  const isNamedStill = (await servingIndex(env))?.snapshot === index.snapshot;
  if (isNamedStill) throw new Error(`${key} is missing, though serving/ names it; \`c360 replay\` makes it anew`);
  // Two runs have ended since the index was read, and the second removed what the first had shown before.
  return readAnswer(env, query);
}

/** Publishes them under the run's lock. RunLocked where it is another run's by then: what that one shows stays. */
export const publishAnswers =
  (env: Environment) =>
  async (snapshot: Snapshot, lock: Pick<RunLock, 'renew'>): Promise<ServingIndex> => {
    const shown = await servingIndex(env);
    const state = await env.warehouse.query('select as_of_on from load_state');
    const asOf = (state.rows[0]?.[0] ?? null) as string | null;
    const index: ServingIndex = { snapshot: snapshot.number, runId: snapshot.runId, answers: [] };
    for (const { sql, ...header } of readQueries(env.sql)) {
      const result = await env.warehouse.query(sql, `query ${header.number} ${header.name}`);
      const rowCount = result.rows.length;
      const key = servingKey(snapshot.number, header.name);
      const answer: Answer = { ...header, snapshot: snapshot.number, runId: snapshot.runId, asOf, rowCount, ...result };
      await writeDocument(env, key, answer);
      const { number, name, title, question } = header;
      index.answers.push({ number, name, title, question, rowCount, key });
    }
    await lock.renew();
    await writeDocument(env, servingIndexKey, index);
    await removeAnswers(env, [index, ...(shown ? [shown] : [])]);
    return index;
  };

/** Removes answers but those of these indexes: who has just read the last index still finds what it names. */
async function removeAnswers(env: Environment, kept: ServingIndex[]): Promise<void> {
  const named = new Set([servingIndexKey, ...kept.flatMap(({ answers }) => answers.map(({ key }) => key))]);
  const removed: string[] = [];
  for await (const { key } of env.objects.list('serving/')) if (!named.has(key)) removed.push(key);
  await env.objects.delete(removed);
}
