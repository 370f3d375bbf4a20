/** Spark keeps the contract of engines, on one warm session. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DirectoryObjectStore } from '../../src/adapters/local/directory-object-store.ts';
import { type RunScript, SparkEngine } from '../../src/adapters/local/spark-engine.ts';
import { SqlDirectory } from '../../src/adapters/sql-directory.ts';
import type { RunPlan } from '../../src/domain/lake/run-plan.ts';
import { readModels } from '../../src/flows/models.ts';
import { type EngineUnderTest, modelEngineContract } from '../contracts/model-engine.ts';
import { repositoryRoot } from '../support/c360.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { parquetRows } from '../support/parquet-rows.ts';
import { describeWithSpark, SparkSession } from '../support/spark.ts';

const directory = temporaryDirectories();
const sql = join(repositoryRoot, 'sql');
const dateColumns = readModels(new SqlDirectory(sql)).ddl.get('dim_date')!;

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
