/** `npm run bench -- <name>`: prints a table for people and, last, one line of JSON. */
import { cold } from './cold.ts';
import { engines } from './engines.ts';
import { gate } from './gate.ts';
import { increment } from './increment.ts';
import { ingest } from './ingest.ts';
import { pipeline } from './pipeline.ts';
import type { Benchmark } from './report.ts';
import { report } from './report.ts';

const benchmarks: Record<string, Benchmark> = { cold, engines, gate, increment, ingest, pipeline };

const name = process.argv[2] ?? '';
const benchmark = benchmarks[name];
if (benchmark) process.exitCode = report(name, await benchmark());
else {
  console.error(
    `npm run bench -- <name>, where name is one of ${Object.keys(benchmarks).join(', ')}; got ${name || 'none'}`,
  );
  process.exitCode = 1;
}
