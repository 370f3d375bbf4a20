/** What the models' script says of a failure: the kind and the file, where Spark's own words may quote the data. */
import { runPythonTool, testWithPython } from '../support/python-tool.ts';

const code = [
  'import sys',
  'sys.path.insert(0, "glue-scripts")',
  'import run_models',
  'from pyspark.errors import AnalysisException, SparkRuntimeException',
  'kind = AnalysisException if sys.argv[1] == "analysis" else SparkRuntimeException',
  'print(run_models.in_own_words(kind(sys.argv[2]), "/lake"), end="")',
].join('\n');

const said = (kind: 'analysis' | 'runtime', message: string) => runPythonTool('python', '-c', code, kind, message);

testWithPython.each([
  ['runtime', "[CAST_INVALID_INPUT] The value 'secret' cannot be cast", /^a value cannot be read as the type/],
  ['runtime', 'java.io.EOFException: file:/lake/raw/a.gz', /^a file is damaged or cut short \(raw\/a\.gz\)$/],
  ['runtime', 'S3Exception: Forbidden (Service: S3, Status Code: 403)', /^access is denied/],
  ['runtime', 'secret at Some.java:403', /^Spark failed, in words that may quote the data$/],
  ['analysis', '[UNRESOLVED_COLUMN] `a` does not exist\nProject', /^\[UNRESOLVED_COLUMN\] `a` does not exist$/],
] as const)('of %s: %s', async (kind, message, words) => {
  expect(await said(kind, message)).toMatch(words);
});
