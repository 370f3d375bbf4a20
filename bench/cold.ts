/**
 * What a function costs before its first record: the size of its bundle, against the AWS clients in it bundled alone, and
 * the time that a new process takes to import it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { bundle, bundleOptions, functionNames } from '../scripts/bundle.mjs';
import { type Figure, median } from './report.ts';

const imports = 15;

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
  '@aws-sdk/client-kms': ['DecryptCommand', 'GenerateDataKeyCommand', 'KMSClient'],
  '@aws-sdk/client-s3': [
    'DeleteObjectsCommand',
    'GetObjectCommand',
    'HeadObjectCommand',
    'ListObjectsV2Command',
    'PutObjectCommand',
    'S3Client',
  ],
  '@aws-sdk/lib-storage': ['Upload'],
  '@smithy/node-http-handler': ['NodeHttpHandler'],
};

export async function cold(): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'c360-bench-'));
  try {
    const alone = await bundleClients(join(directory, 'clients.mjs'));
    const paths = new Map<string, string>();
    for (const name of functionNames) paths.set(name, bundle(name, join(directory, name)).outfile);
    const times = importTimes([alone, ...paths.values()]);
    const figures: Figure[] = [
      { what: 'AWS clients alone, bundle', value: kilobytes(alone), unit: 'kB' },
      { what: 'AWS clients alone, cold import', value: median(times.get(alone)!), unit: 'ms' },
    ];
    for (const [name, path] of paths) {
      figures.push(
        { what: `${name}, bundle`, value: kilobytes(path), unit: 'kB', budget: '<= 1000' },
        {
          what: `${name} / AWS clients, bundle`,
          value: kilobytes(path) / kilobytes(alone),
          unit: 'ratio',
          budget: '<= 1.3',
        },
        { what: `${name}, cold import`, value: median(times.get(path)!), unit: 'ms' },
        {
          what: `${name} / AWS clients, cold import`,
          value: median(times.get(path)!.map((time, round) => time / times.get(alone)![round]!)),
          unit: 'ratio',
          budget: '<= 1.3',
        },
      );
    }
    return figures;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function bundleClients(outfile: string): Promise<string> {
  const contents = Object.entries(clients)
    .map(([name, exported]) => `export { ${exported.join(', ')} } from '${name}';`)
    .join('\n');
  const stdin = { contents, resolveDir: join(import.meta.dirname, '..') };
  await build({ ...bundleOptions, stdin, outfile });
  return outfile;
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
    env: { NODE_DISABLE_COMPILE_CACHE: '1' },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the import of ${path} failed: ${stderr}`);
  return Number(stdout);
}

const kilobytes = (path: string): number => statSync(path).size / 1000;
