/**
 * Warehouse on Redshift by its Data API. A transaction is a session in which one statement follows the other: a batch of the
 * API takes 40 at most, and a load has more. A session that is left behind is rolled back when its time is over.
 */
import { createHash } from 'node:crypto';
import {
  type ColumnMetadata,
  DescribeStatementCommand,
  type DescribeStatementResponse,
  ExecuteStatementCommand,
  type ExecuteStatementInput,
  type Field,
  GetStatementResultCommand,
  type RedshiftDataClient,
} from '@aws-sdk/client-redshift-data';
import {
  AdapterError,
  EngineError,
  type ObjectStore,
  type ResultSet,
  type Scalar,
  type Warehouse,
  type WarehouseStatement,
} from '../../ports.ts';
import { adapterError, refusal } from './errors.ts';

export interface RedshiftWarehouseOptions {
  client: RedshiftDataClient;
  workgroup: string;
  database: string;
  /** ARN of the role with which Redshift reads the lake. */
  copyRoleArn: string;
  /** The lake: COPY finds its files there by a manifest below `loads/`. */
  objects: ObjectStore;
}

/** What a COPY statement appends, and to which table. */
type Copy = Extract<WarehouseStatement, { copy: object }>['copy'];

/** Below the time in which the client waits for an answer. */
const longestWaitSeconds = 20;

/** A session lives on for this long behind its last statement; the next follows at once. */
const sessionSeconds = 120;

const maxStatementBytes = 100_000;

export class RedshiftWarehouse implements Warehouse {
  readonly #options: RedshiftWarehouseOptions;

  constructor(options: RedshiftWarehouseOptions) {
    this.#options = options;
  }

  async transaction(statements: WarehouseStatement[]): Promise<void> {
    const texts: { sql: string; what: string }[] = [];
    for (const statement of statements) {
      if ('sql' in statement) texts.push(statement);
      else if (statement.copy.files.length > 0) texts.push(await this.#copyStatement(statement.copy));
    }
    const { SessionId } = await this.#run('begin', { Sql: 'begin', SessionKeepAliveSeconds: sessionSeconds });
    const run = (what: string, Sql: string) =>
      this.#run(what, { Sql, SessionId, SessionKeepAliveSeconds: sessionSeconds });
    try {
      for (const { sql, what } of texts) await run(what, sql);
      await run('commit', 'commit');
    } catch (error) {
      // The error is what there is to tell; without a rollback, the session's end is one.
      await this.#run('rollback', { Sql: 'rollback', SessionId }).catch(() => {});
      throw error;
    }
  }

  async query(sql: string, what = 'query'): Promise<ResultSet> {
    const { Id } = await this.#run(what, { Sql: sql });
    const result: ResultSet = { columns: [], rows: [] };
    let NextToken: string | undefined;
    do {
      const page = await this.#asked(what, () =>
        this.#options.client.send(new GetStatementResultCommand({ Id, NextToken })),
      );
      const columns = page.ColumnMetadata ?? [];
      result.columns = columns.map(({ name = '', typeName = '' }) => ({ name, type: typeName }));
      for (const row of page.Records ?? []) {
        result.rows.push(row.map((field, index) => scalar(field, columns[index]!, what)));
      }
      NextToken = page.NextToken;
    } while (NextToken);
    return result;
  }

  /** A manifest names each file with its size; its key follows its content, so that it is the same one again. */
  async #copyStatement({ table, files }: Copy): Promise<{ sql: string; what: string }> {
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

  /** Runs a statement to its end; an EngineError that names it where Redshift does not. */
  async #run(
    what: string,
    input: Pick<ExecuteStatementInput, 'SessionId' | 'SessionKeepAliveSeconds'> & { Sql: string },
  ): Promise<{ Id: string; SessionId: string | undefined }> {
    const bytes = Buffer.byteLength(input.Sql);
    if (bytes > maxStatementBytes) throw refusal(`${what}: a statement has at most 100,000 bytes, got ${bytes}`);
    const { client, workgroup: WorkgroupName, database: Database } = this.#options;
    // A session knows its workgroup and database, and refuses to hear them again.
    const place = input.SessionId ? {} : { WorkgroupName, Database };
    const started = await this.#asked(what, () =>
      client.send(new ExecuteStatementCommand({ ...place, ...input, WaitTimeSeconds: longestWaitSeconds })),
    );
    const Id = started.Id!;
    for (;;) {
      const described = await this.#asked(what, () =>
        client.send(new DescribeStatementCommand({ Id, WaitTimeSeconds: longestWaitSeconds })),
      );
      const { Status } = described;
      if (Status === 'FINISHED') return { Id, SessionId: described.SessionId ?? started.SessionId };
      if (Status === 'FAILED' || Status === 'ABORTED') throw failure(what, described);
    }
  }

  async #asked<Answer>(what: string, call: () => Promise<Answer>): Promise<Answer> {
    try {
      return await call();
    } catch (error) {
      throw adapterError(`Redshift: ${what}`, error);
    }
  }
}

/** Redshift's own words quote the data: of these only the kind of error is told, and where the rest stands. */
function failure(what: string, { Id, Status, Error: words = '' }: DescribeStatementResponse): Error {
  const known = kinds.find(([pattern]) => pattern.test(words))?.[1] ?? 'it failed';
  const kind = Status === 'ABORTED' ? 'it was stopped' : known;
  const where = `\`aws redshift-data describe-statement --id ${Id}\` shows Redshift's words, which may quote the data`;
  // Of two transactions on the same tables Redshift breaks off one, which may begin anew.
  if (kind === overtaken) return new AdapterError(`${what}: ${kind}; ${where}`, { retryable: true });
  return new EngineError(`${what}: ${kind}; ${where}`);
}

const overtaken = 'another transaction changed the same tables';

const kinds: [RegExp, string][] = [
  [/serializable isolation/i, overtaken],
  [/does not exist/, 'a table, column or function in it does not exist'],
  [/permission denied|not authorized|AccessDenied/i, 'its user has no right to it'],
  [/syntax error/, 'Redshift does not take its syntax'],
  [/division by zero|divide by zero/i, 'it divides by zero'],
  [/invalid (input|digit)|out of range|overflow|value too long/i, 'a value does not fit its type'],
  [/Spectrum|S3|manifest/, 'a file of the lake cannot be read'],
];

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
