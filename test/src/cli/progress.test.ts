/** Progress as it is seen on a terminal. */
import { stripVTControlCharacters } from 'node:util';
import { progress } from '../../../src/cli/progress.ts';

const { isTTY, write } = process.stderr;

afterEach(() => Object.assign(process.stderr, { isTTY, write }));

/** What is written to stderr while `done` of `total` is told. */
function seen({ isTerminal, total, unit, done }: { isTerminal: boolean; total: number; unit: string; done: number }) {
  let text = '';
  const record = (chunk: unknown) => {
    text += String(chunk);
    return true;
  };
  Object.assign(process.stderr, { isTTY: isTerminal, write: record });
  const bar = progress('work', total, unit);
  bar.update(done);
  bar.stop();
  return stripVTControlCharacters(text);
}

test('is a bar with a percentage, digits grouped, where the total is known', () => {
  expect(seen({ isTerminal: true, total: 36_525, unit: 'rows', done: 18_263 })).toMatch(
    /work +█+░+ 50 % │ 18,263 of 36,525 rows │/,
  );
});

test('is a mere counter where the total is not known: no bar, no percentage', () => {
  const text = seen({ isTerminal: true, total: 0, unit: 'rows', done: 12_345 });
  expect(text).toMatch(/work +12,345 rows/);
  expect(text).not.toMatch(/%|█|░/);
});

test('is told in megabytes where the bytes of a file are counted', () => {
  expect(seen({ isTerminal: true, total: 40_000_000, unit: 'bytes', done: 10_000_000 })).toMatch(
    /25 % │ 10\.0 MB of 40\.0 MB │/,
  );
});

test('is nothing where nobody watches', () => {
  expect(seen({ isTerminal: false, total: 10, unit: 'rows', done: 5 })).toBe('');
});
