// Starts the suites that take longest first, so that no worker is left alone with one of them at the end. Jest would go by
// their times where it has run before, and by the sizes of their files in a new clone.
import Sequencer from '@jest/test-sequencer';

const longest = ['spark-parity', 'crashes', 'histories', 'spark-failures', 'spark-on-s3', 'whole-platform'];

const rank = ({ path }) => {
  const index = longest.findIndex((name) => path.endsWith(`/${name}.test.ts`));
  return index === -1 ? longest.length : index;
};

export default class LongestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).toSorted((one, other) => rank(one) - rank(other));
  }
}
