/** The suites of Spark say what they do where there is none. */
import { SparkMissing } from '../../src/adapters/local/spark-submit.ts';
import { describeWhereFound } from './spark.ts';

const missing = () => {
  throw new SparkMissing('Spark needs Java');
};

test('without Spark its suites are skipped, with a notice; with it they run', () => {
  const notices: string[] = [];
  const notice = (text: string) => notices.push(text);
  expect(describeWhereFound(missing, false, notice)).toBe(describe.skip);
  expect(notices).toEqual(['NOTICE: the suites of Spark are skipped: Spark needs Java\n']);
  expect(describeWhereFound(() => 'found', false, notice)).toBe(describe);
  expect(notices).toHaveLength(1);
});

test('where CI is set, a missing Spark is a failure, as is anything else that is wrong with it anywhere', () => {
  expect(() => describeWhereFound(missing, true, () => {})).toThrow('Spark needs Java');
  const broken = () => {
    throw new TypeError('broken');
  };
  expect(() => describeWhereFound(broken, false, () => {})).toThrow('broken');
});
