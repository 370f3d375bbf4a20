/** Spark as engine: what it gives its script, where it is found, and the contract of engines on a warm session. */
import { cpSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DirectoryObjectStore } from '../../../../src/adapters/local/directory-object-store.ts';
import { type RunScript, SparkEngine } from '../../../../src/adapters/local/spark-engine.ts';
import { findSpark, SparkMissing } from '../../../../src/adapters/local/spark-submit.ts';
import { SqlDirectory } from '../../../../src/adapters/sql-directory.ts';
import type { EngineResult, RunPlan } from '../../../../src/domain/lake/run-plan.ts';
import { readModels } from '../../../../src/flows/models.ts';
import { EngineError } from '../../../../src/ports.ts';
import { type EngineUnderTest, modelEngineContract } from '../../../contracts/model-engine.ts';
import { repositoryRoot } from '../../../support/c360.ts';
import { temporaryDirectories } from '../../../support/local-stores.ts';
import { parquetRows } from '../../../support/parquet-rows.ts';
import { describeWithSpark, SparkSession } from '../../../support/spark.ts';

const directory = temporaryDirectories();
const dateColumns = readModels(new SqlDirectory(join(repositoryRoot, 'sql'))).ddl.get('dim_date')!;

describe('SparkEngine', () => {
  const plan: RunPlan = { runId: 'r1', layer: 'clean', pass: 1, models: [] };
  const result: EngineResult = { runId: 'r1', layer: 'clean', engine: 'spark', models: [] };

  test('gives the script the lake, the SQL and the plan, and returns what it wrote', async () => {
    const objects = new DirectoryObjectStore(directory());
    const given: unknown[] = [];
    const runScript: RunScript = async (parameters) => {
      given.push(parameters, JSON.parse(Buffer.from((await objects.get('plans/r1/clean.json'))!).toString()));
      await objects.put('plans/r1/clean.result.json', Buffer.from(JSON.stringify(result)));
      return { status: 0, stdout: '', stderr: '' };
    };
    expect(await new SparkEngine({ objects, sql: '/sql', runScript }).execute(plan)).toEqual(result);
    const lake = dirname(objects.uri('plans'));
    expect(given).toEqual([['--lake', lake, '--sql', '/sql', '--plan', 'plans/r1/clean.json'], plan]);
  });

  test('does not take the result of an earlier try for that of a script that wrote none', async () => {
    const objects = new DirectoryObjectStore(directory());
    await objects.put('plans/r1/clean.result.json', Buffer.from(JSON.stringify(result)));
    const runScript: RunScript = async () => ({ status: 0, stdout: '', stderr: '' });
    await expect(new SparkEngine({ objects, sql: '/sql', runScript }).execute(plan)).rejects.toThrow(EngineError);
  });
});

