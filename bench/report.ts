import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Figures of a benchmark, held against their budgets. */
export interface Figure {
  what: string;
  value: number;
  unit: 'ratio' | 's' | 'MiB' | 'records/s' | 'kB' | 'ms' | 'exponent' | 'files';
  /** `>= 0.5`; absent where the figure is only told. */
  budget?: string;
}

export type Benchmark = () => Promise<Figure[]>;

/** Prints the figures and returns the exit code: 1 where a budget is missed. */
export function report(name: string, figures: Figure[]): number {
  const judged = figures.map((figure) => ({ ...figure, value: rounded(figure.value), ok: isWithin(figure) }));
  const width = Math.max(...judged.map(({ what }) => what.length));
  for (const { what, value, unit, budget, ok } of judged) {
    const verdict = budget ? `${ok ? 'ok' : 'MISSED'} (${budget})` : '';
    console.log(`${what.padEnd(width)}  ${String(value).padStart(12)} ${unit.padEnd(9)}  ${verdict}`.trimEnd());
  }
  console.log(JSON.stringify({ bench: name, figures: judged }));
  return judged.every(({ ok }) => ok) ? 0 : 1;
}

const rounded = (value: number): number => Number(value.toPrecision(4));

function isWithin({ value, budget }: Figure): boolean {
  if (!budget) return true;
  const [operator, limit] = budget.split(' ') as ['>=' | '<=', string];
  return operator === '>=' ? value >= Number(limit) : value <= Number(limit);
}

export const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Seconds. */
export interface Measured {
  /** Of all cores together. */
  cpu: number;
  wall: number;
}

export async function measured(work: () => unknown): Promise<Measured> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / 1e6, wall: (performance.now() - started) / 1000 };
}

/** Runs a part of a benchmark in a new process, which prints one line of JSON. */
export function inOwnProcess(
  file: string,
  ...parameters: string[]
): { seconds: number; cpuSeconds: number; memoryMiB: number } {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, path, ...parameters], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${file} ${parameters[0]} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}
