/**
 * Redshift's Data API with sessions, tokens and faults, behind a mock of the client: moto answers with canned rows and knows
 * neither. It keeps what was committed, so that a test sees what a load has left behind.
 */
import {
  DescribeStatementCommand,
  ExecuteStatementCommand,
  type ExecuteStatementInput,
  GetStatementResultCommand,
  RedshiftDataClient,
} from '@aws-sdk/client-redshift-data';
import { mockClient } from 'aws-sdk-client-mock';

/** What goes wrong, once, at a call. */
export type Fault = keyof typeof faults;

export interface Call {
  command: 'execute' | 'describe' | 'result';
  sql: string;
}

interface Session {
  statements: string[];
  state: 'open' | 'committed' | 'rolled back' | 'gone';
}

interface Statement {
  Id: string;
  SessionId?: string;
  sql: string;
  Status: 'FINISHED' | 'FAILED' | 'ABORTED';
  Error?: string;
}

const thrown = (name: string, message = 'planted-7f3a9c') => Object.assign(new Error(message), { name });

const faults = {
  throttled: () => thrown('ThrottlingException'),
  'statements exceeded': () => thrown('ActiveStatementsExceededException'),
  'sessions exceeded': () => thrown('ActiveSessionsExceededException'),
  resuming: () => thrown('ValidationException', 'The workgroup is resuming planted-7f3a9c'),
  'credentials expired': () => thrown('ExpiredTokenException'),
  'access denied': () => thrown('AccessDeniedException'),
  /** The call has its effect; its answer does not come. */
  'answer lost': () => thrown('TimeoutError'),
  'session gone': () => thrown('ValidationException', 'Session planted-7f3a9c is not available'),
  'not found': () => thrown('ResourceNotFoundException'),
  'connection closed': () => undefined,
  'usage limit': () => undefined,
  stopped: () => undefined,
  failed: () => undefined,
};

/** Faults that Redshift tells as the end of the statement. */
const ends: Partial<Record<Fault, Pick<Statement, 'Status' | 'Error'>>> = {
  'connection closed': { Status: 'FAILED', Error: 'Connection was closed planted-7f3a9c' },
  'usage limit': { Status: 'ABORTED', Error: 'Query stopped: usage limit reached planted-7f3a9c' },
  stopped: { Status: 'ABORTED', Error: 'planted-7f3a9c' },
  failed: { Status: 'FAILED', Error: 'planted-7f3a9c' },
};

export function fakeRedshift(faultAt: (call: Call) => Fault | undefined) {
  const client = new RedshiftDataClient({ region: 'eu-west-1' });
  const mock = mockClient(client);
  const sessions = new Map<string, Session>();
  const statements = new Map<string, Statement>();
  const byToken = new Map<string, Statement>();

  /** Runs a statement in its session, which a failed statement spoils and a lost one ends. */
  const execute = ({ Sql: sql = '', SessionId, SessionKeepAliveSeconds }: ExecuteStatementInput, fault?: Fault) => {
    const own = SessionId ?? (SessionKeepAliveSeconds ? `session-${sessions.size + 1}` : undefined);
    if (own && !sessions.has(own)) sessions.set(own, { statements: [], state: 'open' });
    const session = own ? sessions.get(own)! : undefined;
    if (session && session.state !== 'open') throw thrown('ValidationException', 'Session is closed');
    const end = fault && ends[fault];
    const statement: Statement = {
      Id: `statement-${statements.size + 1}`,
      SessionId: own,
      sql,
      Status: 'FINISHED',
      ...end,
    };
    statements.set(statement.Id, statement);
    if (session && fault === 'connection closed') session.state = 'gone';
    else if (session && !end) {
      session.statements.push(sql);
      if (sql === 'commit') session.state = 'committed';
      if (sql === 'rollback') session.state = 'rolled back';
    }
    return statement;
  };

  /** A fault of the call: what it throws, when it has done its work or not. */
  const faulty = <Answer>(call: Call, sessionId: string | undefined, work: (fault?: Fault) => Answer): Answer => {
    const fault = faultAt(call);
    const error = fault && faults[fault]();
    const session = sessionId ? sessions.get(sessionId) : undefined;
    if (fault === 'session gone' && session?.state === 'open') session.state = 'gone';
    if (fault !== 'answer lost' && error) throw error;
    const answer = work(fault);
    if (error) throw error;
    return answer;
  };

  mock.on(ExecuteStatementCommand).callsFake((input: ExecuteStatementInput) =>
    faulty({ command: 'execute', sql: input.Sql! }, input.SessionId, (fault) => {
      const known = byToken.get(input.ClientToken!);
      const statement = known ?? execute(input, fault);
      byToken.set(input.ClientToken!, statement);
      return { Id: statement.Id, SessionId: statement.SessionId };
    }),
  );
  mock.on(DescribeStatementCommand).callsFake(({ Id }: { Id: string }) => {
    const statement = statements.get(Id)!;
    return faulty({ command: 'describe', sql: statement.sql }, statement.SessionId, () => ({ ...statement }));
  });
  mock.on(GetStatementResultCommand).callsFake(({ Id }: { Id: string }) => {
    const { sql } = statements.get(Id)!;
    const answer = { ColumnMetadata: [{ name: 'n', typeName: 'int8' }], Records: [[{ longValue: 7 }]] };
    return faulty({ command: 'result', sql }, undefined, () => answer);
  });
  const inState = (state: Session['state']) =>
    [...sessions.values()].filter((one) => one.state === state).map((one) => one.statements);
  return { client, inState, asked: () => [...statements.values()].map(({ sql }) => sql) };
}