describe('Spark on this machine', () => {
  const before = { ...process.env };
  afterEach(() => {
    process.env = { ...before };
  });

  /** A folder with an empty program in its `bin`. */
  function folderWith(program: string): string {
    const folder = directory();
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin', program), '#!/bin/sh\n', { mode: 0o755 });
    return folder;
  }

  /** A project whose Python environment has a Spark. */
  function project(): string {
    const root = directory();
    renameSync(folderWith('spark-submit'), join(root, '.venv'));
    return root;
  }

  test('is that of SPARK_HOME, else that of the project, else one on the path', () => {
    const [home, root, elsewhere] = [folderWith('spark-submit'), project(), folderWith('spark-submit')];
    Object.assign(process.env, { SPARK_HOME: home, JAVA_HOME: folderWith('java'), PATH: join(elsewhere, 'bin') });
    expect(findSpark(root).submit).toBe(join(home, 'bin/spark-submit'));
    delete process.env.SPARK_HOME;
    expect(findSpark(root).submit).toBe(join(root, '.venv/bin/spark-submit'));
    expect(findSpark(directory()).submit).toBe(join(elsewhere, 'bin/spark-submit'));
  });

  test('runs the Python of the project where it is that of the project, and listens on this machine alone', () => {
    const root = project();
    Object.assign(process.env, { JAVA_HOME: folderWith('java'), PATH: '/usr/bin' });
    delete process.env.SPARK_HOME;
    const python = join(root, '.venv/bin');
    expect(findSpark(root).environment).toMatchObject({
      PATH: `${python}:/usr/bin`,
      PYSPARK_PYTHON: join(python, 'python'),
      SPARK_LOCAL_IP: '127.0.0.1',
    });
    process.env.SPARK_HOME = folderWith('spark-submit');
    expect(findSpark(root).environment).toMatchObject({ PATH: '/usr/bin', SPARK_LOCAL_IP: '127.0.0.1' });
  });

  test('is missing where there is none, or no Java for it', () => {
    Object.assign(process.env, { JAVA_HOME: directory(), PATH: directory() });
    delete process.env.SPARK_HOME;
    expect(() => findSpark(directory())).toThrow(
      new SparkMissing(
        'Spark is not installed; `node scripts/python-env.mjs` installs it for this project, or let SPARK_HOME name a Spark 4',
      ),
    );
    expect(() => findSpark(project())).toThrow(
      new SparkMissing('Spark needs Java 17 or 21; install it, or let JAVA_HOME name it'),
    );
  });
});

/** All days of a century. */
const datesPlan: RunPlan = {
  runId: 'r1',
  layer: 'curated',
  pass: 1,
  models: [
    {
      table: 'curated.dim_date',
      sql: 'models/curated/dim_date.sql',
      inputs: {},
      output: { prefix: 'curated/dim_date/run=r1', columns: dateColumns },
    },
  ],
};

describeWithSpark('on a warm session', () => {
  let session: SparkSession;
  beforeAll(() => {
    session = new SparkSession();
  });
  afterAll(() => session.close());

  const sql = join(repositoryRoot, 'sql');

  test('a plan that is missing is told by its key', async () => {
    const lake = directory();
    const end = await session.runScript(['--lake', lake, '--sql', sql, '--plan', 'plans/r1/clean.json']);
    expect(end.status).toBe(1);
    expect(end.stdout + end.stderr).toContain('run_models failed: plans/r1/clean.json: a file is missing');
  });

  test('a partition is one file, and several where one would be too large', async () => {
    const objects = new DirectoryObjectStore(directory());
    const run = async (...more: string[]) => {
      const runScript: RunScript = (parameters) => session.runScript([...parameters, ...more]);
      return (await new SparkEngine({ objects, sql, runScript }).execute(datesPlan)).models[0]!.files;
    };
    const [whole, ...others] = await run();
    expect([whole!.rows, others]).toEqual([36_525, []]);
    const limit = whole!.bytes / 4;
    const parts = await run('--max-file-mb', String(limit / 2 ** 20));
    expect(parts.length).toBeGreaterThan(3);
    expect(Math.max(...parts.map(({ bytes }) => bytes))).toBeLessThanOrEqual(limit);
    expect(parts.reduce((sum, { rows }) => sum + rows, 0)).toBe(36_525);
    expect(new Set(await parquetRows(parts.map(({ key }) => objects.uri(key)))).size).toBe(36_525);
  });

  modelEngineContract('SparkEngine', async (models): Promise<EngineUnderTest> => {
    const objects = new DirectoryObjectStore(directory());
    const sql = directory();
    cpSync(join(repositoryRoot, 'sql/prelude'), join(sql, 'prelude'), { recursive: true });
    for (const [path, text] of Object.entries(models)) {
      mkdirSync(dirname(join(sql, path)), { recursive: true });
      writeFileSync(join(sql, path), text);
    }
    return {
      engine: new SparkEngine({ objects, sql, runScript: session.runScript }),
      objects,
      read: (files) => parquetRows(files.map(({ key }) => objects.uri(key))),
      close: async () => {},
    };
  });
});
