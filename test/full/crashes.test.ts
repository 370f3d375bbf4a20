/**
 * SIGKILL at a hundred points of a run, in each of its states, before, in the middle of and after what it changes on disk:
 * readers see the old snapshot or the new one, never a mixture; the next run ends where an undisturbed one does; a vacuum
 * leaves no orphan.
 */
import {
  harmless,
  type KilledRuns,
  type KilledStep,
  type KillPoint,
  pointsOf,
  prepareKilledRuns,
  unchangedViews,
  vacuumed,
} from '../support/killed-runs.ts';

/** How many kills each state gets: a hundred in all. */
const kills: Record<KilledStep, number> = {
  plan: 10,
  'clean models': 16,
  'clean gate': 5,
  'exclude rows': 8,
  'plan curated': 5,
  'curated models': 16,
  'curated gate': 5,
  'publish snapshot': 9,
  'load warehouse': 13,
  'publish answers': 8,
  notify: 5,
};

let runs: KilledRuns;
beforeAll(async () => {
  runs = await prepareKilledRuns();
}, 600_000);
afterAll(() => runs.remove());

/** Around the last change that the step makes visible, and spread evenly over all its calls. */
function chosen(step: KilledStep): KillPoint[] {
  const points = pointsOf(runs, step);
  const commit = points.findLast(({ name }) => ['link', 'rename', 'renameSync'].includes(name));
  const around = points.filter(({ number, when }) => number === commit?.number && when !== 'during');
  const others = points.filter((point) => !around.includes(point));
  const wanted = kills[step] - around.length;
  const spread = Array.from(
    { length: wanted },
    (_, index) => others[Math.floor(((index + 0.5) * others.length) / wanted)]!,
  );
  return [...around, ...spread];
}

test('the undisturbed run differs from what was there before in every view, and leaves no file unnamed', async () => {
  expect(unchangedViews(runs)).toEqual([]);
  expect(runs.undisturbed.isBalanced).toBe(true);
  expect(await vacuumed(runs.measured)).toEqual([]);
});

test.each(Object.keys(kills) as KilledStep[])(
  'killed in the step %s, a run harms nobody',
  async (step) => {
    const points = chosen(step);
    expect(new Set(points.map(({ number, when }) => `${number} ${when}`)).size).toBe(kills[step]);
    for (const point of points) await harmless(runs, point);
  },
  1_200_000,
);
