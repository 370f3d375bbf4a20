/**
 * The Data API of Redshift as far as the platform speaks it, over HTTP, with DuckDB as the warehouse: sessions, statements that
 * are done when they are asked after, results in Redshift's types, COPY of Parquet files by a manifest. It is no Redshift: that
 * Redshift takes the same SQL is what PGlite and the lint stand for.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type DuckDBResultReader } from '@duckdb/node-api';

/** The content of an object at an `s3://` address. */
export type ReadObject = (uri: string) => Promise<Uint8Array>;

type Request = Record<string, unknown>;

interface Statement {
  sql: string;
  sessionId: string | undefined;
  result?: DuckDBResultReader;
  error?: string;
}

/** An answer of the API that is an error. */
class ApiError extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

const typeNames: [RegExp, string][] = [
  [/^TIMESTAMP/, 'timestamp'],
  [/^DATE$/, 'date'],
  [/^DECIMAL/, 'numeric'],
  [/^(BIGINT|HUGEINT)$/, 'int8'],
  [/^INTEGER$/, 'int4'],
  [/^DOUBLE$/, 'float8'],
  [/^BOOLEAN$/, 'bool'],
  [/^VARCHAR$/, 'varchar'],
];

export class RedshiftDataServer {
  /** The statements that were run, in order. */
  readonly statements: string[] = [];
  readonly #instance: DuckDBInstance;
  readonly #readObject: ReadObject;
  readonly #folder = mkdtempSync(join(tmpdir(), 'c360-redshift-'));
  readonly #sessions = new Map<string, DuckDBConnection>();
  readonly #known = new Map<string, Statement>();

  private constructor(instance: DuckDBInstance, readObject: ReadObject) {
    this.#instance = instance;
    this.#readObject = readObject;
  }

  static async start(readObject: ReadObject): Promise<RedshiftDataServer> {
    return new RedshiftDataServer(await DuckDBInstance.create(':memory:'), readObject);
  }

  /** What the API answers to an action, such as `ExecuteStatement`. */
  async answer(action: string, request: Request): Promise<{ status: number; body: string }> {
    try {
      const answer = await this.#actions[action]?.(request);
      if (!answer) throw new ApiError('UnknownOperationException', `there is no ${action} here`);
      return { status: 200, body: JSON.stringify(answer) };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { status: 400, body: JSON.stringify({ __type: error.type, message: error.message }) };
    }
  }

  close(): void {
    for (const session of this.#sessions.values()) session.closeSync();
    this.#instance.closeSync();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  readonly #actions: Record<string, (request: Request) => Promise<object>> = {
    ExecuteStatement: async (request) => {
      const sessionId = await this.#sessionOf(request);
      const statement: Statement = { sql: String(request.Sql), sessionId };
      const id = randomUUID();
      this.#known.set(id, statement);
      await this.#run(statement);
      return { Id: id, SessionId: sessionId, Status: 'SUBMITTED' };
    },
    DescribeStatement: async ({ Id }) => {
      const { sessionId, error } = this.#statement(Id);
      return { Id, SessionId: sessionId, Status: error === undefined ? 'FINISHED' : 'FAILED', Error: error };
    },
    GetStatementResult: async ({ Id }) => resultOf(this.#statement(Id)),
  };

  /** The session that the request names, or a new one where it asks to keep it. A session knows its place; others name it. */
  async #sessionOf({
    SessionId,
    SessionKeepAliveSeconds,
    WorkgroupName,
    Database,
  }: Request): Promise<string | undefined> {
    if ((SessionId === undefined) !== (WorkgroupName !== undefined && Database !== undefined)) {
      throw new ApiError('ValidationException', 'either a session or a workgroup and its database must be named');
    }
    if (typeof SessionId === 'string') {
      if (this.#sessions.has(SessionId)) return SessionId;
      throw new ApiError('ResourceNotFoundException', 'the session is not available');
    }
    if (SessionKeepAliveSeconds === undefined) return undefined;
    const id = randomUUID();
    this.#sessions.set(id, await this.#instance.connect());
    return id;
  }

  #statement(id: unknown): Statement {
    const found = this.#known.get(String(id));
    if (!found) throw new ApiError('ResourceNotFoundException', `there is no statement ${id}`);
    return found;
  }

  async #run(statement: Statement): Promise<void> {
    this.statements.push(statement.sql);
    const { sessionId } = statement;
    const connection = sessionId ? this.#sessions.get(sessionId)! : await this.#instance.connect();
    try {
      statement.result = await connection.runAndReadAll(await this.#inDuckDb(statement.sql));
    } catch (error) {
      statement.error = String(error);
    } finally {
      if (!sessionId) connection.closeSync();
    }
  }

  /** A COPY as the statement with which DuckDB appends the same files. */
  async #inDuckDb(sql: string): Promise<string> {
    const copy = /^copy (\S+) from '(\S+)' iam_role '\S+' format as parquet manifest$/.exec(sql);
    if (!copy) return sql;
    const [, table, manifest] = copy as unknown as [string, string, string];
    const { entries } = JSON.parse(Buffer.from(await this.#readObject(manifest)).toString()) as {
      entries: { url: string; meta: { content_length: number } }[];
    };
    const files = [];
    for (const { url, meta } of entries) {
      const content = await this.#readObject(url);
      if (content.length !== meta.content_length) throw new Error(`the manifest is wrong about the size of ${url}`);
      const file = join(this.#folder, `${randomUUID()}-${basename(url)}`);
      writeFileSync(file, content);
      files.push(`'${file}'`);
    }
    return `insert into ${table} select * from read_parquet([${files.join(', ')}], hive_partitioning = false)`;
  }
}

function resultOf({ result, error }: Statement): object {
  if (!result || error !== undefined) throw new ApiError('ResourceNotFoundException', 'the statement has no result');
  const types = result.columnTypes().map((type) => {
    const known = typeNames.find(([pattern]) => pattern.test(String(type)));
    if (!known) throw new ApiError('ValidationException', `a result of type ${type} is not known here`);
    return known[1];
  });
  return {
    ColumnMetadata: result.columnNames().map((name, index) => ({ name, typeName: types[index] })),
    Records: result.getRowsJson().map((row) => row.map((value, index) => fieldOf(value, types[index]!))),
    TotalNumRows: result.currentRowCount,
  };
}

function fieldOf(value: unknown, type: string): object {
  if (value === null) return { isNull: true };
  if (type === 'bool') return { booleanValue: value };
  if (/^int/.test(type)) return { longValue: Number(value) };
  if (type === 'float8') return { doubleValue: value };
  return { stringValue: String(value) };
}
