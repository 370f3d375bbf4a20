/** A file system of a few megabytes that can be filled, in a mount namespace of its own: no root rights are needed. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Finished, repositoryRoot } from './c360.ts';

const mount = 'mount -t tmpfs -o size="$1"m tmpfs "$2"';
const namespace = ['--user', '--map-root-user', '--mount'];

/** Why there can be no such file system on this machine; undefined where there can. */
const smallDiskProblem: string | undefined = (() => {
  const { status, stderr, error } = spawnSync('unshare', [...namespace, 'sh', '-c', mount, 'sh', '1', tmpdir()]);
  if (status === 0) return undefined;
  return `unshare --user --mount does not work here (${error?.message ?? String(stderr).trim()}); it needs Linux with user namespaces`;
})();

/** `describe` where there can be a small disk. Elsewhere the tests are skipped, which with `CI=true` is a failure. */
export const describeWithSmallDisk: jest.Describe =
  smallDiskProblem === undefined || process.env.CI ? describe : describe.skip;

export interface SmallDisk {
  /** Where it is mounted, for the processes that are started on it. */
  path: string;
  /** Runs a program with the disk in its place; never throws. */
  run(program: string, args: string[], onError?: (text: string) => void): Promise<Finished>;
  /** Runs `c360` with these arguments. */
  c360(args: string[], onError?: (text: string) => void): Promise<Finished>;
  /** Fills the disk up to so many kilobytes. */
  leave(kilobytes: number): Promise<void>;
  /** Takes away what filled it. */
  makeRoom(): Promise<void>;
  /** The files below a folder of the disk, by their paths below it. */
  files(folder: string): Promise<string[]>;
  close(): void;
}

export async function smallDisk(megabytes: number): Promise<SmallDisk> {
  if (smallDiskProblem !== undefined) throw new Error(smallDiskProblem);
  const path = mkdtempSync(join(tmpdir(), 'c360-disk-'));
  const hold = `${mount} && echo mounted && exec cat`;
  const holder = spawn('unshare', [...namespace, 'sh', '-c', hold, 'sh', String(megabytes), path]);
  await once(holder.stdout, 'data');
  const inside = [
    '--target',
    String(holder.pid),
    '--user',
    '--mount',
    '--preserve-credentials',
    `--wd=${repositoryRoot}`,
  ];

  const run = (program: string, args: string[], onError: (text: string) => void = () => {}): Promise<Finished> =>
    new Promise((resolve) => {
      const options = { env: { ...process.env, NO_COLOR: '1' }, maxBuffer: 2 ** 28 };
      const child = execFile('nsenter', [...inside, '--', program, ...args], options, (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
      });
      child.stderr!.on('data', (text) => onError(String(text)));
      child.stdin!.end();
    });
  const shell = async (script: string): Promise<string> => {
    const { code, stdout, stderr } = await run('sh', ['-c', script, 'sh', path]);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  };
  return {
    path,
    run,
    c360: (args, onError) => run(process.execPath, ['bin/c360.mjs', ...args], onError),
    leave: async (kilobytes) => {
      const toTheEnd = '{ dd if=/dev/zero of="$1/filling" bs=4k 2>/dev/null || true; }';
      await shell(`${toTheEnd} && truncate -s -${kilobytes}K "$1/filling"`);
    },
    makeRoom: async () => void (await shell('rm -f "$1/filling"')),
    files: async (folder) => (await shell(`cd "$1/${folder}" && find . -type f | sort`)).split('\n').filter(Boolean),
    close: () => {
      // The file system goes with the last process that sees it.
      holder.kill();
      rmSync(path, { recursive: true });
    },
  };
}
