/** A run that is killed where it writes what readers will see harms nobody; test/full kills a hundred, in all states. */
import { harmless, type KilledRuns, type KilledStep, pointsOf, prepareKilledRuns } from '../support/killed-runs.ts';

const seed = 20_261_121;

let runs: KilledRuns;
beforeAll(async () => {
  runs = await prepareKilledRuns();
}, 300_000);
afterAll(() => runs.remove());

const steps: KilledStep[] = ['clean models', 'publish snapshot', 'load warehouse', 'publish answers'];

/** One of the points of a step; the same seed picks the same. */
function picked(step: KilledStep) {
  const points = pointsOf(runs, step);
  let state = seed + steps.indexOf(step) * 0x9e3779b9;
  state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
  state = Math.imul(state ^ (state >>> 12), 0x297a2d39);
  return points[((state ^ (state >>> 15)) >>> 0) % points.length]!;
}

test.each(steps)(
  'killed in the step %s',
  async (step) => {
    await harmless(runs, picked(step));
  },
  120_000,
);
