/**
 * Single statements by Redshift's Data API. What may pass is asked again, under one token, so that a statement whose answer
 * was lost runs once; what does not pass is an error that says what to do.
 */
import { randomUUID } from 'node:crypto';
import {
  DescribeStatementCommand,
  type DescribeStatementResponse,
  ExecuteStatementCommand,
  type ExecuteStatementInput,
  GetStatementResultCommand,
  type GetStatementResultResponse,
  type RedshiftDataClient,
} from '@aws-sdk/client-redshift-data';
import { AdapterError, type Clock, EngineError, type Timer } from '../../ports.ts';
import { adapterError, errorCode, refusal } from './errors.ts';
import { type Attempt, retrying, systemTimer } from './retry.ts';

export interface RedshiftStatementsOptions {
  client: RedshiftDataClient;
  workgroup: string;
  database: string;
  /** Name of the secret of the user who connects; without it that is the user of the caller's IAM role. */
  secret?: string;
  timer?: Timer;
  clock?: Clock;
}

type Session = Pick<ExecuteStatementInput, 'SessionId' | 'SessionKeepAliveSeconds'>;

export interface Text {
  sql: string;
  /** Names the statement where it fails. */
  what: string;
}

/** The transaction is rolled back, and may begin anew. */
export class TransactionLost extends AdapterError {}

/** The session has ended, and Redshift has rolled its transaction back; or it is busy, of which the API speaks in the same words. */
export class SessionLost extends TransactionLost {}

/** Below the time in which the client waits for an answer. */
const longestWaitSeconds = 20;

const maxStatementBytes = 100_000;

export class RedshiftStatements {
  readonly #client: RedshiftDataClient;
  readonly #place: Pick<ExecuteStatementInput, 'WorkgroupName' | 'Database' | 'SecretArn'>;
  readonly timer: Timer;
  readonly clock: Clock;

  constructor({
    client,
    workgroup,
    database,
    secret,
    timer = systemTimer,
    clock = { now: () => new Date() },
  }: RedshiftStatementsOptions) {
    this.#client = client;
    this.#place = { WorkgroupName: workgroup, Database: database, ...(secret && { SecretArn: secret }) };
    this.timer = timer;
    this.clock = clock;
  }

  /** Runs a statement to its end, and returns its id. Errors as of `submit` and `hasEnded`. */
  async run(text: Text, session?: Session): Promise<string> {
    const { Id } = await this.submit(text, session);
    await this.hasEnded(text.what, Id, Number.POSITIVE_INFINITY);
    return Id;
  }

  /** Hands a statement over. A token stands for one statement for eight hours: given again, it is not run again. */
  async submit(
    { what, sql }: Text,
    session: Session = {},
    ClientToken: string = randomUUID(),
  ): Promise<{ Id: string; SessionId: string | undefined }> {
    // A session knows its workgroup, database and user, and refuses to hear them again.
    const place = session.SessionId ? {} : this.#place;
    const input = {
      ...place,
      ...session,
      Sql: fitting({ what, sql }).sql,
      ClientToken,
      WaitTimeSeconds: longestWaitSeconds,
    };
    const { Id, SessionId } = await this.#asked(what, () => this.#client.send(new ExecuteStatementCommand(input)));
    const isNamed = SessionId !== undefined || session.SessionKeepAliveSeconds === undefined;
    if (isNamed) return { Id: Id!, SessionId };
    // The answer to a token that is given again may lack the session, which the statement knows.
    const described = await this.#asked(what, () => this.#client.send(new DescribeStatementCommand({ Id })));
    return { Id: Id!, SessionId: described.SessionId };
  }

