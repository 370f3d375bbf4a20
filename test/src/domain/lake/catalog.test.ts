/** Where the catalog's partitions point: to what a snapshot names, and to nothing else. */
import fc from 'fast-check';
import { partitionChanges, publishedPartitions, wholeTable } from '../../../../src/domain/lake/catalog.ts';

const file = (key: string, partition: string | null) => ({ key, partition, bytes: 1, rows: 1 });

test('a table has a partition a date, and one without dates has one that is always there', () => {
  const files = {
    'clean.events': [
      file('clean/events/run=1/dt=2026-02-01/a.parquet', '2026-02-01'),
      file('clean/events/run=1/dt=2026-02-01/b.parquet', '2026-02-01'),
      file('clean/events/run=2/dt=2026-02-02/a.parquet', '2026-02-02'),
    ],
    'curated.dim_channel': [file('curated/dim_channel/run=2/a.parquet', null)],
  };
  expect(publishedPartitions(files, ['clean.events', 'curated.dim_channel', 'curated.fact_sales'])).toEqual({
    clean_events: {
      '2026-02-01': 'clean/events/run=1/dt=2026-02-01/',
      '2026-02-02': 'clean/events/run=2/dt=2026-02-02/',
    },
    curated_dim_channel: { [wholeTable]: 'curated/dim_channel/run=2/' },
    curated_fact_sales: {},
  });
});

test('a partition that would lie in two folders is an error, since the catalog could name one alone', () => {
  const files = ['run=1', 'run=2'].map((run) => file(`clean/events/${run}/dt=2026-02-01/a.parquet`, '2026-02-01'));
  expect(() => publishedPartitions({ 'clean.events': files }, ['clean.events'])).toThrow(
    'clean.events: 2026-02-01 lies in clean/events/run=1/dt=2026-02-01/ and in clean/events/run=2/dt=2026-02-01/',
  );
});

test('the changes make of any catalog what the snapshot wants, touch each partition once, and none that is right', () => {
  const partitions = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.constantFrom('x/', 'y/', 'z/'));
  fc.assert(
    fc.property(partitions, partitions, (has, wants) => {
      const { create, update, remove } = partitionChanges(has, wants);
      const applied: Record<string, string> = { ...has };
      for (const value of [...create, ...update]) applied[value] = wants[value]!;
      for (const value of remove) delete applied[value];
      expect(applied).toEqual({ ...wants });
      const touched = [...create, ...update, ...remove];
      expect(new Set(touched).size).toBe(touched.length);
      expect(touched.filter((value) => has[value] === wants[value])).toEqual([]);
      expect(create.filter((value) => value in has)).toEqual([]);
    }),
  );
});
