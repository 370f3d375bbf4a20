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

interface ProcessStat {
  pid: number;
  parent: number;
  command: string;
  bytes: number;
}

/** Bytes; 0 where the system has no `/proc`. */
function memoryOfDescendants(): number {
  const processes = entries('/proc').flatMap((name) => (/^\d+$/.test(name) ? (statOf(Number(name)) ?? []) : []));
  const total = (parent: number, command: string): number =>
    processes
      // One that still has its parent's command is about to become another, and has no memory of its own yet.
      .filter((child) => child.parent === parent && child.command !== command)
      .reduce((sum, child) => sum + child.bytes + total(child.pid, child.command), 0);
  return total(process.pid, '');
}

/** Fields 4 and 24 of `/proc/<pid>/stat`, behind the name, which may hold blanks. */
function statOf(pid: number): ProcessStat | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return { pid, parent: Number(fields[1]), command, bytes: Number(fields[21]) * pageBytes };
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
