/** Spark as engine: what it gives its script, and where it is found. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DirectoryObjectStore } from '../../../../src/adapters/local/directory-object-store.ts';
import { type RunScript, SparkEngine } from '../../../../src/adapters/local/spark-engine.ts';
import { findSpark, SparkMissing } from '../../../../src/adapters/local/spark-submit.ts';
import type { EngineResult, RunPlan } from '../../../../src/domain/lake/run-plan.ts';
import { EngineError } from '../../../../src/ports.ts';
import { temporaryDirectories } from '../../../support/local-stores.ts';

const directory = temporaryDirectories();

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

  test('ends with the process that started it, where a signal ends that one', async () => {
    const folder = directory();
    const [submit, alive] = [join(folder, 'spark-submit'), join(folder, 'alive')];
    execFileSync('mkfifo', [alive]);
    // Who reads the pipe hears of its start, and of its end.
    writeFileSync(submit, `#!/bin/sh\nexec 3> '${alive}'\necho started >&3\nexec sleep 60\n`, { mode: 0o755 });
    const module = join(import.meta.dirname, '../../../../src/adapters/local/spark-submit.ts');
    const options = { installation: { submit, environment: {} }, script: 'any', temporaryDirectory: folder };
    const program = `import { sparkSubmit } from '${module}'; await sparkSubmit(${JSON.stringify(options)})([]);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program]);
    const heard = createReadStream(alive);
    const ends = Promise.all([once(parent, 'exit'), once(heard, 'end')]);
    await once(heard, 'data');
    parent.kill('SIGTERM');
    expect((await ends)[0]).toEqual([null, 'SIGTERM']);
  });
});
