/** Files of customers and products that hold everything, and files that hold what has changed, say the same. */
import type { Dataset } from '../../src/contracts/index.ts';
import { ingestBatch } from '../../src/flows/ingest-batch.ts';
import { runPipeline } from '../../src/local/run-pipeline.ts';
import type { Scalar } from '../../src/ports.ts';
import { doorPlatform, withoutAnswers } from '../support/door-platform.ts';
import { temporaryDirectories } from '../support/local-stores.ts';

const newDirectory = temporaryDirectories();

type Values = Record<string, string>;

const customer = (id: string, values: Values): Values => ({
  customer_id: id,
  email: `${id}@example.com`,
  full_name: id,
  address: 'Street 1',
  phone: '+49 731 0000000',
  country: 'DE',
  city: 'Ulm',
  signup_date: '2025-05-05',
  acquisition_channel: 'web',
  ...values,
});

const product = (id: string, values: Values): Values => ({
  product_id: id,
  name: `Lamp ${id}`,
  category: 'Home',
  brand: 'Lux',
  price: '10',
  cost: '4',
  ...values,
});

/** Ingests one file a day, with a run behind each, and returns the rows of the dimension, oldest version first. */
async function dimensionAfter(dataset: Dataset, dimension: string, files: Values[][]): Promise<Scalar[][]> {
  const { env, land, clock, close } = doorPlatform(newDirectory());
  try {
    for (const rows of files) {
      await ingestBatch(env)(await land(dataset, rows.map((row) => `${JSON.stringify(row)}\n`).join('')));
      await runPipeline(withoutAnswers(env));
      clock.advance(24 * 60);
    }
    const result = await env.warehouse.query(`select * from ${dimension} order by 2, valid_from`);
    const shown = ['is_deleted', 'is_current', 'version_no'];
    expect(result.columns.map(({ name }) => name)).toEqual(expect.arrayContaining(shown));
    return result.rows;
  } finally {
    close();
  }
}

const changed = { customers: { city: 'Bonn' }, products: { price: '12' } };

describe.each`
  dataset        | dimension         | row
  ${'customers'} | ${'dim_customer'} | ${customer}
  ${'products'}  | ${'dim_product'}  | ${product}
`(
  '$dataset',
  ({ dataset, dimension, row }: { dataset: 'customers' | 'products'; dimension: string; row: typeof customer }) => {
    const files = (updated: (day: number) => Values) => {
      const first = ['a', 'b', 'c', 'd'].map((id) => row(id, updated(1)));
      const changes = [
        row('b', { ...changed[dataset], ...updated(2) }),
        row('c', { ...updated(2), deleted_at: '2026-03-02T06:00:00Z' }),
      ];
      const back = [row('c', updated(3))];
      // What has not changed stands in a full file as before; d is not in it, which is no statement.
      const again = [first[0]!];
      return {
        full: [first, [...again, ...changes], [...again, changes[0]!, ...back]],
        delta: [first, changes, back],
      };
    };

    test.each([
      ['with updated_at', (day: number): Values => ({ updated_at: `2026-03-0${day}T08:00:00Z` })],
      ['without', (): Values => ({})],
    ])('full files and deltas of the same changes give equal versions, %s', async (_, updated) => {
      const { full, delta } = files(updated);
      const rows = await dimensionAfter(dataset, dimension, full);
      expect(rows).toEqual(await dimensionAfter(dataset, dimension, delta));
      // a and d: one version; b: two; c: as it was, deleted, back.
      expect(rows).toHaveLength(1 + 2 + 3 + 1);
    });
  },
);
