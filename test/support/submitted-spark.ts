/** The models' script under `spark-submit`, for suites that see how it ends. */
import { join } from 'node:path';
import { type RunScript, SparkEngine } from '../../src/adapters/local/spark-engine.ts';
import { findSpark, type SparkInstallation, sparkSubmit } from '../../src/adapters/local/spark-submit.ts';
import type { ObjectStore } from '../../src/ports.ts';
import { repositoryRoot } from './c360.ts';

/** Over a few rows a start of Spark is mostly compiling, of which this asks for less. */
export const quickJava = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';

interface Submitted {
  temporaryDirectory: string;
  installation?: SparkInstallation;
  settings?: Record<string, string>;
}

/** Runs the script of the Glue job on this machine. */
export const submitted = ({ temporaryDirectory, installation, settings }: Submitted): RunScript =>
  sparkSubmit({
    installation: installation ?? findSpark(repositoryRoot),
    script: join(repositoryRoot, 'glue-scripts/run_models.py'),
    temporaryDirectory,
    settings: { 'spark.driver.extraJavaOptions': quickJava, ...settings },
  });

/** The engine that runs the script over these objects with the project's models. */
export const submittedEngine = (objects: ObjectStore, runScript: RunScript): SparkEngine =>
  new SparkEngine({ objects, sql: join(repositoryRoot, 'sql'), runScript });
