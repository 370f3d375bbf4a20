/** A run that is killed in any of its states, at points that a seed picks, harms nobody; test/full kills a hundred. */
import { harmless, type KilledRuns, killedSteps, pointsOf, prepareKilledRuns } from '../support/killed-runs.ts';

const seed = 20_261_121;

let runs: KilledRuns;
beforeAll(async () => {
  runs = await prepareKilledRuns();
}, 300_000);
afterAll(() => runs.remove());

/** One of the points of a step; the same seed picks the same. */
function picked(step: (typeof killedSteps)[number]) {
  const points = pointsOf(runs, step);
  let state = seed + killedSteps.indexOf(step) * 0x9e3779b9;
  state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
  state = Math.imul(state ^ (state >>> 12), 0x297a2d39);
  return points[((state ^ (state >>> 15)) >>> 0) % points.length]!;
}

test.each(killedSteps)(
  'killed in the step %s',
  async (step) => {
    await harmless(runs, picked(step));
  },
  120_000,
);