  /**
   * Waits until the statement has ended; false where it has not by `until` (milliseconds since 1970). An EngineError that names
   * it where Redshift refused it or broke it off.
   */
  async hasEnded(what: string, Id: string, until: number): Promise<boolean> {
    for (;;) {
      const described = await this.#asked(what, () =>
        this.#client.send(new DescribeStatementCommand({ Id, WaitTimeSeconds: longestWaitSeconds })),
      );
      const { Status } = described;
      if (Status === 'FINISHED') return true;
      if (Status === 'FAILED' || Status === 'ABORTED') throw failure(what, described);
      if (this.clock.now().getTime() >= until) return false;
    }
  }

  /** The result of a statement that has ended, page by page. */
  async *pages(what: string, Id: string): AsyncIterable<GetStatementResultResponse> {
    let NextToken: string | undefined;
    do {
      const page = await this.#asked(what, () => this.#client.send(new GetStatementResultCommand({ Id, NextToken })));
      yield page;
      NextToken = page.NextToken;
    } while (NextToken);
  }

  async #asked<Answer>(what: string, call: () => Promise<Answer>): Promise<Answer> {
    return retrying(this.timer, async (): Promise<Attempt<Answer>> => {
      try {
        return { value: await call() };
      } catch (error) {
        const told = failedCall(`Redshift: ${what}`, error);
        if (!told.retryable || told instanceof SessionLost) throw told;
        return { again: told };
      }
    });
  }
}

/** The statement itself; AdapterError where the API takes none of its length. */
export function fitting(text: Text): Text {
  const bytes = Buffer.byteLength(text.sql);
  if (bytes > maxStatementBytes) throw refusal(`${text.what}: a statement has at most 100,000 bytes, got ${bytes}`);
  return text;
}

/** What a call becomes that was not answered. AWS' words tell some causes apart; they are not repeated, since they quote. */
function failedCall(what: string, error: unknown): AdapterError {
  const code = errorCode(error);
  const words = error instanceof Error ? error.message : '';
  const refused = /^(?:Validation|ResourceNotFound)/.test(code);
  if (refused && /session/i.test(words)) {
    return new SessionLost(`${what}: its session has ended, and what it did is rolled back; run it again`, {
      retryable: true,
    });
  }
  const isNotYet = code.startsWith('ResourceNotFound') || (refused && /resum|paus|not (?:yet )?available/i.test(words));
  if (isNotYet) return new AdapterError(`${what} failed with ${code}: it is not yet there`, { retryable: true });
  if (/^(?:ExpiredToken|UnrecognizedClient|InvalidClientToken|CredentialsProvider)/.test(code)) {
    return refusal(
      `${what} failed with ${code}: the credentials are not valid, or no longer; sign in anew and repeat it`,
    );
  }
  return adapterError(what, error);
}

/** Redshift's own words quote the data: of these only the kind of error is told, and where the rest stands. */
function failure(what: string, { Id, Status, Error: words = '' }: DescribeStatementResponse): Error {
  const unknown = Status === 'ABORTED' ? 'it was stopped' : 'it failed';
  const kind = kinds.find(([pattern]) => pattern.test(words))?.[1] ?? unknown;
  const where = `\`aws redshift-data describe-statement --id ${Id}\` shows Redshift's words, which may quote the data`;
  const told = `${what}: ${kind}; ${where}`;
  if (kind === lost) return new SessionLost(told, { retryable: true });
  // Of two transactions on the same tables Redshift breaks off one, which may begin anew.
  if (kind === overtaken) return new TransactionLost(told, { retryable: true });
  return new EngineError(told);
}

const overtaken = 'another transaction changed the same tables';
const lost = 'its session has ended, and what it did is rolled back';

const kinds: [RegExp, string][] = [
  [/serializable isolation|conflict with concurrent transaction|deadlock/i, overtaken],
  // A file's own connection may be lost, too: the session is still there then.
  [/Spectrum|S3|manifest/, 'a file of the lake cannot be read'],
  [/\b(?:session|connection)\b.*\b(?:closed|expired|lost|not found|reset|terminated)\b/i, lost],
  [/usage limit|RPU.?hours/i, "the warehouse's usage limit is reached: raise it, or wait until its period ends"],
  [/query_execution_time|statement timeout|timed out/i, 'it took longer than a statement may'],
  [/does not exist/, 'a table, column or function in it does not exist'],
  [
    /permission denied|not authorized|AccessDenied/i,
    'its user has no right to it: the tag RedshiftDbRoles of its IAM role gives it one (docs/deploy.md)',
  ],
  [/syntax error/, 'Redshift does not take its syntax'],
  [/division by zero|divide by zero/i, 'it divides by zero'],
  [/invalid (input|digit)|out of range|overflow|value too long/i, 'a value does not fit its type'],
];
