/**
 * What a function costs before its first record: the size of its bundle, against the AWS clients in it bundled alone, and
 * the time that a new process takes to import it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { bundle, bundleOptions, functionNames } from '../scripts/bundle.mjs';
import { type Figure, median } from './report.ts';

const imports = 15;
const budget = '<= 1.3';

/** Variables of which functions make clients while they are imported; nothing is called. */
const readAtImport = {
  AWS_REGION: 'us-east-1',
  C360_ENVIRONMENT: 'bench',
  C360_BUCKET: 'bench',
  C360_WAREHOUSE_WORKGROUP: 'bench',
  C360_WAREHOUSE_DATABASE: 'bench',
  C360_WAREHOUSE_COPY_ROLE: 'arn:aws:iam::123456789012:role/bench',
};

/** The clients that the functions need, with the commands that their adapters send. */
const clients: Record<string, string[]> = {
  '@aws-sdk/client-dynamodb': [
    'BatchGetItemCommand',
    'DynamoDBClient',
    'GetItemCommand',
    'QueryCommand',
    'TransactWriteItemsCommand',
    'UpdateItemCommand',
  ],
  '@aws-sdk/client-glue': [
    'BatchCreatePartitionCommand',
    'BatchDeletePartitionCommand',
    'BatchUpdatePartitionCommand',
    'GetTableCommand',
    'GlueClient',
    'paginateGetPartitions',
  ],
  '@aws-sdk/client-kms': ['DecryptCommand', 'GenerateDataKeyCommand', 'KMSClient'],
  '@aws-sdk/client-redshift-data': [
    'DescribeStatementCommand',
    'ExecuteStatementCommand',
    'GetStatementResultCommand',
    'RedshiftDataClient',
  ],
  '@aws-sdk/client-s3': [
    'DeleteObjectsCommand',
    'GetObjectCommand',
    'HeadObjectCommand',
    'ListObjectsV2Command',
    'PutObjectCommand',
    'S3Client',
  ],
  '@aws-sdk/client-sns': ['PublishCommand', 'SNSClient'],
  '@aws-sdk/lib-storage': ['Upload'],
  '@smithy/node-http-handler': ['NodeHttpHandler'],
};

export async function cold(): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'c360-bench-'));
  try {
    const bundles = functionNames.map((name) => ({ name, ...bundle(name, join(directory, name)) }));
    const functions: Measured[] = [];
    for (const { name, outfile, metafile } of bundles) {
      const alone = join(directory, `${name}-clients.mjs`);
      await bundleClients(clientsIn(metafile), alone);
      functions.push({ name, own: outfile, alone });
    }
    const times = importTimes(functions.flatMap(({ own, alone }) => [alone, own]));
    return functions.flatMap((measured) => figuresOf(measured, times));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

interface Measured {
  name: string;
  /** Path of the function's bundle. */
  own: string;
  /** Path of a bundle of the AWS clients that it has. */
  alone: string;
}

function figuresOf({ name, own, alone }: Measured, times: Map<string, number[]>): Figure[] {
  const ratios = times.get(own)!.map((time, round) => time / times.get(alone)![round]!);
  return [
    { what: `${name}, bundle`, value: kilobytes(own), unit: 'kB', budget: '<= 1000' },
    { what: `${name} / its AWS clients, bundle`, value: kilobytes(own) / kilobytes(alone), unit: 'ratio', budget },
    { what: `${name}, cold import`, value: median(times.get(own)!), unit: 'ms' },
    { what: `${name} / its AWS clients, cold import`, value: median(ratios), unit: 'ratio', budget },
  ];
}

/** Packages of AWS of which something has gone into the bundle. */
function clientsIn({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  return Object.keys(clients).filter((name) => inputs.some((path) => path.includes(`node_modules/${name}/`)));
}

async function bundleClients(names: string[], outfile: string): Promise<void> {
  const contents = names.map((name) => `export { ${clients[name]!.join(', ')} } from '${name}';`).join('\n');
  const stdin = { contents, resolveDir: join(import.meta.dirname, '..') };
  await build({ ...bundleOptions, stdin, outfile });
}

/** Milliseconds of an import in a new process without a compile cache; the modules take turns. */
function importTimes(paths: string[]): Map<string, number[]> {
  const times = new Map(paths.map((path) => [path, [] as number[]]));
  for (let round = 0; round < imports; round += 1) {
    for (const path of paths) times.get(path)!.push(importTime(path));
  }
  return times;
}

function importTime(path: string): number {
  const code = `const start = performance.now(); await import(${JSON.stringify(pathToFileURL(path).href)});
    process.stdout.write(String(performance.now() - start));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    env: { NODE_DISABLE_COMPILE_CACHE: '1', ...readAtImport },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the import of ${path} failed: ${stderr.slice(-1000)}`);
  return Number(stdout);
}

const kilobytes = (path: string): number => statSync(path).size / 1000;
