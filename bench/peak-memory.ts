/** The greatest memory of a process together with those that it has begun. */
import { readdirSync, readFileSync } from 'node:fs';

const everyMs = 200;
const pageBytes = 4096;

/** Begins to watch this process; what is returned ends it and gives the greatest resident memory, in MiB. */
export function peakMemory(): () => number {
  let others = 0;
  const timer = setInterval(() => {
    others = Math.max(others, memoryOfDescendants());
  }, everyMs);
  return () => {
    clearInterval(timer);
    return process.resourceUsage().maxRSS / 1024 + others / 2 ** 20;
  };
}

/** Bytes; 0 where the system has no `/proc`. */
function memoryOfDescendants(): number {
  const children = new Map<number, { pid: number; bytes: number }[]>();
  for (const name of entries('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (stat) children.set(stat.parent, [...(children.get(stat.parent) ?? []), stat]);
  }
  const total = (pid: number): number =>
    (children.get(pid) ?? []).reduce((sum, child) => sum + child.bytes + total(child.pid), 0);
  return total(process.pid);
}

/** Fields 4 and 24 of `/proc/<pid>/stat`, behind the name, which may hold blanks. */
function statOf(pid: number): { pid: number; parent: number; bytes: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return { pid, parent: Number(fields[1]), bytes: Number(fields[21]) * pageBytes };
  } catch {
    // It has ended since.
    return undefined;
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
