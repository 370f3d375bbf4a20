/** What the quality gate costs: a run over 1 M events with all checks, their judgement and report, beside one without any. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { archive, generatedEvents, removeMade, SetClock } from './raw-lake.ts';
import { type Figure, inOwnProcess, median } from './report.ts';

const events = 1_000_000;
const until = '2026-10-31';
const now = '2026-11-01T00:00:00Z';
const rounds = 3;

export async function gate(): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'c360-bench-'));
  const dataDir = join(directory, 'data');
  try {
    await archive(dataDir, new SetClock(now), generatedEvents(events, 24, until));
    type Run = ReturnType<typeof inOwnProcess>;
    const runs = { gated: [] as Run[], load: [] as Run[] };
    // In turns, and each first as often: what else the machine does meets both.
    for (let round = 0; round < rounds; round += 1) {
      const parts: (keyof typeof runs)[] = round % 2 === 0 ? ['load', 'gated'] : ['gated', 'load'];
      for (const part of parts) {
        removeMade(dataDir);
        runs[part].push(inOwnProcess('steps.ts', part, dataDir, now));
      }
    }
    const of = (part: keyof typeof runs, what: 'seconds' | 'cpuSeconds') => median(runs[part].map((run) => run[what]));
    const share = (what: 'seconds' | 'cpuSeconds') =>
      median(runs.gated.map((gated, round) => 1 - runs.load[round]![what] / gated[what]));
    return [
      { what: 'raw to warehouse with the gate, 1 M events', value: of('gated', 'seconds'), unit: 's' },
      { what: 'raw to warehouse without checks, 1 M events', value: of('load', 'seconds'), unit: 's' },
      { what: "the gate's share of the run's time", value: share('seconds'), unit: 'ratio', budget: '<= 0.15' },
      { what: 'its share of the time of all cores', value: share('cpuSeconds'), unit: 'ratio' },
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
