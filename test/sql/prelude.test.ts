/** The preludes of the two engines of models define the same functions; `spark.test.ts` shows that they mean the same. */
import { preludeCalls } from '../support/prelude-calls.ts';
import { readSql } from '../support/sql-engines.ts';

/** Name -> parameters of the functions that a prelude defines. */
const functionsOf = (path: string, keyword: string): Record<string, string[]> =>
  Object.fromEntries(
    [...readSql(path).matchAll(new RegExp(`^create or replace temp(?:orary)? ${keyword} (\\w+)\\((.*?)\\)`, 'gm'))].map(
      ([, name, parameters]) => [name!, parameters!.split(', ').map((parameter) => parameter.split(' ')[0]!)],
    ),
  );

const onDuckDb = functionsOf('prelude/duckdb.sql', 'macro');
const onSpark = functionsOf('prelude/spark.sql', 'function');

test('both preludes define the same functions in one order, with the same parameters', () => {
  expect(Object.keys(onDuckDb).length).toBeGreaterThan(4);
  expect(Object.entries(onSpark)).toEqual(Object.entries(onDuckDb));
});

test('every statement of a prelude defines a function', () => {
  for (const [path, functions] of [
    ['prelude/duckdb.sql', onDuckDb],
    ['prelude/spark.sql', onSpark],
  ] as const) {
    expect(readSql(path).match(/^create/gm)).toHaveLength(Object.keys(functions).length);
  }
});

test('every function is tried with edge values', () => {
  expect(Object.keys(preludeCalls)).toEqual(Object.keys(onDuckDb));
});
