/** Spark on this machine as an engine beside another one, over a lake of its own. */
import { join } from 'node:path';
import { DirectoryObjectStore } from '../../src/adapters/local/directory-object-store.ts';
import { SparkEngine } from '../../src/adapters/local/spark-engine.ts';
import { findSpark, SparkMissing, sparkSubmit } from '../../src/adapters/local/spark-submit.ts';
import { repositoryRoot } from './c360.ts';
import type { Lineage } from './parity-engine.ts';

/** `describe` where Spark is installed. Elsewhere the tests are skipped, which with `CI=true` is a failure. */
export const describeWithSubmit: jest.Describe = isInstalled() || process.env.CI ? describe : describe.skip;

function isInstalled(): boolean {
  try {
    findSpark(repositoryRoot);
    return true;
  } catch (error) {
    if (error instanceof SparkMissing) return false;
    throw error;
  }
}

/** The script, run by `spark-submit` each time, with the texts of a folder `sql/`. */
export function sparkLineage(newDirectory: () => string, sql = join(repositoryRoot, 'sql')): Lineage {
  const objects = new DirectoryObjectStore(newDirectory());
  const script = join(repositoryRoot, 'glue-scripts/run_models.py');
  const runScript = sparkSubmit({
    installation: findSpark(repositoryRoot),
    script,
    temporaryDirectory: newDirectory(),
    // A short life: what is compiled for longer ones takes longer than it saves.
    settings: { 'spark.driver.extraJavaOptions': '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' },
  });
  return { name: 'spark', objects, engine: new SparkEngine({ objects, sql, runScript }) };
}
