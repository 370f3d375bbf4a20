/**
 * SIGKILL twenty times a door, spread over the time that the door takes for 20,000 records: after the last restart every
 * record is there once by its provenance, in raw or in quarantine.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readStatus } from '../../src/flows/status.ts';
import { generate } from '../../src/generators/index.ts';
import { openPlatform } from '../../src/local/platform.ts';
import { repositoryRoot, temporaryDataDir } from '../support/c360.ts';
import { keptRecords, withBrokenLines } from '../support/conservation.ts';

const kills = 20;

/** Runs `c360` and kills it after so many milliseconds; true where that cut it off. */
function isCutOff(args: string[], afterMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/cli/main.ts', ...args], {
      cwd: repositoryRoot,
      stdio: 'ignore',
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (signal === 'SIGKILL') resolve(true);
      else if (code === 0) resolve(false);
      else reject(new Error(`c360 ${args[0]} ended with ${code ?? signal}`));
    });
  });
}

async function millisecondsOf(args: string[]): Promise<number> {
  const started = performance.now();
  await isCutOff(args, 600_000);
  return performance.now() - started;
}

interface Door {
  dataset: 'customers' | 'events';
  command: string[];
  /** When the kill of this number comes, as a share of the time that the whole takes: a share that is done stays done. */
  shareAt(kill: number): number;
}

const doors: Door[] = [
  {
    dataset: 'customers',
    command: ['upload', 'customers'],
    // An upload goes on behind the last whole one of four batches: each sixth kill comes in the batch behind it.
    shareAt: (kill) => (kill % 6 === 0 ? 0.27 : (kill % 6) * 0.025),
  },
  {
    dataset: 'events',
    command: ['produce'],
    // Each call goes on where the last was killed.
    shareAt: () => 1 / (kills + 1),
  },
];

describe.each(doors)('the door of $dataset', ({ dataset, command, shareAt }) => {
  const { dataDir, remove } = temporaryDataDir();
  afterAll(remove);

  test(`killed ${kills} times loses nothing and doubles nothing`, async () => {
    const folder = join(dataDir, '..');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${dataset}.txt`);
    const source = generate({ customers: 20_000, events: 20_000 }).find((candidate) => candidate.dataset === dataset)!;
    const lines = withBrokenLines(source.lines());
    const broken = lines.filter((line) => line.startsWith('broken')).length;
    writeFileSync(file, lines.join(''));

    const measured = [...command, file, '--data-dir', join(folder, 'measured')];
    const whole = await millisecondsOf(measured);
    // The second time there is nothing to do: this is what starting takes.
    const start = await millisecondsOf(measured);
    let cutOff = 0;
    for (let kill = 1; kill <= kills; kill += 1) {
      const after = start + (whole - start) * shareAt(kill);
      if (await isCutOff([...command, file, '--data-dir', dataDir], after)) cutOff += 1;
    }
    // A call that the machine lets run faster than the measured one may come to its end.
    expect(cutOff).toBeGreaterThanOrEqual(kills / 2);
    await isCutOff([...command, file, '--data-dir', dataDir], 600_000);

    const { env, close } = openPlatform({ dataDir, access: 'read' });
    const { raw, quarantined, origins } = await keptRecords(env.objects, dataset);
    const { isBalanced } = await readStatus(env)();
    close();
    expect([new Set(origins).size, isBalanced]).toEqual([origins.length, true]);
    // A producer that is killed behind a put sends it again: the same events, to be told apart by their ids.
    const records = dataset === 'events' ? new Set(raw.map((line) => line.event_id)).size : raw.length;
    expect(records).toBe(source.count - broken);
    expect(quarantined.length).toBeGreaterThanOrEqual(broken);
    if (dataset === 'customers') expect(quarantined.length).toBe(broken);
  }, 600_000);
});
