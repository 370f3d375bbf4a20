/**
 * Each answer, as serving/ holds it, equals to the last digit what plain arithmetic gives over the generator's own records:
 * `answers/<query>.ts` computes it without SQL, on three shops in which faults are planted.
 */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readAnswer } from '../../src/flows/publish-answers.ts';
import type { GeneratorRequest } from '../../src/generators/index.ts';
import type { Scalar } from '../../src/ports.ts';
import { bringIn } from '../support/bring-in.ts';
import { doorPlatform } from '../support/door-platform.ts';
import { temporaryDirectories } from '../support/local-stores.ts';
import { faultsWithoutGate, readShop, type Shop } from '../support/shop.ts';
import { listSql } from '../support/sql-engines.ts';

type Rows = Record<string, Scalar>[];

interface Computation {
  answer(shop: Shop): Rows;
  /** By column, values that must each come up. */
  branches?: Record<string, Scalar[]>;
}

/** Cohorts of more than thirty customers, of which some are seen for six whole months; the first shop is over a year old. */
const sizes: GeneratorRequest = { customers: 700, products: 40, transactions: 2_800, events: 4_000, months: 9 };
const requests: GeneratorRequest[] = [
  { ...sizes, seed: 1, until: '2026-10-20', months: 13, faults: faultsWithoutGate },
  { ...sizes, seed: 2, until: '2026-03-31', faults: faultsWithoutGate },
  { ...sizes, seed: 3, until: '2024-02-29', faults: faultsWithoutGate },
];
const queries = listSql('queries').map((path) => basename(path, '.sql'));

interface Answered {
  shop: Shop;
  served(query: string): Promise<Rows>;
}
const answered: Answered[] = [];
const newDirectory = temporaryDirectories();
const closing: (() => void)[] = [];

beforeAll(async () => {
  for (const request of requests) {
    const platform = doorPlatform(newDirectory(), `${request.until}T23:59:59Z`);
    closing.push(platform.close);
    await bringIn(platform, request);
    const served = async (query: string): Promise<Rows> => {
      const { columns, rows } = (await readAnswer(platform.env, query.replace(/^\d+_/, '')))!;
      return rows.map((row) => Object.fromEntries(row.map((value, index) => [columns[index]!.name, value])));
    };
    answered.push({ shop: await readShop(request, platform.env.vault), served });
  }
}, 240_000);

afterAll(() => {
  for (const close of closing) close();
});

test('each query has a computation of its own', () => {
  const computations = readdirSync(join(import.meta.dirname, 'answers')).map((name) => basename(name, '.ts'));
  expect(computations.sort()).toEqual(queries);
});

describe.each(queries)('%s', (query) => {
  let computed: Rows[];
  let branches: Record<string, Scalar[]>;

  beforeAll(async () => {
    const computation = (await import(`./answers/${query}.ts`)) as Computation;
    computed = answered.map(({ shop }) => computation.answer(shop));
    branches = computation.branches ?? {};
  });

  test.each(requests.map(({ seed }, index) => [seed, index]))('is exact on seed %i', async (_, index) => {
    const served = await answered[index]!.served(query);
    expect(served.length).toBeGreaterThan(1);
    expect(served).toEqual(computed[index]);
  });

  test('says something in every column, and comes to each of its branches', () => {
    const rows = computed.flat();
    const valuesOf = (column: string) => new Set<Scalar | undefined>(rows.map((row) => row[column]));
    for (const column of Object.keys(rows[0]!)) {
      expect([column, [...valuesOf(column)].some((value) => value !== null)]).toEqual([column, true]);
    }
    for (const [column, values] of Object.entries(branches)) {
      expect([column, values.filter((value) => !valuesOf(column).has(value))]).toEqual([column, []]);
    }
  });
});
