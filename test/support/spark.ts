/** Spark for suites: one warm session a suite file, since a start takes longer than most of what it is asked. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RunScript } from '../../src/adapters/local/spark-engine.ts';
import { findSpark, SparkMissing } from '../../src/adapters/local/spark-submit.ts';
import { repositoryRoot } from './c360.ts';
import type { Result } from './sql-engines.ts';

/** What cannot change a result, and makes answers over a few rows quick. */
const settings = {
  'spark.driver.memory': '1g',
  // A Java that lives for a minute does not earn back what its second compiler takes.
  'spark.driver.extraJavaOptions': '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC',
  'spark.ui.enabled': 'false',
  'spark.sql.shuffle.partitions': '1',
  'spark.default.parallelism': '1',
  'spark.sql.adaptive.enabled': 'false',
  'spark.sql.codegen.wholeStage': 'false',
  'spark.sql.codegen.factoryMode': 'NO_CODEGEN',
};

/** A session of Spark with the settings of `run_models.py` and the functions of the models. */
export class SparkSession {
  readonly #folder = mkdtempSync(join(tmpdir(), 'c360-spark-'));
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: { resolve(answer: string): void; reject(error: Error): void }[] = [];
  readonly #ended: Promise<void>;
  #failure: Error | undefined;

  /** With settings of Spark beside the quick ones, or in their place. */
  constructor(changes: Record<string, string> = {}) {
    const { SPARK_HOME: _, ...environment } = process.env;
    const all = { ...settings, 'spark.local.dir': this.#folder, ...changes };
    const flags = Object.entries(all).map(([name, value]) => `--conf '${name}=${value}'`);
    const script = join(import.meta.dirname, 'spark_session.py');
    this.#process = spawn(join(repositoryRoot, '.venv/bin/python'), [script, join(repositoryRoot, 'sql')], {
      cwd: this.#folder,
      env: {
        ...environment,
        PYTHONPATH: join(repositoryRoot, 'glue-scripts'),
        PYSPARK_SUBMIT_ARGS: `--master local[2] ${flags.join(' ')} pyspark-shell`,
        SPARK_LOCAL_IP: '127.0.0.1',
      },
    });
    const { stdin, stdout, stderr } = this.#process;
    let said = '';
    stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    createInterface(stdout).on('line', (line) => this.#waiting.shift()?.resolve(line));
    // Not its exit: its Java ends later, and holds the other ends of the pipes too.
    this.#ended = once(this.#process, 'close').then(() => {
      this.#failure = new Error(`Spark has ended: ${said}`);
      for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
    });
    // What is written to one that ends is answered by its end.
    stdin.on('error', () => {});
  }

  /** The rows of a SELECT; `views` are the SELECTs of the views that it may read, as may that of the view `result`. */
  async select(select: string, views: Record<string, string> = {}, result?: string): Promise<Result> {
    const { columns, types, rows } = await this.#ask<Result & { rows: unknown[][] }>({ views, result, select });
    return { columns, types, rows: rows.map((row) => row.map((value) => (value === null ? null : String(value)))) };
  }

  /** Runs `run_models.py` with its arguments, without a start of its own. */
  readonly runScript: RunScript = (parameters) => this.#ask({ arguments: parameters });

  async close(): Promise<void> {
    this.#process.stdin.end();
    await this.#ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #ask<Answer>(request: object): Promise<Answer> {
    if (this.#failure) throw this.#failure;
    const line = await new Promise<string>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    });
    const answer = JSON.parse(line) as Answer & { error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }
}

/**
 * `describe` where Spark can run; without it the suite is skipped with a notice, and fails where CI is set. `find` throws
 * SparkMissing where there is none.
 */
export function describeWhereFound(find: () => unknown, isCi: boolean, notice: (text: string) => void) {
  try {
    find();
    return describe;
  } catch (error) {
    if (isCi || !(error instanceof SparkMissing)) throw error;
    notice(`NOTICE: the suites of Spark are skipped: ${error.message}\n`);
    return describe.skip;
  }
}

/** The set-up of a test run makes the Python environment, and says so, or fails where CI is set, if it cannot. */
export function findSessionSpark(): void {
  if (process.env.C360_MOTO_FOLDER === undefined) throw new SparkMissing('there is no Python environment');
  findSpark(repositoryRoot);
}

export const describeWithSpark = describeWhere(findSessionSpark);

/** As `describeWhereFound`, in this test run. */
export function describeWhere(find: () => unknown) {
  return describeWhereFound(find, Boolean(process.env.CI), (text) => process.stderr.write(text));
}
