/**
 * The Data API of Redshift as far as the platform speaks it, with DuckDB as the warehouse: sessions, tokens, statements that
 * are done when they are asked after, results in Redshift's types, COPY of Parquet files by a manifest, and faults. Functions and
 * commands ask it over HTTP, tests of the adapter by a mock of the client. It is no Redshift: that Redshift takes the same SQL
 * is what PGlite and the lint stand for.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  DescribeStatementCommand,
  ExecuteStatementCommand,
  GetStatementResultCommand,
  RedshiftDataClient,
} from '@aws-sdk/client-redshift-data';
import { type DuckDBConnection, DuckDBInstance, type DuckDBResultReader } from '@duckdb/node-api';
import { mockClient } from 'aws-sdk-client-mock';
import { redshiftAlone } from './warehouse-over.ts';

/** The content of an object at an `s3://` address. */
export type ReadObject = (uri: string) => Promise<Uint8Array>;

type Request = Record<string, unknown>;

export interface Call {
  action: 'ExecuteStatement' | 'DescribeStatement' | 'GetStatementResult';
  sql: string;
}

/** What goes wrong at a call. */
export type Fault = keyof typeof refusals | keyof typeof ends | 'not ended' | 'session unnamed';

interface Statement {
  id: string;
  sql: string;
  sessionId: string | undefined;
  status: 'FINISHED' | 'FAILED' | 'ABORTED';
  result?: DuckDBResultReader;
  error?: string;
}

/** An answer of the API that is an error. Its name is AWS' name of it. */
class ApiError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** Words that no error of the platform may repeat. */
export const quotedWords = 'planted-7f3a9c';

const refused = (name: string, message = quotedWords) => new ApiError(name, message);

const refusals = {
  throttled: () => refused('ThrottlingException'),
  'statements exceeded': () => refused('ActiveStatementsExceededException'),
  'sessions exceeded': () => refused('ActiveSessionsExceededException'),
  resuming: () => refused('ValidationException', `The workgroup is resuming ${quotedWords}`),
  'credentials expired': () => refused('ExpiredTokenException'),
  'access denied': () => refused('AccessDeniedException'),
  /** The call has its effect; its answer does not come. */
  'answer lost': () => refused('TimeoutError'),
  'session gone': () => refused('ValidationException', `Session ${quotedWords} is not available`),
  /** Says the same, and is still there. */
  'session busy': () => refused('ValidationException', `Session ${quotedWords} is not available`),
  'not found': () => refused('ResourceNotFoundException'),
};

/** Faults that Redshift tells as the end of the statement. */
const ends = {
  'connection closed': { status: 'FAILED', error: `Connection was closed ${quotedWords}` },
  overtaken: { status: 'FAILED', error: `ERROR: 1023 Serializable isolation violation on table ${quotedWords}` },
  deadlock: { status: 'FAILED', error: `ERROR: deadlock detected ${quotedWords}` },
  'usage limit': { status: 'ABORTED', error: `Query stopped: usage limit reached ${quotedWords}` },
  stopped: { status: 'ABORTED', error: quotedWords },
  failed: { status: 'FAILED', error: quotedWords },
} as const;

/** Redshift's words where two transactions change one row. It lets the second wait until the first has ended; this is at once. */
const conflict = 'ERROR: could not complete because of conflict with concurrent transaction';

const endOf = (fault: Fault | undefined) => (fault && fault in ends ? ends[fault as keyof typeof ends] : undefined);

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

/** One statement after the other, on a connection of its own. */
class Session {
  readonly #connection: DuckDBConnection;
  #last: Promise<unknown> = Promise.resolve();

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  run(sql: string): Promise<DuckDBResultReader> {
    const run = this.#last.then(() => this.#connection.runAndReadAll(sql));
    this.#last = run.catch(() => {});
    return run;
  }

  end(): Promise<void> {
    return this.#last.then(() => this.#connection.closeSync());
  }
}

