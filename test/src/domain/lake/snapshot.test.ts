import fc from 'fast-check';
import type { EngineResult, WrittenFile } from '../../../../src/domain/lake/run-plan.ts';
import { applyResult, tableChange } from '../../../../src/domain/lake/snapshot.ts';

const file = (key: string, partition: string | null, rows = 1): WrittenFile => ({ key, partition, bytes: 10, rows });

const result = (table: string, touched: string[] | 'whole', files: WrittenFile[]): EngineResult => ({
  runId: 'r',
  layer: 'clean',
  engine: 'test',
  models: [{ table, touched, files, rows: 0, counts: {}, checks: [], seconds: 0 }],
});

describe('a published run', () => {
  const before = {
    'clean.events': [file('a1', '2026-01-01'), file('a2', '2026-01-02')],
    'clean.products': [file('p', null)],
  };

  test('replaces the partitions it touched and keeps the files of the others', () => {
    const after = applyResult(before, result('clean.events', ['2026-01-02'], [file('b2', '2026-01-02')]));
    expect(after['clean.events']!.map(({ key }) => key)).toEqual(['a1', 'b2']);
    expect(after['clean.products']).toBe(before['clean.products']);
  });

  test('drops a partition that it touched and left empty', () => {
    expect(
      applyResult(before, result('clean.events', ['2026-01-01'], []))['clean.events']!.map(({ key }) => key),
    ).toEqual(['a2']);
  });

  test('keeps all partitions where it touched none', () => {
    expect(applyResult(before, result('clean.events', [], []))['clean.events']).toEqual(before['clean.events']);
  });

  test('replaces a table without partitions whole', () => {
    expect(applyResult(before, result('clean.products', 'whole', [file('q', null)]))['clean.products']).toEqual([
      file('q', null),
    ]);
  });
});

describe('a load', () => {
  test('has nothing to do between equal lists of files', () => {
    expect(tableChange('t', [file('a', '2026-01-01')], [file('a', '2026-01-01')])).toBeUndefined();
  });

  test('replaces a table without partitions whole', () => {
    expect(tableChange('t', [file('a', null)], [file('b', null)])).toEqual({
      table: 't',
      changed: 'whole',
      files: [file('b', null)],
    });
  });

  /** A table as partition -> version of its rows. */
  const versions = fc.dictionary(
    fc.constantFrom('2026-01-01', '2026-01-02', '2026-01-03', '2026-01-04'),
    fc.integer({ min: 1, max: 3 }),
    {
      noNullPrototype: true,
    },
  );
  const filesOf = (table: Record<string, number>) =>
    Object.entries(table).map(([date, version]) => file(`${date}-v${version}`, date, version));

  test('brings any table to any other by replacing the partitions that differ, and no others', () => {
    fc.assert(
      fc.property(versions, versions, (from, to) => {
        const change = tableChange('t', filesOf(from), filesOf(to));
        const loaded = { ...from };
        for (const date of (change?.changed ?? []) as string[]) {
          delete loaded[date];
          expect(from[date]).not.toBe(to[date]);
        }
        for (const { partition, rows } of change?.files ?? []) loaded[partition!] = rows;
        expect(loaded).toEqual(to);
      }),
    );
  });
});
