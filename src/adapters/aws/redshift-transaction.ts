/**
 * A transaction on Redshift: a session of the Data API in which one statement follows the other, since a batch of the API takes
 * 40 at most, and a load has more. It may go on behind the call, and the function, that began it. Each statement has a token of
 * its own, so that one that is handed over twice runs once, be it by a call that goes on where another died or by two at once.
 *
 * Where another call may go on with a session, it is rolled back only if Redshift itself says that a statement failed, which every
 * call then hears: what another call handed over behind a rollback would stand outside the transaction. Any other session that is
 * left behind is rolled back when its time is over. One that looks lost may only be busy, and another call may yet commit it.
 */
import { createHash } from 'node:crypto';
import { AdapterError, EngineError, type ObjectStore } from '../../ports.ts';
import { refusal } from './errors.ts';
import { type RedshiftStatements, SessionLost, type Text, TransactionLost } from './redshift-statements.ts';
import { type Attempt, retrying } from './retry.ts';

/** Where a transaction stands. */
interface Place {
  /** Counts its sessions from 1: where one is lost, all begins anew in the next. */
  session: number;
  /** What was handed over last. */
  last?: { index: number; statementId: string; sessionId: string };
}

/** The object in which the place is kept from one call to the next. */
interface Note {
  objects: ObjectStore;
  key: string;
}

/** A session lives on for this long behind a statement: longer than it takes until the next call goes on. */
const sessionSeconds = 300;

/** Times that a transaction is begun that is lost before its end. */
const mostSessions = 3;

/** Redshift may have committed where nothing was heard of it; where it says that it failed, it has not. */
class UnknownEnd extends AdapterError {
  constructor() {
    super('commit: its session has ended, and it is not known whether before or after; run it again, which finds out', {
      retryable: true,
    });
  }
}

export class RedshiftTransaction {
  readonly #statements: RedshiftStatements;
  readonly #texts: Text[];
  readonly #name: string;

  /** One of the same name, and with the same statements, goes on where the other stands. */
  constructor(statements: RedshiftStatements, texts: Text[], name: string) {
    this.#statements = statements;
    this.#texts = [{ what: 'begin', sql: 'begin' }, ...texts, { what: 'commit', sql: 'commit' }];
    this.#name = name;
  }

  /** Runs it to its end. AdapterError where it is not known whether the commit was made. */
  async run(): Promise<void> {
    let session = 1;
    const attempt = async (): Promise<Attempt<boolean>> => {
      try {
        return { value: await this.#inSession({ session }, Number.POSITIVE_INFINITY) };
      } catch (error) {
        if (!(error instanceof TransactionLost)) throw error;
        session += 1;
        return { again: error };
      }
    };
    await retrying(this.#statements.timer, attempt, mostSessions);
  }

  /**
   * Goes on until `until` (milliseconds since 1970). Where it was lost it is `running`, and begins anew when it is called again: who
   * calls asks the warehouse first, which may hold by then what this or another transaction did.
   */
  async advance(until: number, { objects, key }: Note): Promise<'committed' | 'running'> {
    const noted = await objects.get(key);
    const place: Place = noted ? JSON.parse(Buffer.from(noted).toString()) : { session: 1 };
    const note = (changed: Place) => objects.put(key, Buffer.from(JSON.stringify(changed)));
    try {
      return (await this.#inSession(place, until, note)) ? 'committed' : 'running';
    } catch (error) {
      const isLost = error instanceof TransactionLost || error instanceof UnknownEnd;
      if (!isLost || place.session >= mostSessions) throw error;
      await note({ session: place.session + 1 });
      return 'running';
    }
  }

  /** False where its time is over before the transaction's end. Without a note, no other call can go on with it. */
  async #inSession(
    { session, ...from }: Place,
    until: number,
    note?: (place: Place) => Promise<void>,
  ): Promise<boolean> {
    let { last } = from;
    for (const [index, text] of this.#texts.entries()) {
      if (last && index < last.index) continue;
      try {
        if (index !== last?.index) {
          if (this.#statements.clock.now().getTime() >= until) return false;
          const within = { SessionKeepAliveSeconds: sessionSeconds, ...(last && { SessionId: last.sessionId }) };
          const { Id, SessionId } = await this.#statements.submit(text, within, this.#token(session, index));
          const sessionId = last?.sessionId ?? SessionId;
          // Without it, what follows would stand outside the transaction.
          if (!sessionId)
            throw refusal(
              `${text.what}: Redshift's Data API names no session; what was begun ends by itself in some minutes: run it again`,
            );
          last = { index, statementId: Id, sessionId };
          await note?.({ session, last });
        }
        if (!(await this.#statements.hasEnded(text.what, last.statementId, until))) return false;
      } catch (error) {
        const isLost = error instanceof SessionLost;
        if (isLost && text.sql === 'commit') throw new UnknownEnd();
        const isRefused = error instanceof EngineError || (error instanceof TransactionLost && !isLost);
        // The error is what there is to tell; without a rollback, the session's end is one. What looks lost may be there still, and
        // would hold its locks.
        if (last && (isRefused || !note)) await this.#rollBack(last.sessionId).catch(() => {});
        throw error;
      }
    }
    return true;
  }

  async #rollBack(SessionId: string): Promise<void> {
    await this.#statements.run({ what: 'rollback', sql: 'rollback' }, { SessionId });
  }

  /** At most 64 characters. */
  #token(session: number, index: number): string {
    return createHash('sha256').update(`${this.#name} ${session} ${index}`).digest('hex');
  }
}
