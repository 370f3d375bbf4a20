/** Clean, curated and publish of one added day on no, 30 and 365 days of history, each in a process of its own. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { archive, generatedEvents, SetClock } from './raw-lake.ts';
import { type Figure, inOwnProcess, median } from './report.ts';

const until = '2026-10-31';
const [yesterday, today] = ['2026-10-31T00:30:00Z', '2026-11-01T00:30:00Z'];
const histories = [0, 30, 365];
const eventsADay = 3000;
const rounds = 3;

export async function increment(): Promise<Figure[]> {
  const events = [...generatedEvents(14 * 30 * eventsADay, 14, until)];
  const days = [...new Set(events.map(({ day }) => day))].sort();
  const times: number[] = [];
  for (const history of histories) {
    const directory = mkdtempSync(join(tmpdir(), 'c360-bench-'));
    const [before, dataDir] = [join(directory, 'before'), join(directory, 'data')];
    try {
      const known = new Set(days.slice(-history - 1, -1));
      const past = events.filter(({ day }) => known.has(day));
      await archive(before, new SetClock(yesterday), past);
      if (history > 0) inOwnProcess('steps.ts', 'load', before, yesterday);
      const added = events.filter(({ day }) => day === days.at(-1));
      await archive(before, new SetClock(today), added);
      const seconds: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        rmSync(dataDir, { recursive: true, force: true });
        cpSync(before, dataDir, { recursive: true });
        seconds.push(inOwnProcess('steps.ts', 'publish', dataDir, today).seconds);
      }
      times.push(median(seconds));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return histories.flatMap((history, index): Figure[] => {
    const of = `one day on ${history} days of history`;
    const figure: Figure = { what: of, value: times[index]!, unit: 's' };
    const ratio = times[index]! / times[0]!;
    return index === 0
      ? [figure]
      : [figure, { what: `${of} / on none`, value: ratio, unit: 'ratio', budget: '<= 1.3' }];
  });
}
