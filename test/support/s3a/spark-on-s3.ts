/** What Spark needs for s3:// addresses against the moto server: Hadoop's S3A from Maven Central, and settings as Glue has them. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findSpark, type SparkInstallation, SparkMissing } from '../../../src/adapters/local/spark-submit.ts';
import { repositoryRoot } from '../c360.ts';
import { describeWhere, findSessionSpark } from '../spark.ts';

const pom = join(import.meta.dirname, 'pom.xml');
const folder = join(repositoryRoot, 'node_modules/.cache/s3a');
const stamp = join(folder, 'pom.sha256');

/** `describe` where Spark can read s3:// addresses, as `describeWithSpark`. */
export const describeWithSparkOnS3 = describeWhere(() => {
  findSessionSpark();
  if (!areFetched() && spawnSync('mvn', ['--version']).status !== 0) {
    throw new SparkMissing('Maven (`mvn`) is needed to fetch S3A, and there is none on the path');
  }
});

/** A Spark that takes the server at this address for S3, and its settings. Fetches S3A, 16 MB, where that is needed. */
export function sparkOnS3(endpoint: string): { installation: SparkInstallation; settings: Record<string, string> } {
  const { submit, environment } = findSpark(repositoryRoot);
  const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
  return {
    installation: { submit, environment: { ...environment, ...credentials } },
    settings: {
      'spark.jars': fetchedJars().join(','),
      'spark.hadoop.fs.s3.impl': 'org.apache.hadoop.fs.s3a.S3AFileSystem',
      'spark.hadoop.fs.s3a.endpoint': endpoint,
      'spark.hadoop.fs.s3a.endpoint.region': 'eu-west-1',
      'spark.hadoop.fs.s3a.path.style.access': 'true',
      // An object's ETag as moto tells it differs between requests.
      'spark.hadoop.fs.s3a.change.detection.mode': 'none',
    },
  };
}

function fetchedJars(): string[] {
  if (!areFetched()) {
    rmSync(folder, { recursive: true, force: true });
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${folder}`];
    const { status, stdout } = spawnSync('mvn', ['--quiet', '--batch-mode', '--file', pom, ...goal], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`Maven could not fetch S3A: ${stdout.split('\n')[0]}`);
    // Written last: a fetch that was interrupted is done anew.
    writeFileSync(stamp, fingerprint());
  }
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jar'))
    .map((name) => join(folder, name));
}

function areFetched(): boolean {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint();
}

function fingerprint(): string {
  return createHash('sha256').update(readFileSync(pom)).digest('hex');
}