export class RedshiftDataServer {
  /** The statements that were run, in order. */
  readonly statements: string[] = [];
  /** The fault of a call, where it has one. */
  faultAt: (call: Call) => Fault | undefined = () => undefined;
  readonly #instance: DuckDBInstance;
  readonly #readObject: ReadObject;
  readonly #folder = mkdtempSync(join(tmpdir(), 'c360-redshift-'));
  readonly #sessions = new Map<string, Session>();
  readonly #known = new Map<string, Statement>();
  #ending: Promise<unknown> = Promise.resolve();
  readonly #byToken = new Map<string, Promise<Statement>>();

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
      if (!(action in this.#actions)) throw new ApiError('UnknownOperationException', `there is no ${action} here`);
      return { status: 200, body: JSON.stringify(await this.#call(action as Call['action'], request)) };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { status: 400, body: JSON.stringify({ __type: error.name, message: error.message }) };
    }
  }

  /** A client whose calls come here without HTTP; `through` stands between them. */
  client(through: <Answer>(work: () => Promise<Answer>) => Promise<Answer> = (work) => work()): RedshiftDataClient {
    const client = new RedshiftDataClient({ region: 'eu-west-1' });
    const mock = mockClient(client);
    const call = (action: Call['action']) => (input: object) =>
      through(() => this.#call(action, Object.fromEntries(Object.entries(input))));
    mock.on(ExecuteStatementCommand).callsFake(call('ExecuteStatement'));
    mock.on(DescribeStatementCommand).callsFake(call('DescribeStatement'));
    mock.on(GetStatementResultCommand).callsFake(call('GetStatementResult'));
    return client;
  }

  /** Runs a statement by itself, as whoever else is connected. */
  async select(sql: string): Promise<unknown[][]> {
    const connection = await this.#instance.connect();
    try {
      return (await connection.runAndReadAll(sql)).getRowsJson();
    } finally {
      connection.closeSync();
    }
  }

  /** Ends all sessions, as their time does: what they have not committed is rolled back. */
  async endSessions(): Promise<void> {
    for (const id of this.#sessions.keys()) this.#endSession(id);
    await this.#ending;
  }

  async close(): Promise<void> {
    await this.endSessions();
    this.#instance.closeSync();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Its connection is closed when nothing runs on it any more, which DuckDB does not stand. */
  #endSession(id: string): void {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    if (session) this.#ending = Promise.all([this.#ending, session.end()]);
  }

  async #call(action: Call['action'], request: Request): Promise<object> {
    const { sql, sessionId } =
      action === 'ExecuteStatement'
        ? { sql: String(request.Sql), sessionId: request.SessionId }
        : this.#statement(request.Id);
    const fault = this.faultAt({ action, sql });
    const refusal = fault && fault in refusals ? refusals[fault as keyof typeof refusals]() : undefined;
    if (fault === 'session gone' && typeof sessionId === 'string') this.#endSession(sessionId);
    if (refusal && fault !== 'answer lost') throw refusal;
    const answer = await this.#actions[action](request, fault);
    if (refusal) throw refusal;
    return answer;
  }

  readonly #actions: Record<Call['action'], (request: Request, fault?: Fault) => Promise<object>> = {
    ExecuteStatement: async (request, fault) => {
      const token = String(request.ClientToken ?? randomUUID());
      const known = this.#byToken.get(token);
      const execution = known ?? this.#execute(request, fault);
      this.#byToken.set(token, execution);
      // A call that was refused has handed nothing over, and its token is free.
      execution.catch(() => this.#byToken.delete(token));
      const { id, sessionId } = await execution;
      return { Id: id, SessionId: fault === 'session unnamed' ? undefined : sessionId, Status: 'SUBMITTED' };
    },
    DescribeStatement: async ({ Id }, fault) => {
      const { sessionId, status, error } = this.#statement(Id);
      if (fault === 'not ended') return { Id, SessionId: sessionId, Status: 'STARTED' };
      return { Id, SessionId: sessionId, Status: status, Error: error };
    },
    GetStatementResult: async ({ Id }) => resultOf(this.#statement(Id)),
  };

  async #execute(request: Request, fault: Fault | undefined): Promise<Statement> {
    const sessionId = await this.#sessionOf(request);
    const statement: Statement = { id: randomUUID(), sql: String(request.Sql), sessionId, status: 'FINISHED' };
    this.statements.push(statement.sql);
    const end = endOf(fault);
    if (end) {
      // A statement that fails spoils its transaction.
      if (sessionId) await this.#run({ ...statement, sql: 'select error()' });
      Object.assign(statement, end);
    } else await this.#run(statement);
    if (fault === 'connection closed' && sessionId) this.#endSession(sessionId);
    this.#known.set(statement.id, statement);
    return statement;
  }

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
    this.#sessions.set(id, new Session(await this.#instance.connect()));
    return id;
  }

  #statement(id: unknown): Statement {
    const found = this.#known.get(String(id));
    if (!found) throw new ApiError('ResourceNotFoundException', `there is no statement ${id}`);
    return found;
  }

  async #run(statement: Statement): Promise<void> {
    const { sessionId } = statement;
    const session = sessionId ? this.#sessions.get(sessionId)! : new Session(await this.#instance.connect());
    try {
      statement.result = await session.run(await this.#inDuckDb(statement.sql));
    } catch (error) {
      const isOvertaken = /conflict/i.test(String(error));
      Object.assign(statement, { status: 'FAILED', error: isOvertaken ? conflict : String(error) });
    } finally {
      if (!sessionId) await session.end();
    }
  }

  /** Nothing of what Redshift alone knows; a COPY as the statement with which DuckDB appends the same files. */
  async #inDuckDb(sql: string): Promise<string> {
    if (redshiftAlone.test(sql)) return 'select 1';
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
