/** Spark on this machine: where it is installed, and how a script is run on it. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { RunScript } from './spark-engine.ts';

/** The program `spark-submit`, and the environment in which it runs. */
export interface SparkInstallation {
  submit: string;
  environment: Record<string, string | undefined>;
}

export class SparkMissing extends Error {
  override name = 'SparkMissing';
}

/**
 * The Spark that `SPARK_HOME` names, that of the project's Python environment, or the first on the path. SparkMissing,
 * which says what to do, where there is none, or no Java for it.
 */
export function findSpark(root: string): SparkInstallation {
  const { SPARK_HOME, PATH = '', JAVA_HOME } = process.env;
  const python = join(root, '.venv', 'bin');
  const places = [...(SPARK_HOME ? [join(SPARK_HOME, 'bin')] : []), python, ...PATH.split(delimiter)];
  const place = places.find((folder) => existsSync(join(folder, 'spark-submit')));
  if (!place) {
    throw new SparkMissing(
      'Spark is not installed; `node scripts/python-env.mjs` installs it for this project, or let SPARK_HOME name a Spark 4',
    );
  }
  const java = JAVA_HOME ? join(JAVA_HOME, 'bin', 'java') : 'java';
  if (spawnSync(java, ['-version']).status !== 0) {
    throw new SparkMissing('Spark needs Java 17 or 21; install it, or let JAVA_HOME name it');
  }
  // Else its start script would ask any Python on the path where Spark lies.
  const own = place === python ? { PATH: [python, PATH].join(delimiter), PYSPARK_PYTHON: join(python, 'python') } : {};
  return { submit: join(place, 'spark-submit'), environment: { ...process.env, SPARK_LOCAL_IP: '127.0.0.1', ...own } };
}

export interface SparkSubmitOptions {
  installation: SparkInstallation;
  /** Path of the Python script. */
  script: string;
  /** Where data goes that does not fit in memory. */
  temporaryDirectory: string;
  settings?: Record<string, string>;
}

/** What is held in memory at most, beside the JVM's own. */
const memory = '2g';

/** Runs the script by `spark-submit` on all cores of this machine; each time with a Spark of its own. */
export const sparkSubmit =
  ({ installation, script, temporaryDirectory, settings = {} }: SparkSubmitOptions): RunScript =>
  async (parameters) => {
    mkdirSync(temporaryDirectory, { recursive: true });
    const folder = mkdtempSync(join(temporaryDirectory, 'spark-'));
    const all: Record<string, string> = {
      'spark.master': 'local[*]',
      'spark.driver.memory': memory,
      'spark.ui.enabled': 'false',
      'spark.local.dir': folder,
      'spark.sql.warehouse.dir': folder,
      'spark.sql.shuffle.partitions': '8',
      ...settings,
    };
    const flags = Object.entries(all).flatMap(([name, value]) => ['--conf', `${name}=${value}`]);
    const { submit, environment } = installation;
    try {
      // In its own folder, since Spark makes some where it is started.
      return await ended(submit, [...flags, script, ...parameters], folder, environment);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };

function ended(program: string, parameters: string[], cwd: string, env: SparkInstallation['environment']) {
  return new Promise<{ status: number | string; stdout: string; stderr: string }>((resolve, reject) => {
    // Before it starts: a signal that comes meanwhile is handled when this function has ended.
    const goOn = endWithProcess(() => child.kill());
    const child = spawn(program, parameters, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] += text;
      });
    }
    child.once('error', reject);
    child.once('close', (status, signal) => {
      goOn();
      resolve({ status: status ?? signal ?? 'no status', ...said });
    });
  });
}

/** Calls `stop` when this process ends, also by a signal that nobody else waits for. Returns what takes that back. */
function endWithProcess(stop: () => void): () => void {
  const stopAndEnd = (signal: NodeJS.Signals) => {
    stop();
    // Behind the last listener the signal does again what it does to any process.
    process.kill(process.pid, signal);
  };
  process.once('exit', stop);
  const signals = (['SIGTERM', 'SIGINT'] as const).filter((signal) => process.listenerCount(signal) === 0);
  for (const signal of signals) process.once(signal, stopAndEnd);
  return () => {
    process.off('exit', stop);
    for (const signal of signals) process.off(signal, stopAndEnd);
  };
}
