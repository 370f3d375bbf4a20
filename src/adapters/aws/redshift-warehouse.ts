/**
 * Warehouse on Redshift by its Data API. A transaction is a session in which one statement follows the other: a batch of the
 * API takes 40 at most, and a load has more. A session that is left behind is rolled back when its time is over.
 */
import { createHash } from 'node:crypto';
import type { ColumnMetadata, Field } from '@aws-sdk/client-redshift-data';
import {
  AdapterError,
  type ObjectStore,
  type ResultSet,
  type Scalar,
  type Warehouse,
  type WarehouseStatement,
} from '../../ports.ts';
import { refusal } from './errors.ts';
import { RedshiftStatements, type RedshiftStatementsOptions, SessionLost } from './redshift-statements.ts';
import { type Attempt, retrying } from './retry.ts';

export interface RedshiftWarehouseOptions extends RedshiftStatementsOptions {
  /** ARN of the role with which Redshift reads the lake. */
  copyRoleArn: string;
  /** The lake: COPY finds its files there by a manifest below `loads/`. */
  objects: ObjectStore;
}

/** What a COPY statement appends, and to which table. */
type Copy = Extract<WarehouseStatement, { copy: object }>['copy'];

interface Text {
  sql: string;
  what: string;
}

/** A session lives on for this long behind its last statement; the next follows at once. */
const sessionSeconds = 120;

/** Times that a transaction is begun whose session is lost before its end. */
const mostSessions = 3;

export class RedshiftWarehouse implements Warehouse {
  readonly #options: RedshiftWarehouseOptions;
  readonly #statements: RedshiftStatements;

  constructor(options: RedshiftWarehouseOptions) {
    this.#options = options;
    this.#statements = new RedshiftStatements(options);
  }

  /**
   * A session that is lost before the commit is asked for was rolled back, so that the whole begins anew. Behind that it
   * may be unknown whether the commit was made: an AdapterError says so, and whoever calls again asks the warehouse first
   * (a load its `load_state`, a migration its `schema_migrations`).
   */
  async transaction(statements: WarehouseStatement[]): Promise<void> {
    const texts = await this.#texts(statements);
    const session = async (): Promise<Attempt<void>> => {
      try {
        return { value: await this.#inSession(texts) };
      } catch (error) {
        if (error instanceof SessionLost) return { again: error };
        throw error;
      }
    };
    await retrying(this.#statements.timer, session, mostSessions);
  }

  async each(statements: WarehouseStatement[]): Promise<void> {
    for (const { what, sql } of await this.#texts(statements)) await this.#statements.run(what, sql);
  }

  async #inSession(texts: Text[]): Promise<void> {
    const keep = { SessionKeepAliveSeconds: sessionSeconds };
    const { SessionId } = await this.#statements.run('begin', 'begin', keep);
    const run = ({ what, sql }: Text) => this.#statements.run(what, sql, { SessionId, ...keep });
    let isEnding = false;
    try {
      for (const text of texts) await run(text);
      isEnding = true;
      await run({ what: 'commit', sql: 'commit' });
    } catch (error) {
      if (isEnding) throw unknownEnd(error);
      // The error is what there is to tell; without a rollback, the session's end is one. What looks lost may be there still, and
      // would hold its locks.
      await this.#statements.run('rollback', 'rollback', { SessionId }).catch(() => {});
      throw error;
    }
  }

  async #texts(statements: WarehouseStatement[]): Promise<Text[]> {
    const texts: Text[] = [];
    for (const statement of statements) {
      if ('sql' in statement) texts.push(statement);
      else if (statement.copy.files.length > 0) texts.push(await this.#copyStatement(statement.copy));
    }
    return texts;
  }

  async query(sql: string, what = 'query'): Promise<ResultSet> {
    const { Id } = await this.#statements.run(what, sql);
    const result: ResultSet = { columns: [], rows: [] };
    for await (const { ColumnMetadata: columns = [], Records = [] } of this.#statements.pages(what, Id)) {
      result.columns = columns.map(({ name = '', typeName = '' }) => ({ name, type: typeName }));
      for (const row of Records) result.rows.push(row.map((field, index) => scalar(field, columns[index]!, what)));
    }
    return result;
  }

  /** A manifest names each file with its size; its key follows its content, so that it is the same one again. */
  async #copyStatement({ table, files }: Copy): Promise<Text> {
    const { objects } = this.#options;
    const entries = files.map(({ key, bytes }) => ({
      url: objects.uri(key),
      mandatory: true,
      meta: { content_length: bytes },
    }));
    const manifest = Buffer.from(JSON.stringify({ entries }));
    const key = `loads/${createHash('sha256').update(manifest).digest('hex')}.manifest`;
    await objects.put(key, manifest);
    const [from, role] = [quoted(objects.uri(key)), quoted(this.#options.copyRoleArn)];
    return { what: `copy ${table}`, sql: `copy ${table} from ${from} iam_role ${role} format as parquet manifest` };
  }
}

/** Redshift may have committed where nothing was heard of it; where it says that it failed, it has not. */
function unknownEnd(error: unknown): unknown {
  if (!(error instanceof SessionLost)) return error;
  const message =
    'commit: its session has ended, and it is not known whether before or after; run it again, which finds out';
  return new AdapterError(message, { retryable: true });
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A value as JSON can hold it: Redshift gives decimals, dates and timestamps as text. */
function scalar(field: Field, { typeName = '', name }: ColumnMetadata, what: string): Scalar {
  if (field.isNull) return null;
  if (field.stringValue !== undefined) {
    return typeName.startsWith('timestamp') ? isoTimestamp(field.stringValue) : field.stringValue;
  }
  const value = field.longValue ?? field.doubleValue ?? field.booleanValue;
  if (value === undefined) throw refusal(`${what}: column ${name} has type ${typeName}, which a result cannot hold`);
  return value;
}

/** `2024-02-29 01:02:03.4` in UTC as ISO 8601. */
const isoTimestamp = (text: string): string => `${text.replace(' ', 'T').replace(/\+00(:?00)?$/, '')}Z`;
