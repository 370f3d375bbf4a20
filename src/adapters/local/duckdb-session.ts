/** One DuckDB, opened for one task: confined to its files, its memory and a temporary folder of its own. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DuckDBConnection,
  type DuckDBExtractedStatements,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  type DuckDBResultReader,
  StatementType,
} from '@duckdb/node-api';
import { EngineError } from '../../ports.ts';
import { failedStatement, refusedStatement } from './duckdb-errors.ts';

export interface SessionOptions {
  /** The database file; without one the session is in memory. */
  file?: string;
  isReadOnly?: boolean;
  /** The only directories, beside the temporary one, whose files SQL reads and writes. */
  directories?: string[];
  /** Where the session makes its folder for what does not fit in memory. */
  temporaryDirectory: string;
  /** What DuckDB holds in memory at most; by default `1GB`, which takes millions of rows into the warehouse. */
  memoryLimit?: string;
}

/** Opens a session for `use` and closes it, also where `use` throws. */
export async function withSession<T>(options: SessionOptions, use: (session: DuckDbSession) => Promise<T>): Promise<T> {
  const { file = ':memory:', isReadOnly = false, directories = [], temporaryDirectory, memoryLimit = '1GB' } = options;
  mkdirSync(temporaryDirectory, { recursive: true });
  // Sessions that share a folder would write into each other's files.
  const spill = mkdtempSync(join(temporaryDirectory, 'duckdb-'));
  try {
    const instance = await DuckDBInstance.create(file, {
      memory_limit: memoryLimit,
      temp_directory: spill,
      // Statements of one task come one after the other: to tidy up behind each would cost more than they do.
      checkpoint_threshold: '1TB',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      ...(isReadOnly && { access_mode: 'READ_ONLY' }),
    }).catch((error: unknown) => {
      throw failedStatement(file === ':memory:' ? 'DuckDB does not start' : `${file} cannot be opened`, error);
    });
    const connection = await instance.connect();
    try {
      const session = new DuckDbSession(instance, connection);
      // No network and no extensions either, and no statement takes it back.
      await session.run('settings', `set allowed_directories = [${directories.map(quoted).join(', ')}]`);
      await session.run('settings', 'set enable_external_access = false');
      return await use(session);
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  } finally {
    rmSync(spill, { recursive: true, force: true });
  }
}

export class DuckDbSession {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  /** Another connection to the same database, for statements that run beside this one's; temporary tables are not shared. */
  async beside<T>(use: (session: DuckDbSession) => Promise<T>): Promise<T> {
    const connection = await this.#instance.connect();
    try {
      return await use(new DuckDbSession(this.#instance, connection));
    } finally {
      connection.closeSync();
    }
  }

  /**
   * Runs statements in order and gives the last one's rows. EngineError where one fails: it begins with `where` and holds no
   * value of the data.
   */
  async run(where: string, sql: string): Promise<DuckDBResultReader> {
    const statements = await this.#extract(where, sql);
    let result: DuckDBResultReader | undefined;
    for (let index = 0; index < statements.count; index += 1) {
      // Only when those before have run: it may need what they make.
      result = await execute(where, await prepare(where, statements, index));
    }
    if (!result) throw new EngineError(`${where}: there is no statement`);
    return result;
  }

  /** Runs one SELECT, or EXPLAIN of one; anything else is an EngineError and is not run. */
  async select(where: string, sql: string): Promise<DuckDBResultReader> {
    if (isEmpty(sql)) throw new EngineError('the statement is empty; give one SELECT');
    const statements = await this.#extract(where, sql);
    if (statements.count !== 1) throw new EngineError(`one statement is needed, got ${statements.count}`);
    const statement = await prepare(where, statements, 0);
    if (!readingTypes.includes(statement.statementType)) {
      throw new EngineError('the warehouse is read only; give one SELECT');
    }
    return execute(where, statement);
  }

  #extract(where: string, sql: string): Promise<DuckDBExtractedStatements> {
    return this.#connection.extractStatements(sql).catch((error: unknown) => {
      throw refusedStatement(where, error);
    });
  }
}

const readingTypes = [StatementType.SELECT, StatementType.EXPLAIN];

/** DuckDB's parser fails without a word where there is nothing but comments. */
const isEmpty = (sql: string): boolean => sql.replaceAll(/--.*|\/\*[\s\S]*?\*\/|[\s;]/g, '') === '';

const prepare = (
  where: string,
  statements: DuckDBExtractedStatements,
  index: number,
): Promise<DuckDBPreparedStatement> =>
  statements.prepare(index).catch((error: unknown) => {
    throw refusedStatement(where, error);
  });

async function execute(where: string, statement: DuckDBPreparedStatement): Promise<DuckDBResultReader> {
  try {
    return await statement.runAndReadAll();
  } catch (error) {
    throw failedStatement(where, error);
  } finally {
    statement.destroySync();
  }
}

export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
